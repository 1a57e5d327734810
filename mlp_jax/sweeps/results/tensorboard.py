"""TensorBoard's files of the progress and the curves of trainings and sweeps."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlp_jax.training.progress import Progress, TakesProgress, event_of

if TYPE_CHECKING:
    from mlp_jax.sweeps.results.result import SweepResult
    from mlp_jax.training.state import Info

CONFIGURATIONS = 10  # whose curves are written of a sweep, the best
LONGEST = 200  # bytes of a run's name, which names a folder: file systems take 255


class TensorBoard(TakesProgress):
    """A function for `progress=`, of `fit` and of `sweep`, that writes to a folder.

    Look at it with `tensorboard --logdir FOLDER`, while it runs.

    Args:
      folder: is made if there is none; take one folder for all runs that are to be compared.

    Raises:
      ValueError: tensorboard is not installed.

    Example:
      >>> import tempfile, jax, mlp_jax
      >>> X = jax.random.normal(jax.random.key(0), (2, 100))
      >>> params = mlp_jax.init(jax.random.key(1), (2, 8, 1))
      >>> with tempfile.TemporaryDirectory() as folder, mlp_jax.TensorBoard(folder) as log:
      ...     _, info = mlp_jax.fit(
      ...         params, X, X[:1] > 0, optimizer="adam", epochs=9, progress=log
      ...     )
      ...     log.training(info)
    """

    def __init__(self, folder: Any) -> None:
        try:
            from tensorboard.summary import Writer
        except ModuleNotFoundError:
            raise ValueError(
                "TensorBoard's files need tensorboard: type pip install tensorboard"
            ) from None
        self._folder, self._new = Path(folder), Writer
        self._writers: dict[str, Any] = {}

    def show(self, event: Progress) -> None:
        """Writes the values of an event."""
        self._add("progress", event.done, **event.values)
        self._writers["progress"].flush()

    def __call__(self, done: int, total: int, *values: float) -> None:
        """Writes an event that your own function was called with, and hands on to this one."""
        self.show(event_of(done, total, *values))

    def training(self, info: "Info", name: str = "training") -> None:
        """Writes every epoch of a training, as the run `name`."""
        for epoch, line in enumerate(zip(*(np.asarray(values) for values in info), strict=True), 1):
            self._add(name, epoch, **dict(zip(info._fields, line, strict=True)))
        self._writers[name].flush()

    def sweep(self, result: "SweepResult", configurations: int = CONFIGURATIONS) -> None:
        """Writes every epoch of the best configurations, a run each, as the mean of the members.

        Members of an interrupted sweep that never began are left out.
        """
        for row in result.ranking[:configurations]:
            together = [np.stack(member.curves) for member in row.members if len(member.curves[0])]
            if not together:
                continue
            shortest = min(curves.shape[1] for curves in together)
            mean = np.mean([curves[:, :shortest] for curves in together], axis=0)
            varied = (f"{n}={row.in_words(n)}" for n in result.varied())
            name = " ".join([f"{row.rank:03d}", *varied]).replace("/", "_")
            name = name.encode()[:LONGEST].decode(errors="ignore")  # the rank tells them apart
            self.training(type(row.members[0].curves)(*mean), name)

    def close(self) -> None:
        """Writes the rest, and closes the files."""
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def __enter__(self) -> "TensorBoard":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _add(self, run: str, step: int, **values: Any) -> None:
        if run not in self._writers:
            self._writers[run] = self._new(str(self._folder / run))
        for name, value in values.items():
            if np.isfinite(value):  # without a validation set, or in a run that diverged, it is not
                self._writers[run].add_scalar(name, float(value), int(step))
