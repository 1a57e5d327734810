"""What a sweep has found so far; any thread may add to the record and read it."""

import threading
from collections.abc import Callable, Mapping

from mlp_jax.sweeps.members import Member, Outcome, Snapshot
from mlp_jax.sweeps.running.cohort import Cohort
from mlp_jax.sweeps.running.schedule import CohortName

Shown = Callable[[dict[Member, Outcome]], None]  # takes the outcomes of members that are done


class Record:
    """The outcomes of members, the cohorts that are in training, and the time of every bucket."""

    def __init__(self, shown: Shown | None = None) -> None:
        """An empty record. shown: called with outcomes as they come, from any thread."""
        self._shown = shown
        self._lock = threading.Lock()
        self._outcomes: dict[Member, Outcome] = {}
        self._cohorts: dict[CohortName, Cohort] = {}
        self._seconds: dict[int, tuple[float, float]] = {}
        self._compilations = 0

    def add(self, outcomes: Mapping[Member, Outcome], *, show: bool = True) -> None:
        """These members are done. show: tell whoever looks at the progress."""
        with self._lock:
            self._outcomes.update(outcomes)
        if show and self._shown is not None and outcomes:
            self._shown(dict(outcomes))

    def outcomes(self) -> dict[Member, Outcome]:
        """Those of all members that are done."""
        with self._lock:
            return dict(self._outcomes)

    def __contains__(self, member: object) -> bool:
        return member in self._outcomes

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
            if not cohort.members:
                self.end(name)
        return [name for name, cohort in self.cohorts().items() if len(cohort.going_on)]

    def end_all(self, *, show: bool = True) -> None:
        """Adds the outcomes of all members of the cohorts, and ends these."""
        for name, cohort in self.cohorts().items():
            # Ctrl-C amid a choice may leave some in their cohort that were halved away already.
            found = {m: outcome for m, outcome in cohort.outcomes().items() if m not in self}
            self.add(found, show=show)
            self.end(name)

    def state(self) -> tuple[dict[Member, Outcome], list[Snapshot]]:
        """(outcomes of members that are done, snapshots of cohorts that are in training)."""
        with self._lock:
            outcomes = dict(self._outcomes)
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
