"""A folder that a sweep saves to as it goes, and goes on from: a kill loses what came after a save.

A save is two files. `outcomes-W-N` has the members that are done since save N - 1 of the writer W;
the file is written once, if there are such members. `states-W-N` has the snapshots of the members
that are not done, and is written last. Of these files a writer keeps the last two: if one is
damaged, the file before it is used. Every shard of a divided sweep is a writer, and reads the files
of all writers.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from mlp_jax.parameters import UNNAMED_SCHEME
from mlp_jax.storage.array_codec import by_place, forms_of, in_order, join_bytes, split_bytes
from mlp_jax.storage.checkpoint_folder import CheckpointFolder
from mlp_jax.storage.fingerprints import content_of, digest_of, fingerprint
from mlp_jax.sweeps.member_order import MemberOrder
from mlp_jax.sweeps.members import STATUSES, Snapshot
from mlp_jax.sweeps.outcomes import CODES, Outcomes
from mlp_jax.sweeps.running.outcome_arrays import arrays_of_outcomes, outcomes_of
from mlp_jax.sweeps.shards import Shard
from mlp_jax.sweeps.task import Task

OUTCOMES, STATES = "mlp_jax.outcomes/2", "mlp_jax.states/2"
Kept = tuple[tuple[int, ...], ...]  # the configurations that went on, for every choice of halving


class Saved(NamedTuple):
    """What a folder has.

    outcomes: of members that are done, some in each.
    snapshots: of members that are not done, the furthest first.
    kept: see `Kept`.
    """

    outcomes: Sequence[Outcomes]
    snapshots: tuple[Snapshot, ...]
    kept: Kept


class SweepCheckpoint:
    """The folder of one sweep, or of one shard of a sweep. One thread at a time uses it.

    saved: what the folder had at the start.
    """

    def __init__(
        self,
        folder: Any,
        task: Task,
        halving: int | None,
        seconds: float,
        shard: Shard | None = None,
    ) -> None:
        """Holds the folder and reads it.

        Args:
          folder: a path.
          task: of the sweep.
          halving: of the sweep.
          seconds: from one save to the next.
          shard: that writes; None if the sweep is not divided.

        Raises:
          ValueError: another process holds the folder, the path or the seconds are none, or the
            folder is of another sweep.
        """
        self._task, self._shard, self._writer = task, shard, _writer(shard)
        self._order = MemberOrder(task)
        self._written = np.zeros(len(self._order), bool)  # members whose outcomes the folder has
        self._folder = CheckpointFolder(folder, seconds, "sweep", fingerprints_of(task, halving))
        self._folder.hold(shared=shard is not None)
        if shard is not None:
            self._folder.hold(f"lock-{self._writer}")
        try:
            self.saved = self._read()
        except BaseException:
            self._folder.close()
            raise
        self._number = self._folder.last(f"outcomes-{self._writer}", f"states-{self._writer}")
        self.wait_seconds, self.close = self._folder.wait_seconds, self._folder.close

    # --- Writing.

    def save(
        self,
        outcomes: Sequence[Outcomes],
        snapshots: Sequence[Snapshot],
        kept: Kept,
        *,
        wait: bool = False,
    ) -> None:
        """Saves in the background, once the save before is written.

        Args:
          outcomes: of all members that are done; those that were interrupted are not written.
          snapshots: of members that are not done.
          kept: the choices of halving so far.
          wait: until the save is written.

        Raises:
          OSError: the save before, or with `wait` this one, cannot be written; the saves before
            are as they were.
        """
        new = [some for part in outcomes if len(some := self._new(part))]
        self._number += 1
        self._folder.save(self._write, self._number, new, tuple(snapshots), kept)
        if wait:
            self._folder.finish()

    def _new(self, outcomes: Outcomes) -> Outcomes:
        """Those that the folder does not have yet; from now on it counts as having them."""
        places = self._order.places(outcomes.members)
        new = ~self._written[places] & (outcomes.statuses != CODES["interrupted"])
        self._written[places[new]] = True
        return outcomes if new.all() else outcomes.take(new)

    def _write(
        self, number: int, outcomes: Sequence[Outcomes], snapshots: Sequence[Snapshot], kept: Kept
    ) -> None:
        if outcomes:
            self._folder.put(
                self._folder.path_of(f"outcomes-{self._writer}", number),
                OUTCOMES,
                {"statuses": STATUSES, "kept": kept},
                arrays_of_outcomes(outcomes, self._task.X.dtype),
            )
        cohorts = [
            {
                "fold": int(snapshot.members[0, 2]),
                "done": snapshot.done,
                "rows": snapshot.members[:, :2].tolist(),
                "leaves": forms_of(snapshot.leaves),
            }
            for snapshot in snapshots
        ]
        states = f"states-{self._writer}"
        self._folder.put(
            self._folder.path_of(states, number),
            STATES,
            {"kept": kept, "waves": cohorts},
            by_place(join_bytes(snapshot.leaves) for snapshot in snapshots),
        )
        self._folder.remove_old(states)

    # --- Reading.

    def _read(self) -> Saved:
        """What the folder has of all writers."""
        outcomes: list[Outcomes] = []
        snapshots: list[Snapshot] = []
        kept: list[Kept] = [()]
        for path in reversed(self._folder.paths("outcomes")):
            content = self._folder.read(path, OUTCOMES, "its networks are trained again")
            if content is not None:
                header, arrays = content
                outcomes.append(self._new(outcomes_of(self._task, header["statuses"], arrays)))
                kept.append(_kept(header))
        for states in sorted(
            {path.stem.rpartition("-")[0] for path in self._folder.paths("states")}
        ):
            content = self._folder.newest(states, STATES)
            if content is not None:
                snapshots += _snapshots(*content)
                kept.append(_kept(content[0]))
        snapshots.sort(key=lambda snapshot: -snapshot.done)
        return Saved(tuple(outcomes), tuple(snapshots), max(kept, key=len))


def _snapshots(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> list[Snapshot]:
    cohorts = header["waves"]
    return [
        Snapshot(
            np.array([(*row, cohort["fold"]) for row in cohort["rows"]], np.int64),
            cohort["done"],
            split_bytes(content, cohort["leaves"]),
        )
        for cohort, content in zip(cohorts, in_order(arrays, len(cohorts)), strict=True)
    ]


def _kept(header: dict[str, Any]) -> Kept:
    return tuple(tuple(numbers) for numbers in header["kept"])


def _writer(shard: Shard | None) -> str:
    return "all" if shard is None else f"{shard.number + 1}of{shard.of}"


def fingerprints_of(task: Task, halving: int | None) -> dict[str, str]:
    """Digests by name of all that makes a sweep this one."""
    arrays = {
        "table": [task.X.T],  # in the layout that all folders know
        "labels": [
            *(Y.T for Y in task.labels.values()),
            *(rest.T for rest in task.rests.values() if rest is not None),
        ],
        "folds": [part for split in task.splits for part in split],
        "key": [np.asarray(jax.random.key_data(key)) for key in (task.key_init, task.key_order)],
    }
    if task.weights is not None:  # under a name that folders of sweeps without weights have too
        arrays["labels"].append(task.weights)
    choices = {
        "configurations": [
            sorted(
                (name, fingerprint(value))
                for name, value in named.items()
                if (name, value) != ("init", UNNAMED_SCHEME)  # the same named or not
            )
            for named in task.configurations.all_choices()
        ],
        "seeds": task.seeds,
        "scoring": [task.scoring, *(fingerprint(metric) for metric in task.metric.values())],
        "judge of epochs (best_by)": task.best_by,
        "halving": halving,
    }
    digests = {name: digest_of(*map(content_of, found)) for name, found in arrays.items()}
    return digests | {name: digest_of(repr(value).encode()) for name, value in choices.items()}
