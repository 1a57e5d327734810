"""The processes that train: who joins them, who is lost, and the programs that one can hold.

One process uses all of its cores and all of its accelerators: a chunk of networks runs on each
core of a CPU, or on each accelerator. Every device has programs of its own and waits for no
other, but where halving chooses among all. A network is the same wherever it is trained: the
tests hold a sweep of 1,000 members on 1, 2 and 8 devices and in 2 and 4 processes to one table,
within 1e-10 in float64. How far that goes is measured and worked out in `experiments/scale.md`.

**Processes that do not need one another.** `mlp-jax sweep table.csv --target y --processes 4`
divides the sweep among four processes on this machine, each with cores of its own. One that is
killed is started again and goes on from its last save; what it leaves undone is done at the end.
On several machines with a common folder, each runs its part, and the same command without
`--shard` then has it all:

    mlp-jax sweep table.csv --target y --checkpoint saves --shard 1/2    # here
    mlp-jax sweep table.csv --target y --checkpoint saves --shard 2/2    # there
    mlp-jax sweep table.csv --target y --checkpoint saves                # prints, writes the rest

In Python that is `mlp_jax.sweep(..., checkpoint="saves", shard=(0, 2))`. With halving the shards
wait for one another's scores in that folder, and for nothing else; the command line has it where
configurations are drawn of a `--space`, unless you type `--halving 1`.

**Processes that are joined**, by JAX's own runtime. On Slurm, Open MPI, Kubernetes and Cloud TPU
`mlp_jax.distributed()`, or `mlp-jax sweep --distributed`, finds the others by itself; elsewhere
say where process 0 is. `sweep` then trains a share in each, and returns all of it in all:

    mlp_jax.distributed("127.0.0.1:29500", processes=2, process=0)  # and 1 in the other one
    result = mlp_jax.sweep(X, y, space, checkpoint="saves")  # the same call in both

Where you say the address, a process that does not come is named, after `timeout` seconds, and one
that dies is said by the others within seconds (`LostPeerError`; where process 0 dies JAX ends the
others, and they still say so); where the cluster says it, when the others next meet it. Start all
of them again and they go on from the checkpoint. JAX's coordinator asks for no password: it
listens at the address you name and no other, so name one that only your machines reach.

**Programs that are kept.** `mlp_jax.keep_programs()` keeps what is compiled for the next process,
in the platform's cache folder or in one that you name; in Python it is off until you call it, and
`mlp-jax` does it unless you type `--no-cache`. A program serves every table of the same shape.

**GPU and TPU.** Install JAX for yours (`pip install "jax[cuda13]"` or `"jax[tpu]"`) and nothing
else changes; `mlp-jax --platform cpu sweep ...`, or `JAX_PLATFORMS=cpu` before Python, says what
to use. JAX takes three quarters of a GPU's memory when it starts:
`XLA_PYTHON_CLIENT_PREALLOCATE=false` takes what is needed, and
`XLA_PYTHON_CLIENT_MEM_FRACTION=0.4` another share, as where two processes use one. Products are
float32 to the last bit unless a network says otherwise: `Network(precision="default")`, or
`"precision": ["default"]` in a space, lets a GPU use TF32 and a TPU bfloat16, which is faster and
has three digits. A sweep there has few programs and up to 1,024 networks a chunk, each of which
chooses its activation, and keeps to the memory that the GPU has free.
"""

from typing import TYPE_CHECKING

from mlp_jax import _page_of

if TYPE_CHECKING:
    from mlp_jax.processes.joined import LostPeerError as LostPeerError
    from mlp_jax.processes.joined import distributed as distributed
    from mlp_jax.processes.kept_programs import keep_programs as keep_programs
    from mlp_jax.processes.sharded_examples import shard_examples as shard_examples

__getattr__ = _page_of("processes")
