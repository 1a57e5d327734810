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

from mlp_jax.storage.array_codec import forms_of, join_bytes, split_bytes
from mlp_jax.storage.checkpoint_folder import CheckpointFolder
from mlp_jax.storage.fingerprints import content_of, digest_of, fingerprint
from mlp_jax.sweeps.members import Row
from mlp_jax.sweeps.ranking import STATUSES
from mlp_jax.sweeps.running.cohort import Outcome
from mlp_jax.sweeps.running.outcome_arrays import arrays_of_outcomes, outcomes_of
from mlp_jax.sweeps.standings import Standing
from mlp_jax.sweeps.task import Task

OUTCOMES, STATES, VOTES = "mlp_jax.outcomes/2", "mlp_jax.states/2", "mlp_jax.votes/1"
Outcomes = dict[tuple[int, int, int], Outcome]
Kept = tuple[tuple[int, ...], ...]  # the configurations that went on, for every choice of halving
Votes = list[tuple[int, float, float]]  # see `halving.best_of`


class Found(NamedTuple):
    """What a folder holds.

    outcomes: of members that are done. standings: of those that are not, those that have come the
    furthest first. kept: see `Kept`.
    """

    outcomes: Outcomes
    standings: tuple[Standing, ...]
    kept: Kept


class Files:
    """The files of one sweep in one folder, as one writer names them."""

    def __init__(self, folder: CheckpointFolder, task: Task, writer: str) -> None:
        self._folder, self._task, self._writer = folder, task, writer

    def path(self, kind: str, number: int) -> Path:
        """Of the writer's save of this number."""
        return self._folder.path / f"{kind}-{self._writer}-{number:06d}.safetensors"

    def last(self) -> int:
        """The number of the writer's last save; 0 if there is none."""
        return self._folder.last(f"outcomes-{self._writer}", f"states-{self._writer}")

    # --- Writing.

    def write(
        self, number: int, outcomes: Outcomes, standings: Iterable[Standing], kept: Kept
    ) -> None:
        """A save: members that are done since the one before it, and where the others stand."""
        if outcomes:
            self._folder.put(
                self.path("outcomes", number),
                OUTCOMES,
                {"statuses": STATUSES, "kept": kept},
                arrays_of_outcomes(outcomes, self._task.X.dtype),
            )
        standings = list(standings)
        waves = [
            {
                "fold": one.fold,
                "done": one.done,
                "rows": one.rows,
                "leaves": forms_of(one.leaves),
            }
            for one in standings
        ]
        states = {str(place): join_bytes(one.leaves) for place, one in enumerate(standings)}
        header = {"kept": kept, "waves": waves}
        self._folder.put(self.path("states", number), STATES, header, states)
        self._folder.remove_old(f"states-{self._writer}")

    def write_votes(self, path: Path, votes: Votes) -> None:
        """What the writer says at a choice of halving."""
        array = np.array(votes, float).reshape(len(votes), 3)
        self._folder.put(path, VOTES, {}, {"votes": array})

    # --- Reading.

    def read(self) -> Found:
        """What the folder holds, of all writers."""
        outcomes: Outcomes = {}
        standings: list[Standing] = []
        kept: list[Kept] = [()]
        for path in sorted(self._folder.path.glob("outcomes-*")):
            content = self._folder.read(path, OUTCOMES, "its networks are trained again")
            if content is not None:
                header, arrays = content
                outcomes |= outcomes_of(self._task, header["statuses"], arrays)
                kept.append(_kept(header))
        writers = {path.stem.rpartition("-")[0] for path in self._folder.path.glob("states-*")}
        for writer in sorted(writers):
            for path in sorted(self._folder.path.glob(f"{writer}-*"), reverse=True):
                content = self._folder.read(path, STATES, "the save before it is used")
                if content is not None:
                    header, arrays = content
                    standings += _standings(header, arrays)
                    kept.append(_kept(header))
                    break
        standings.sort(key=lambda one: -one.done)
        return Found(outcomes, tuple(standings), max(kept, key=len))

    def votes(self, path: Path) -> Votes | None:
        """The votes in a file; None if there is none, or it is damaged."""
        if not path.exists():
            return None
        content = self._folder.read(path, VOTES, "its part of the sweep chooses again")
        if content is None:
            return None
        return [(int(number), score, loss) for number, score, loss in content[1]["votes"].tolist()]


def _standings(header: Any, arrays: dict[str, np.ndarray]) -> list[Standing]:
    return [
        Standing(
            tuple(Row(*row) for row in wave["rows"]),
            wave["fold"],
            wave["done"],
            split_bytes(arrays[str(place)], wave["leaves"]),
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
            sorted((name, fingerprint(value)) for name, value in configuration.items())
            for configuration in task.configurations
        ],
        "seeds": task.seeds,
        "scoring": [task.scoring, *(fingerprint(metric) for metric in task.metric.values())],
        "judge of epochs (best_by)": task.best_by,
        "halving": halving,
    }
    parts = {name: digest_of(*map(content_of, found)) for name, found in arrays.items()}
    return parts | {name: digest_of(repr(value).encode()) for name, value in choices.items()}
