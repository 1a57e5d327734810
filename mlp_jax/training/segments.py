"""A training in segments: between two segments the progress is shown and the state is saved.

Segments of all lengths are one compiled program. However a training is divided into segments, the
result is the same to the last bit.
"""

import math
import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from mlp_jax.training.checkpoint import FitCheckpoint
from mlp_jax.training.divergence import restarted, warn_of_divergence
from mlp_jax.training.loop import run
from mlp_jax.training.progress import Progress
from mlp_jax.training.recipe import Recipe
from mlp_jax.training.state import Info, State

SEGMENT_SECONDS = 0.25  # from one event of progress to the next; an event takes about a millisecond


def in_segments(
    state: State,
    arguments: tuple[Any, ...],
    epochs: int,
    recipe: Recipe,
    progress: Callable[[Progress], None] | None,
    checkpoint: FitCheckpoint | None,
) -> tuple[State, Info]:
    """Calls `run` segment by segment until all epochs are trained, or the training stops.

    Args:
      state: to start from.
      arguments: of `run`: examples, validation and numbers.
      epochs: to train.
      recipe: of `run`.
      progress: called after every segment, or None.
      checkpoint: the checkpoint to go on from, if it has a save, and to save to; or None.

    Returns:
      The state, and the history with an entry an epoch.
    """
    first = int(state.epoch)
    lines: list[np.ndarray] = []
    if state.diverged:
        state = restarted(state, recipe.optimizer or arguments[2].optimizer)
    saved = None if checkpoint is None else checkpoint.saved(state)
    if saved is not None:
        state, lines = saved[0], [saved[1]] if len(saved[1]) else []
    longest = recipe.capacity
    segment = longest if progress is None and checkpoint is None else 1
    ends = saved is not None and bool(state.diverged)
    now = int(state.epoch)
    try:
        while not ends:
            done = now
            until = min(first + epochs, done + min(segment, longest))
            began = time.perf_counter()
            state, history = run(state, *arguments, np.int32(until), recipe=recipe)
            now = int(state.epoch)
            # In NumPy: JAX would compile a slice for every length. An epoch that diverged does not
            # count as done, and has a line.
            lines.append(np.asarray(history)[: now + bool(state.diverged) - done])
            if progress is not None and now > done:
                cost, _, validation_loss, _ = lines[-1][-1].tolist()
                progress(_event(now - first, epochs, cost, validation_loss))
            took = time.perf_counter() - began
            share = SEGMENT_SECONDS / max(took, 1e-6)
            # The first segment took the time to compile too: grow from it step by step.
            segment = int(np.clip(segment * share, 1, min(4 * segment, longest)))
            ends = bool(state.diverged) or now < until or now >= first + epochs
            if checkpoint is not None and not ends and not checkpoint.wait_seconds():
                checkpoint.save(state, lines)
    finally:
        if checkpoint is not None:  # after Ctrl-C too
            checkpoint.close(state, lines)
    info = Info(*jax.device_put(list(np.concatenate(lines).T)))
    if state.diverged:
        warn_of_divergence(now, info)
    return state, info


def _event(epoch: int, epochs: int, cost: float, validation_loss: float) -> Progress:
    text = f"cost {cost:.4g}"
    if not math.isnan(validation_loss):
        text += f"  validation {validation_loss:.4g}"
    return Progress(epoch, epochs, {"cost": cost, "validation_loss": validation_loss}, text)
