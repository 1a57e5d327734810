"""The progress of a training or of a sweep: one event, and who is told of it.

A loop emits a `Progress`. A bar and `mlp_jax.TensorBoard` take the event; a user's plain function
takes the numbers in it, one argument each.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple


class Progress(NamedTuple):
    """How far a training or a sweep has come.

    done: epochs of a training, or members of a sweep, that are done.
    total: epochs, or members, in all.
    values: what has come of those that are done, by name; the order is that of `Kind.values`.
    text: the values as a bar shows them.
    """

    done: int
    total: int
    values: dict[str, float]
    text: str = ""


class Kind(NamedTuple):
    """What all events of trainings, or of sweeps, have in common.

    bar: its text, with {task.completed} and {task.total}.
    values: names of the values of an event.
    arguments: of a user's function, for errors.
    instead: what to type where a bar cannot be shown, for errors.
    """

    bar: str
    values: tuple[str, ...]
    arguments: str
    instead: str


TRAINING = Kind(
    bar="epoch {task.completed} of {task.total}",
    values=("cost", "validation_loss"),
    arguments="(epoch, epochs, cost, validation_loss)",
    instead="hand a function of (epoch, epochs, cost, validation_loss)",
)
SWEEP = Kind(
    bar="{task.completed} of {task.total} members",
    values=("best_score",),
    arguments="(done, members, best)",
    instead="progress=False",
)


class TakesProgress:
    """What takes the event itself where it is handed as `progress=`."""

    def show(self, event: Progress) -> None:
        """Is called with every event."""
        raise NotImplementedError


class ProgressBar(TakesProgress):
    """A bar on standard error: the count, the values and the time left. Shown inside `with`."""

    def __init__(self, kind: Kind, total: int | None = None) -> None:
        """A bar with a total is there before the first event.

        Raises:
          ValueError: rich is not installed.
        """
        try:
            from rich import progress
            from rich.console import Console
        except ModuleNotFoundError:
            raise ValueError(
                f"progress=True needs rich: type pip install rich, or {kind.instead}"
            ) from None
        self._bar = progress.Progress(
            progress.TextColumn(kind.bar),
            progress.BarColumn(),
            progress.TextColumn("{task.description}"),
            progress.TimeRemainingColumn(),
            console=Console(stderr=True),
            auto_refresh=False,  # a thread that draws would take time from the training
        )
        self._task = self._bar.add_task("", total=total, visible=total is not None)

    def show(self, event: Progress) -> None:
        """Draws the bar anew."""
        done, total, _, text = event
        how: Any = {"visible": True, "refresh": True}
        self._bar.update(self._task, completed=done, total=total, description=text, **how)

    def __enter__(self) -> "ProgressBar":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()  # the last line stays


@contextmanager
def as_progress(
    choice: Any, kind: Kind, total: int | None = None
) -> Iterator[Callable[[Progress], None] | None]:
    """A function to be called with every event, or None.

    Args:
      choice: of the user: True for a bar, False, None, or a function.
      kind: of the events.
      total: if known, a bar shows the total before the first event.

    Raises:
      ValueError: the choice is something else, or a bar needs rich.
    """
    if choice is None or choice is False:
        yield None
    elif choice is True:
        with ProgressBar(kind, total) as bar:
            yield bar.show
    elif isinstance(choice, TakesProgress):
        yield choice.show
    elif callable(choice):
        yield lambda event: choice(event.done, event.total, *event.values.values())
    else:
        raise ValueError(
            f"progress is {choice!r}; expected True, False, or a function of {kind.arguments}"
        )


def event_of(done: int, total: int, *values: float) -> Progress:
    """The event whose numbers a user's function was called with."""
    names = {len(kind.values): kind.values for kind in (TRAINING, SWEEP)}[len(values)]
    return Progress(done, total, dict(zip(names, values, strict=True)))
