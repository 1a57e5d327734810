"""A folder that a sweep saves to as it goes, and goes on from: nothing is lost but work since then.

The last two states of a writer are kept: if one is damaged, the one before it counts.
"""

from collections.abc import Iterable
from typing import Any

from mlp_jax.storage.checkpoint_folder import Folder
from mlp_jax.sweeps.members import RungScore, Snapshot
from mlp_jax.sweeps.running.checkpoint_files import Files, Kept, Outcomes, parts_of
from mlp_jax.sweeps.shards import Shard
from mlp_jax.sweeps.task import Task


class Checkpoint:
    """The folder of one sweep, or of one shard of it. Found and saved from one thread."""

    def __init__(
        self,
        folder: Any,
        task: Task,
        halving: int | None,
        seconds: float,
        shard: Shard | None = None,
    ) -> None:
        self._shard = shard
        self._folder = Folder(folder, seconds, "sweep", parts_of(task, halving))
        self._files = Files(self._folder, task, _writer(shard))
        self._folder.hold("lock", shared=shard is not None)
        if shard is not None:
            self._folder.hold(f"lock-{_writer(shard)}")
        try:
            self.found, self._number = self._files.read(), self._files.last()
        except BaseException:
            self._folder.close()
            raise
        self.wait_seconds, self.close = self._folder.wait_seconds, self._folder.close
        self._saved = set(self.found.outcomes)

    def save(
        self, outcomes: Outcomes, snapshots: Iterable[Snapshot], kept: Kept, *, wait: bool = False
    ) -> None:
        """Saves in the background; what is still being written is waited for first.

        Args:
          outcomes: of all members that are done; those that were interrupted are not.
          snapshots: of members that are not done.
          kept: what halving has chosen so far.
          wait: until it is written.

        Raises:
          OSError: it cannot be written; the saves before are as they were.
        """
        new = {
            name: outcome
            for name, outcome in outcomes.items()
            if name not in self._saved and outcome.status != "interrupted"
        }
        self._number += 1
        self._folder.save(self._files.write, self._number, new, tuple(snapshots), kept)
        self._saved |= set(new)
        if wait:
            self._folder.finish()

    def rung_scores(self, choice: int, own: list[RungScore]) -> list[list[RungScore] | None]:
        """Every shard's scores at a choice of halving; None of those that have not come so far.

        What this shard has once said stands, also if it says so again after a kill.
        """
        assert self._shard is not None
        shards = [Shard(number, self._shard.of) for number in range(self._shard.of)]
        paths = [self._folder.path / f"votes-{_writer(s)}-{choice}.safetensors" for s in shards]
        mine = paths[self._shard.number]
        if self._files.scores(mine) is None:
            self._files.write_scores(mine, own)
        return [self._files.scores(path) for path in paths]


def _writer(shard: Shard | None) -> str:
    return "all" if shard is None else f"{shard.number + 1}of{shard.of}"
