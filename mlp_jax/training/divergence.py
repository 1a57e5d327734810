"""When a training ends: at its last epoch, without patience, or because it diverged.

`fit` and sweeps ask `goes_on` before every epoch. A training that diverges is marked by `descend`,
which looks at the cost, and by `mark_divergence`; its parameters stay the last finite ones.
"""

import warnings
from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from mlp_jax.training.optimizers import Optimizer
from mlp_jax.training.state import Info, State, initial_optimizer_state


class DivergenceWarning(UserWarning):
    """A training was stopped: its cost, gradient, or optimizer's state was not finite."""


def goes_on(state: State, epochs: Any, patience: Any = None) -> Any:
    """Whether a training has epochs left; of several side by side, whether each has.

    Args:
      state: of the training, in JAX or NumPy.
      epochs: to train in all.
      patience: epochs without an improvement after which the training stops; None for never.
    """
    on = (state.epoch < epochs) & ~state.diverged
    return on if patience is None else on & ~lost_patience(state, patience)


def lost_patience(state: State, patience: Any) -> Any:
    """Whether as many epochs as `patience` have passed without an improvement."""
    return state.epoch - state.best.improved >= patience


def finite_leaves(optimizer: Any, optimizer_state: Any) -> list[Array] | None:
    """For every leaf of floats of an optimizer's state, whether it is finite.

    None says that all are: most optimizers by name begin with finite numbers, and an epoch that
    leaves other numbers is the last epoch.
    """
    if isinstance(optimizer, Optimizer) and optimizer.name != "lbfgs":
        return None
    return [_are_finite([leaf]) for leaf in _floats(optimizer_state)]


def mark_divergence(state: State, length: Array, finite: Sequence[Array] | None) -> State:
    """The state, marked as diverged if the gradient or what the optimizer keeps is not finite.

    This and `descend`'s rule about the cost are the only rules of divergence: after every epoch
    `fit` and sweeps end a training by them. A gradient that was not finite in the midst of an
    epoch, at a finite cost, shows in what the optimizer has kept of it.

    Args:
      state: after the epoch.
      length: Euclidean norm of the gradient in its last step.
      finite: `finite_leaves` before the epoch. A leaf that was not finite then may stay infinite:
        some optimizers have a best cost so far, and start with infinity.
    """
    diverged = state.diverged | ~jnp.isfinite(length)
    leaves = _floats(state.optimizer_state)
    if finite is None:
        return state._replace(diverged=diverged | ~_are_finite(leaves))
    for was_finite, leaf in zip(finite, leaves, strict=True):
        broken = ~_are_finite([leaf]) & (was_finite | jnp.any(jnp.isnan(leaf)))
        diverged = diverged | broken
    return state._replace(diverged=diverged)


def _are_finite(leaves: Sequence[Array]) -> Array:
    """Whether all entries are finite: the least normal number times a finite number is at most 4.

    A product of vectors is the fastest pass over memory that XLA has on a CPU, but takes a while to
    compile: all biases share one product.
    """
    large = [leaf.ravel() for leaf in leaves if 1 not in leaf.shape[-2:]]
    small = [leaf.ravel() for leaf in leaves if 1 in leaf.shape[-2:]]
    vectors = [*large, *([jnp.concatenate(small)] if small else [])]
    products = [
        jnp.vdot(v, jnp.full_like(v, jnp.finfo(v.dtype).tiny), precision="highest") for v in vectors
    ]
    return jnp.all(jnp.array([jnp.isfinite(product) for product in products], bool))


def _floats(optimizer_state: Any) -> list[Any]:
    leaves = jax.tree.leaves(optimizer_state)
    return [leaf for leaf in leaves if jnp.issubdtype(jnp.result_type(leaf), jnp.floating)]


def restarted(state: State, optimizer: Any) -> State:
    """The state with an optimizer that starts afresh, if its run diverged."""
    fresh = initial_optimizer_state(optimizer, state.params)
    kept = jax.tree.map(partial(jnp.where, state.diverged), fresh, state.optimizer_state)
    return state._replace(optimizer_state=kept)


def warn_of_divergence(epochs: int, info: Info) -> None:
    """Warns of a divergence and says when and why it was.

    Args:
      epochs: that are done.
      info: its last entry is of the epoch after them.
    """
    J, norm = float(info.cost[-1]), float(info.gradient_norm[-1])
    what = "the state of the optimizer is not finite"
    if not np.isfinite(norm):
        what = f"the norm of the gradient is {norm:g}"
    if not np.isfinite(J):
        what = f"the cost is {J:g}"
    warnings.warn(
        f"training diverged in epoch {epochs + 1}: {what}. The parameters are the last finite "
        "ones. Type a smaller learning rate, or clip_norm=1.0 in mlp_jax.optimizer",
        DivergenceWarning,
        stacklevel=5,
    )
