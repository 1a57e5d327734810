"""A training in segments: between two of them it is looked at, shown and saved.

They are one compiled program whatever their lengths, and the result is the same to the last bit.
"""

import time
import warnings as python_warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mlp_jax.descent import Info, State, initial_optimizer_state
from mlp_jax.epochs import Plan
from mlp_jax.training_checkpoints import FitCheckpoint
from mlp_jax.training_loop import run

HISTORY = 1024  # epochs a call of the compiled program has room to report: one program for all
SEGMENT_SECONDS = 0.25  # between two looks at the progress; a look takes about a millisecond


class DivergenceWarning(UserWarning):
    """A training was stopped: its cost, or its gradient at the end of an epoch, was not finite."""


def in_segments(
    state: State,
    arguments: tuple[Any, ...],
    epochs: int,
    plan: Plan,
    progress: Callable[..., Any] | None,
    saves: FitCheckpoint | None,
) -> tuple[State, Info]:
    """`run` until all is done, from one look at the progress to the next.

    Args:
      state: to start from.
      arguments: of `run`: examples, validation and numbers.
      epochs: to train.
      plan: of `run`.
      progress: called after every segment, or None.
      saves: where the training goes on from if it was begun before, and where it is saved.
    """
    first = int(state.epoch)
    lines: list[np.ndarray] = []
    if state.diverged:
        state = restarted(state, plan.optimizer or arguments[2].optimizer)
    finite = finite_leaves(state)
    found = None if saves is None else saves.found(state)
    if found is not None:
        state, lines = found[0], [found[1]] if len(found[1]) else []
    segment = HISTORY if progress is None and saves is None else 1
    ends = found is not None and bool(state.diverged)
    now = int(state.epoch)
    try:
        while not ends:
            done = now
            until = min(first + epochs, done + min(segment, HISTORY))
            began = time.perf_counter()
            after, history = run(state, *arguments, np.int32(until), plan=plan)
            state = flagged(after, finite)
            now = int(state.epoch)
            # In NumPy: JAX would compile a slice for every length.
            lines.append(np.asarray(history)[: now + bool(after.diverged) - done])
            if progress is not None and now > done:
                cost, _, validation_loss, _ = lines[-1][-1].tolist()
                progress(now - first, epochs, cost, validation_loss)
            took = time.perf_counter() - began
            share = SEGMENT_SECONDS / max(took, 1e-6)
            # The first took the time to compile: grow from it step by step.
            segment = int(np.clip(segment * share, 1, min(4 * segment, HISTORY)))
            ends = bool(state.diverged) or now < until or now >= first + epochs
            if saves is not None and not ends and not saves.wait_seconds():
                saves.save(state, lines)
    finally:
        if saves is not None:  # after Ctrl-C too
            saves.close(state, lines)
    info = Info(*jax.device_put(list(np.concatenate(lines).T)))
    if state.diverged:
        # The loop reports the epoch that it broke off, which is not counted as done.
        _warn_of_divergence(now, info, broken_off=len(info.cost) > now - first)
    return state, info


def restarted(state: State, optimizer: Any) -> State:
    """The state with an optimizer that starts afresh, if its run diverged."""
    fresh = initial_optimizer_state(optimizer, state.params)
    kept = jax.tree.map(partial(jnp.where, state.diverged), fresh, state.optimizer_state)
    return state._replace(optimizer_state=kept)


def finite_leaves(state: State) -> list[Any]:
    """Whether they are finite, of all leaves of the optimizer's state that are of floats."""
    return [numpy.all(numpy.isfinite(leaf)) for leaf, numpy in _floats(state)]


def flagged(state: State, finite: list[Any]) -> State:
    """The state, diverged too if its optimizer holds what is not finite.

    A gradient that was not, in the midst of an epoch and with a finite cost, is seen by that.

    Args:
      state: after some epochs.
      finite: `finite_leaves` of the state before them. One that was not finite then may stay
        infinite: some optimizers have a best cost so far, and start with infinity.
    """
    diverged: Any = state.diverged
    if not isinstance(diverged, jax.core.Tracer):
        diverged = np.asarray(diverged)  # else JAX would compile what follows
    for was_finite, (leaf, numpy) in zip(finite, _floats(state), strict=True):
        broken = was_finite | numpy.any(numpy.isnan(leaf))
        diverged = diverged | (broken & ~numpy.all(numpy.isfinite(leaf)))
    return state._replace(diverged=diverged)


def _floats(state: State) -> list[tuple[Any, Any]]:
    """(leaf, numpy) of the leaves of the optimizer's state that are of floats; jnp if traced."""
    leaves = jax.tree.leaves(state.optimizer_state)
    floats = [leaf for leaf in leaves if jnp.issubdtype(jnp.result_type(leaf), jnp.floating)]
    return [
        (leaf, jnp) if isinstance(leaf, jax.core.Tracer) else (np.asarray(leaf), np)
        for leaf in floats
    ]


def _warn_of_divergence(epochs: int, info: Info, *, broken_off: bool) -> None:
    """epochs: that are done. broken_off: in the one after them; else the optimizer's state says."""
    when, what = f"by the end of epoch {epochs}", "the state of the optimizer is not finite"
    if broken_off:
        J, norm = float(info.cost[-1]), float(info.gradient_norm[-1])
        finite_cost = np.isfinite(J)
        when = f"in epoch {epochs + 1}"
        what = f"the norm of the gradient is {norm:g}" if finite_cost else f"the cost is {J:g}"
    python_warnings.warn(
        f"training diverged {when}: {what}. The parameters are the last finite ones. "
        "Type a smaller learning rate, or clip_norm=1.0 in mlp_jax.optimizer",
        DivergenceWarning,
        stacklevel=5,
    )
