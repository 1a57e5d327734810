"""The progress of a sweep, as a bar or as a function of the user's."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np


@contextmanager
def as_sweep_progress(choice: Any, task: Any, members: int) -> Iterator[Callable[..., None] | None]:
    """A function to be called with the outcomes of every wave, from any thread; or None."""
    if choice is None or choice is False:
        yield None
        return
    if choice is not True and not callable(choice):
        raise ValueError(
            f"progress is {choice!r}; expected True, False, or a function of (done, members, best)"
        )
    bar = _bar() if choice is True else None
    task_of_bar = None if bar is None else bar.add_task("", total=members)
    lock, done, best = threading.Lock(), 0, float("-inf")

    def shown(outcomes: dict[Any, Any]) -> None:
        nonlocal done, best
        with lock:
            done += len(outcomes)
            scores = [outcome.score for outcome in outcomes.values()]
            best = float(np.nanmax([best, *scores]))
            if bar is None:
                choice(done, members, best)
            else:
                said = f"best {task.scoring} of a member {best:.4g}"
                bar.update(task_of_bar, completed=done, description=said, refresh=True)

    if bar is None:
        yield shown
        return
    with bar:
        yield shown


def _bar() -> Any:
    try:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
    except ModuleNotFoundError:
        raise ValueError(
            "progress=True needs rich: type pip install rich, or progress=False"
        ) from None
    return Progress(
        TextColumn("{task.completed} of {task.total} members"),
        BarColumn(),
        TextColumn("{task.description}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        auto_refresh=False,
    )
