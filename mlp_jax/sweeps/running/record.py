"""What a sweep has found so far; any thread may add to the record and read it."""

import threading
from collections.abc import Callable

import numpy as np

from mlp_jax.sweeps.member_order import MemberOrder
from mlp_jax.sweeps.members import Snapshot
from mlp_jax.sweeps.outcomes import Outcomes
from mlp_jax.sweeps.running.cohort import Cohort
from mlp_jax.sweeps.running.schedule import CohortName

Shown = Callable[[Outcomes], None]  # takes the outcomes of members that are done


class Record:
    """The outcomes of members, the cohorts that are in training, and the time of every bucket."""

    def __init__(self, order: MemberOrder, shown: Shown | None = None) -> None:
        """An empty record.

        Args:
          order: of all members of the sweep.
          shown: called with outcomes as they come, from any thread.
        """
        self._order, self._shown = order, shown
        self._lock = threading.Lock()
        self._outcomes: list[Outcomes] = []
        self.done = np.zeros(len(order), bool)  # members that have an outcome
        self._cohorts: dict[CohortName, Cohort] = {}
        self._seconds: dict[int, tuple[float, float]] = {}
        self._compilations = 0

    def add(self, outcomes: Outcomes, *, show: bool = True) -> None:
        """These members are done. show: tell whoever looks at the progress."""
        if not len(outcomes):
            return
        with self._lock:
            self._outcomes.append(outcomes)
            self.done[self._order.places(outcomes.members)] = True
        if show and self._shown is not None:
            self._shown(outcomes)

    def outcomes(self) -> list[Outcomes]:
        """Those of all members that are done."""
        with self._lock:
            return list(self._outcomes)

    # --- Cohorts.

    def begin(self, name: CohortName, cohort: Cohort) -> None:
        """The cohort is in training; or goes on, if it was begun before."""
        with self._lock:
            self._cohorts[name] = cohort

    def end(self, name: CohortName) -> None:
        """The outcomes of the cohort's members are added."""
        with self._lock:
            del self._cohorts[name]

    def cohort(self, name: CohortName) -> Cohort | None:
        """The cohort, if it is in training."""
        return self._cohorts.get(name)

    def cohorts(self) -> dict[CohortName, Cohort]:
        """All that are in training, in the order of their names; with halving all that were begun.

        Threads begin them in any order.
        """
        with self._lock:
            return dict(sorted(self._cohorts.items()))

    def keep(self, configurations: set[int]) -> list[CohortName]:
        """Goes on with these configurations alone, the others halved away.

        Returns:
          The cohorts that still have members to train.
        """
        for name, cohort in self.cohorts().items():
            # First, or Ctrl-C in between would lose them.
            self.add(cohort.outcomes_of_others(configurations))
            cohort.keep(configurations)
            if not len(cohort.names):
                self.end(name)
        return [name for name, cohort in self.cohorts().items() if len(cohort.going_on)]

    def end_all(self, *, show: bool = True) -> None:
        """Adds the outcomes of all members of the cohorts, and ends these."""
        for name, cohort in self.cohorts().items():
            # Ctrl-C amid a choice may leave some in their cohort that were halved away already.
            new = ~self.done[self._order.places(cohort.names)]
            self.add(cohort.outcomes().take(new), show=show)
            self.end(name)

    def state(self) -> tuple[list[Outcomes], list[Snapshot]]:
        """(outcomes of members that are done, snapshots of cohorts that are in training)."""
        with self._lock:
            outcomes = list(self._outcomes)
            cohorts = [self._cohorts[name] for name in sorted(self._cohorts)]
        snapshots = (cohort.snapshot for cohort in cohorts)
        return outcomes, [snapshot for snapshot in snapshots if snapshot is not None]

    # --- Times.

    def compiled(self, bucket: int, seconds: float) -> None:
        """A program of this bucket was compiled in so many seconds."""
        with self._lock:
            self._compilations += 1
        self._add_seconds(bucket, seconds, 0.0)

    def trained(self, bucket: int, seconds: float) -> None:
        """A cohort of this bucket was trained for so many seconds."""
        self._add_seconds(bucket, 0.0, seconds)

    def _add_seconds(self, bucket: int, compiling: float, training: float) -> None:
        with self._lock:
            before = self._seconds.get(bucket, (0.0, 0.0))
            self._seconds[bucket] = before[0] + compiling, before[1] + training

    @property
    def compilations(self) -> int:
        """How many programs were compiled."""
        return self._compilations

    @property
    def seconds(self) -> dict[int, tuple[float, float]]:
        """(compiling, training) of every bucket that was begun, by its number."""
        with self._lock:
            return dict(self._seconds)
