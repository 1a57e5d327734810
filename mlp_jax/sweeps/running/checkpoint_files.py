"""The files of a checkpoint: what a sweep's folder holds, written and read, damage told.

A save is two files. `outcomes-W-N` has the members that are done since save N - 1 of the writer W,
if there are any, and is written once; `states-W-N` has where the others stand, and is written last.
A sweep that is divided among shards has a writer for each of them, and whoever reads reads all.
Every file is of the form of `array_files`, with a SHA-256 over all, which is looked at before
anything is believed, and says which sweep it is of.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from mlp_jax.storage.checkpoint_folder import Folder, content_of, digest_of, said
from mlp_jax.sweeps.members import STATUSES, Member, Outcome, RungScore, Snapshot
from mlp_jax.sweeps.running.outcome_arrays import arrays_of_outcomes, outcomes_of
from mlp_jax.sweeps.task import Task

OUTCOMES, STATES, VOTES = "mlp_jax.outcomes/2", "mlp_jax.states/2", "mlp_jax.votes/1"
Outcomes = dict[Member, Outcome]
Kept = tuple[tuple[int, ...], ...]  # the configurations that went on, for every choice of halving


class Found(NamedTuple):
    """What a folder holds.

    outcomes: of members that are done.
    snapshots: of those that are not, the furthest first.
    kept: see `Kept`.
    """

    outcomes: Outcomes
    snapshots: tuple[Snapshot, ...]
    kept: Kept


class Files:
    """The files of one sweep in one folder, as one writer names them."""

    def __init__(self, folder: Folder, task: Task, writer: str) -> None:
        self._folder, self._task, self._writer = folder, task, writer

    def path(self, kind: str, number: int) -> Path:
        """Of the writer's save of this number."""
        return self._folder.path / f"{kind}-{self._writer}-{number:06d}.safetensors"

    def last(self) -> int:
        """The number of the writer's last save; 0 if there is none."""
        return self._folder.last(f"outcomes-{self._writer}-*", f"states-{self._writer}-*")

    # --- Writing.

    def write(
        self, number: int, outcomes: Outcomes, snapshots: Iterable[Snapshot], kept: Kept
    ) -> None:
        """A save: members that are done since the one before it, and where the others stand."""
        if outcomes:
            self._folder.put(
                self.path("outcomes", number),
                OUTCOMES,
                {"statuses": STATUSES, "kept": kept},
                arrays_of_outcomes(outcomes, self._task.X.dtype),
            )
        snapshots = list(snapshots)
        waves = [
            {
                "fold": one.members[0].fold,
                "done": one.done,
                "rows": [(member.configuration, member.seed) for member in one.members],
                "leaves": [(leaf.dtype.str, leaf.shape) for leaf in one.leaves],
            }
            for one in snapshots
        ]
        states = {str(place): _as_bytes(one.leaves) for place, one in enumerate(snapshots)}
        header = {"kept": kept, "waves": waves}
        self._folder.put(self.path("states", number), STATES, header, states)
        self._folder.forget_old(f"states-{self._writer}-*")

    def write_scores(self, path: Path, scores: list[RungScore]) -> None:
        """What the writer says at a choice of halving."""
        array = np.array(scores, float).reshape(len(scores), 3)
        self._folder.put(path, VOTES, {}, {"votes": array})

    # --- Reading.

    def read(self) -> Found:
        """What the folder holds, of all writers."""
        outcomes: Outcomes = {}
        snapshots: list[Snapshot] = []
        kept: list[Kept] = [()]
        for path in sorted(self._folder.path.glob("outcomes-*")):
            content = self._folder.found(path, OUTCOMES, "its networks are trained again")
            if content is not None:
                header, arrays = content
                outcomes |= outcomes_of(self._task, header["statuses"], arrays)
                kept.append(_kept(header))
        writers = {path.stem.rpartition("-")[0] for path in self._folder.path.glob("states-*")}
        for writer in sorted(writers):
            for path in sorted(self._folder.path.glob(f"{writer}-*"), reverse=True):
                content = self._folder.found(path, STATES, "the save before it is used")
                if content is not None:
                    header, arrays = content
                    snapshots += _snapshots(header, arrays)
                    kept.append(_kept(header))
                    break
        snapshots.sort(key=lambda one: -one.done)
        return Found(outcomes, tuple(snapshots), max(kept, key=len))

    def scores(self, path: Path) -> list[RungScore] | None:
        """The scores in a file; None if there is none, or it is damaged."""
        if not path.exists():
            return None
        content = self._folder.found(path, VOTES, "its part of the sweep chooses again")
        if content is None:
            return None
        rows = content[1]["votes"].tolist()
        return [RungScore(int(number), score, loss) for number, score, loss in rows]


def _snapshots(header: Any, arrays: dict[str, np.ndarray]) -> list[Snapshot]:
    return [
        Snapshot(
            tuple(Member(number, seed, wave["fold"]) for number, seed in wave["rows"]),
            wave["done"],
            _from_bytes(arrays[str(place)], wave["leaves"]),
        )
        for place, wave in enumerate(header["waves"])
    ]


def _kept(header: Any) -> Kept:
    return tuple(tuple(numbers) for numbers in header["kept"])


def parts_of(task: Task, halving: int | None) -> dict[str, str]:
    """What makes a sweep this one, by name, each as a digest."""
    arrays = {
        "table": [task.X],
        "labels": [
            *task.labels.values(),
            *(rest for rest in task.rests.values() if rest is not None),
        ],
        "folds": [part for split in task.splits for part in split],
        "key": [np.asarray(jax.random.key_data(key)) for key in (task.key_init, task.key_order)],
    }
    choices = {
        "configurations": [
            sorted((name, said(value)) for name, value in configuration.items())
            for configuration in task.configurations
        ],
        "seeds": task.seeds,
        "scoring": [task.scoring, *(said(metric) for metric in task.metric.values())],
        "judge of epochs (best_by)": task.best_by,
        "halving": halving,
    }
    parts = {name: digest_of(*map(content_of, found)) for name, found in arrays.items()}
    return parts | {name: digest_of(repr(value).encode()) for name, value in choices.items()}


def _as_bytes(leaves: Iterable[np.ndarray]) -> np.ndarray:
    """All leaves end to end, for a file that would have thousands of small arrays."""
    return np.frombuffer(
        b"".join(np.ascontiguousarray(leaf).tobytes() for leaf in leaves), np.uint8
    )


def _from_bytes(content: np.ndarray, leaves: list[Any]) -> tuple[np.ndarray, ...]:
    found, at = [], 0
    for dtype, shape in leaves:
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        found.append(content[at : at + size].view(dtype).reshape(shape))
        at += size
    return tuple(found)
