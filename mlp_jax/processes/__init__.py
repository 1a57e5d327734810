"""The processes that train: whoever starts them, who is lost, and the programs that one can hold.

One process uses all of its cores and all of its accelerators: a chunk of networks runs on each
core of a CPU, or on each accelerator. Every device has programs of its own and waits for no
other, but where halving chooses among all. A network is the same wherever it is trained: the
tests hold a sweep of 1,000 members on 1, 2 and 8 devices and in 2 and 4 processes to one table,
within 1e-10 in float64. How far that goes is measured and worked out in `experiments/scale.md`.

**A sweep in parts, by an engine that you have.** `sweep(..., executor=E)` cuts the space into
parts that take about equally long and hands them to E, any executor of `concurrent.futures`. With
halving every rung is a round. A part whose worker dies is handed out again, twice at most; then a
warning says so, and its members are interrupted. What is done is kept, and with `checkpoint=` the
next call goes on from there. The table is read from a file where workers see this machine's, and
else sent to each worker. The first call waits for each worker to compile.

On one machine, a number is enough, under `if __name__ == "__main__":` as with any processes that
Python starts; each has cores of its own. One process alone uses all cores and accelerators too, and
is about as fast or, on a short sweep, faster; processes are for what must outlive one that dies (a
`ProcessPoolExecutor` of yours ends with its first, or waits for ever if it died while it sent):

    if __name__ == "__main__":
        result = mlp_jax.sweep(X, y, space, executor=2)
    mlp-jax sweep table.csv --target y --processes 2            # the same

On four machines, by Dask (`pip install 'mlp_jax[cluster]'` on all of them): one runs the first of
these commands, each runs the second, with its own address, and you the script. Dask listens on all
interfaces unless it is told where, and asks for no password: who reaches it can run code.

    dask scheduler --host 10.0.0.1 --dashboard-address 127.0.0.1:8787
    dask worker tcp://10.0.0.1:8786 --host 10.0.0.2 --dashboard-address 127.0.0.1:0 --nthreads 1

    from distributed import Client
    with Client("tcp://10.0.0.1:8786") as client:
        result = mlp_jax.sweep(X, y, space, executor=client.get_executor())
    mlp-jax sweep table.csv --target y --scheduler tcp://10.0.0.1:8786    # the same

Such a cluster on one machine, which listens on it alone:

    from distributed import Client, LocalCluster
    if __name__ == "__main__":
        here = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
        with LocalCluster(n_workers=2, threads_per_worker=1, **here) as cluster:
            with Client(cluster) as client:
                result = mlp_jax.sweep(X, y, space, executor=client.get_executor())

By MPI, `mpiexec -n 5 python -m mpi4py.futures script.py` with `executor=MPIPoolExecutor()` in it.
`SweepCV` is divided so inside `joblib.parallel_config(backend="dask")` or "loky", by its `n_jobs`.
A worker with one thread uses all cores or accelerators that it sees. This library listens nowhere.
Chunks are of the size that suits the kind of device of the process that calls. An executor goes
with `checkpoint=` and `halving=`, not with `seconds=`, `shard=` or `devices=`.

Without an engine and without halving, each machine trains its part into a common folder, waits for
nobody, and the same command without `--shard`, or without `shard=`, then has it all:

    mlp-jax sweep table.csv --target y --checkpoint saves --shard 1/2    # here
    mlp-jax sweep table.csv --target y --checkpoint saves --shard 2/2    # there
    mlp-jax sweep table.csv --target y --checkpoint saves                # prints, writes the rest

**Processes that are joined**, by JAX's own runtime, for one job on many accelerators: on a TPU pod,
Slurm, Open MPI and Kubernetes, `mlp_jax.distributed()`, or `mlp-jax sweep --distributed`, finds the
others by itself; elsewhere say where process 0 is. `sweep` then trains a share in each, and returns
all of it in all; Ctrl-C in one ends all:

    mlp_jax.distributed("127.0.0.1:29500", processes=2, process=0)  # and 1 in the other one
    result = mlp_jax.sweep(X, y, space, checkpoint="saves")  # the same call in both

JAX ends all of them, and says why, where one does not come within `timeout` seconds or is lost:
half a minute later, or at once where the others talk to it (`LostPeerError`). Start all of them
again and they go on from the checkpoint. JAX's coordinator asks for no password: it listens at the
address you name and no other, so name one that only your machines reach.

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
