"""The progress of a training, as a bar or as a function of the user's."""

import math
from collections.abc import Callable
from typing import Any


class ProgressBar:
    """A bar on standard error: epoch, cost, validation loss and the time left."""

    def __init__(self) -> None:
        try:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
        except ModuleNotFoundError:
            raise ValueError(
                "progress=True needs rich: type pip install rich, or hand a function of (epoch, "
                "epochs, cost, validation_loss)"
            ) from None
        self._bar = Progress(
            TextColumn("epoch {task.completed} of {task.total}"),
            BarColumn(),
            TextColumn("{task.description}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            auto_refresh=False,  # a thread that draws would take time from the training
        )
        self._task: Any = None
        self._bar.start()

    def __call__(self, epoch: int, epochs: int, cost: float, validation_loss: float) -> None:
        """Shows where the training stands."""
        said = f"cost {cost:.4g}"
        if not math.isnan(validation_loss):
            said += f"  validation {validation_loss:.4g}"
        if self._task is None:
            self._task = self._bar.add_task("", total=epochs)
        self._bar.update(self._task, completed=epoch, total=epochs, description=said, refresh=True)

    def close(self) -> None:
        """Leaves the last line standing."""
        self._bar.stop()


def as_progress(choice: Any) -> Callable[..., Any] | None:
    """`choice`, True, False, None or a function, as a function or None."""
    if choice is None or choice is False:
        return None
    if choice is True:
        return ProgressBar()
    if not callable(choice):
        raise ValueError(
            f"progress is {choice!r}; expected True, False, or a function of (epoch, epochs, cost, "
            "validation_loss)"
        )
    return choice
