"""What a sweep has found so far; any thread may add to the record and read it."""

import threading
from collections.abc import Callable

import numpy as np

from mlp_jax.sweeps.member_order import MemberOrder
from mlp_jax.sweeps.members import RungScore, Snapshot
from mlp_jax.sweeps.outcomes import CODES, Outcomes
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
        self._fetched = 0  # of these, whose parameters are here
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

    def fetch(self) -> None:
        """The parameters of members that are done come from their devices.

        But for those that were halved away: these come when somebody asks for them.
        """
        with self._lock:
            new, self._fetched = self._outcomes[self._fetched :], len(self._outcomes)
        for part in new:
            if (part.statuses != CODES["halved away"]).any():
                part.params.fetch()

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
            for outcomes in cohort.outcomes_of_others(configurations):
                self.add(outcomes)
            cohort.keep(configurations)
            if not len(cohort.names):
                self.end(name)
        return self.going_on()

    def going_on(self) -> list[CohortName]:
        """The cohorts that were begun and have members to train."""
        return [name for name, cohort in self.cohorts().items() if cohort.goes_on]

    def end_all(self, *, show: bool = True) -> None:
        """Adds the outcomes of all members of the cohorts, and ends these."""
        for name, cohort in self.cohorts().items():
            # Ctrl-C amid a choice may leave some in their cohort that were halved away already.
            for outcomes in cohort.outcomes():
                new = ~self.done[self._order.places(outcomes.members)]
                self.add(outcomes if new.all() else outcomes.take(new), show=show)
            self.end(name)
        self.fetch()

    def state(self) -> tuple[list[Outcomes], np.ndarray, list[Snapshot]]:
        """What a save has of the sweep.

        Returns:
          (outcomes of members that are done, these members marked in the order of all, snapshots of
          cohorts that are in training).
        """
        with self._lock:
            cohorts = [self._cohorts[name] for name in sorted(self._cohorts)]
        # Before the outcomes: a member that leaves its cohort has one before its snapshot goes.
        snapshots = [cohort.snapshot for cohort in cohorts]
        with self._lock:
            outcomes, done = list(self._outcomes), self.done.copy()
        return outcomes, done, [snapshot for snapshot in snapshots if snapshot is not None]

    def rung_scores(self, among: set[int] | None) -> list[RungScore]:
        """How members are judged that have ended before a rung.

        among: the configurations that halving went on with; None for all.
        """
        scores: list[RungScore] = []
        for part in self.outcomes():
            judged = part.statuses != CODES["halved away"]
            if among is not None:
                judged &= np.isin(part.members[:, 0], list(among))
            none = (part.statuses == CODES["diverged"]) | (part.best_epochs == 0)
            columns = (np.where(none, np.nan, values) for values in (part.scores, part.losses))
            rows = zip(part.members[:, 0].tolist(), *(c.tolist() for c in columns), strict=True)
            scores += [RungScore(*row) for row, own in zip(rows, judged, strict=True) if own]
        return scores

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
