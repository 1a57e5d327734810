r"""Section 3: gradient descent. `fit` trains one network in one compiled program.

`fit` descends by the gradient by hand; `gradient=jax.grad(mlp_jax.cost)` gives the same run. The
numbers of `mlp_jax.optimizer`, `l2`, `dropout`, `dropout_epochs`, `label_smoothing`, `epochs`,
`patience` and `tolerance` are traced: another value compiles nothing (to switch one on, from 0 or
None, does), and a search is `vmap`:

>>> import jax, mlp_jax
>>> X = jax.random.normal(jax.random.key(0), (2, 100))
>>> Y = X[:1] * X[1:] > 0
>>> params = mlp_jax.init(jax.random.key(1), (2, 8, 1))
>>> def final_cost(learning_rate, l2):
...     sgd = mlp_jax.optimizer("sgd", learning_rate=learning_rate, momentum=0.9)
...     _, info = mlp_jax.fit(params, X, Y, optimizer=sgd, epochs=50, l2=l2)
...     return info.cost[-1]
>>> rates, strengths = jax.numpy.array([0.001, 0.01, 0.1]), jax.numpy.zeros(3)
>>> costs = jax.jit(jax.vmap(final_cost))(rates, strengths)
>>> costs.shape, bool(costs[2] < costs[0])
((3,), True)

**Optimizers** by name: `sgd adam adamw rmsprop adagrad lion lbfgs`, with the schedules `constant
cosine log_cosine exponential inverse_scaling one_cycle`, warm-up, clipping, decoupled weight decay,
a rate of their own for biases and a learned scale for every input; or any of optax.

**A run that diverges**, whose cost, or gradient at the end of an epoch, is no longer finite, stops,
keeps its last finite parameters, sets `state.diverged` and warns with the epoch.

**Stopped and gone on with.** `fit(..., checkpoint="folder")` saves every minute, in the background;
the same call again goes on to the same last bit. Handed a `State`, `fit` goes on exactly as if it
had not stopped. `progress=True` shows epoch, cost, validation loss and the time left;
`mlp_jax.TensorBoard("runs")` is another `progress=`.

**The same bits.** The same key, data, versions, machine and number of threads give the same bits.
What does not hold: another device, another version of XLA or another number of threads adds in
another order and differs in the last digits, which training then amplifies; so does a run inside
`vmap` against the same run alone.

**Precision.** Parameters are float32 unless `init` is given another dtype; float64 needs
`jax.config.update("jax_enable_x64", True)`. Products are exact to the dtype on every device (no
TF32 unless you type `Network(precision="default")`); `Network(precision="bfloat16")` rounds the
factors of every product to bfloat16 and keeps parameters and sums as they are.

**Examples that one device cannot hold** are divided for one training of full batches; the gradient
is that of the mean over all of them, however unequal the weights of the parts:

>>> import numpy as np
>>> columns, row = np.zeros((3, 10)), np.ones((1, 10))
>>> X_, Y_, weights = mlp_jax.shard_examples(columns, row)  # on all devices; then fit(params, ...)
>>> X_.shape
(3, 10)

Files: `training` has `fit`, `checks` what `fit` refuses, `batches` examples as rows and as batches,
`descent` one step, `cost_and_gradient` what a step descends by, `epoch` one epoch, `loop` the whole
training, compiled, `segments` what happens between two looks at a training.
"""

from typing import TYPE_CHECKING

from mlp_jax import _page_of

if TYPE_CHECKING:
    from mlp_jax.training.descent import step as step
    from mlp_jax.training.divergence import DivergenceWarning as DivergenceWarning
    from mlp_jax.training.optimizers import Optimizer as Optimizer
    from mlp_jax.training.optimizers import optimizer as optimizer
    from mlp_jax.training.state import Best as Best
    from mlp_jax.training.state import Info as Info
    from mlp_jax.training.state import State as State
    from mlp_jax.training.state import start as start
    from mlp_jax.training.training import fit as fit

__getattr__ = _page_of("training")
