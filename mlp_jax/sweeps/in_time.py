"""A sweep that ends with a limit of time: as many configurations of a stream as fit into it.

The configurations come in an order that depends on the space and the key alone. What the plan says
of the time may be wrong by a half, so it decides nothing that cannot be mended:

- Without halving, more configurations are planned than fit. They are trained in their order, and
  what the limit leaves over was never begun.
- With halving a bracket of configurations must come to its choices in time. The first takes a
  quarter of the time by what the plan says, or is of a few configurations where programs take more
  than that to compile; what it took corrects the plan, and further brackets of the same programs,
  none of them many times as large as those before, take the rest.

Whatever trains when the time is over stops after an epoch, as after Ctrl-C.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax

from mlp_jax.processes.memory import free_memory
from mlp_jax.sweeps.halving import CUTS, as_halving
from mlp_jax.sweeps.planning.forecast import Forecast, largest
from mlp_jax.sweeps.planning.parts import part_of
from mlp_jax.sweeps.planning.plan import SweepPlan
from mlp_jax.sweeps.results.parts import Stretch, result_of
from mlp_jax.sweeps.results.result import SweepResult
from mlp_jax.sweeps.running.coordination import SingleProcess, check_cancel
from mlp_jax.sweeps.running.devices import rates_of, workers_of
from mlp_jax.sweeps.running.limit import TimeLimit
from mlp_jax.sweeps.running.planned import as_devices, count_or_none, plan_of
from mlp_jax.sweeps.running.progress import SweepProgress, as_sweep_progress
from mlp_jax.sweeps.running.rungs import Rungs
from mlp_jax.sweeps.running.runner import OnChunk
from mlp_jax.sweeps.stream import Stream
from mlp_jax.sweeps.task import Task

# Of the time that is left by what the plan says, what is planned for: the plan may be wrong.
PLANNED = 2.0
FIRST_BRACKET, NEXT_BRACKET = 0.25, 0.85  # likewise what a bracket takes
# Of the configurations before, how many times as many a bracket has at most: what few took says
# too little of many, and a bracket that ends amid its first rung has chosen nothing.
GROWTH = 16
LEAST = 0.1  # of the whole time: with less left nothing more is begun
AT_A_TIME = 5000  # configurations that are planned at most: planning takes time too
# Of the whole time, what a chunk's configurations take on all folds: so that some are whole.
SHARE_OF_CHUNK = 0.2
SHARE_OF_MEMORY = 0.5  # of what is free, for the results, where nobody says how much

PlanOf = Callable[..., SweepPlan]  # of a task


class SweepInTime:
    """A sweep until its limit."""

    def __init__(
        self,
        stream: Stream,
        plan_of: PlanOf,
        limit: TimeLimit,
        *,
        halving: int | None = None,
        memory: int | None = None,
        cancel: Any = None,
        on_chunk: OnChunk | None = None,
    ) -> None:
        """A sweep of which nothing is trained yet.

        Args:
          stream: what to train.
          plan_of: (a task, its memory, the seconds that a chunk may take if there is one worker) ->
            its plan.
          limit: of the time.
          halving: as for `sweep`.
          memory: likewise.
          cancel: likewise.
          on_chunk: as for `run`.
        """
        self._stream, self._plan_of, self._limit, self._halving = stream, plan_of, limit, halving
        self._memory = SHARE_OF_MEMORY * free_memory() if memory is None else memory
        self._asked_memory = memory is not None
        self._cancel, self._on_chunk = cancel, on_chunk
        self._forecast = Forecast()
        self._parts: list[Stretch] = []
        self._held = 0  # bytes of results
        self._compilations, self._interrupted = 0, False

    def plan(self) -> SweepPlan:
        """The plan of as many configurations as fit by what the plan says."""
        plan = self._planned(0, self._limit.left())
        assert plan is not None  # without the memory for one there is an error
        return plan

    def run(self, progress: Any) -> SweepResult:
        """Trains until the limit, Ctrl-C or the end of the stream. progress: as for `sweep`."""
        with as_sweep_progress(progress, self._stream.task, 0) as shown:
            try:
                self._run(shown)
            except KeyboardInterrupt:  # between two parts
                if not self._parts:
                    raise
                self._interrupted = True
            if shown is not None:
                shown.end()
        devices = self._parts[0].plan.devices
        return result_of(
            *(self._stream.task, self._parts, rates_of(devices), workers_of(devices)),
            seconds=self._limit.spent(),
            compilations=self._compilations,
            interrupted=self._interrupted,
        )

    def _run(self, shown: SweepProgress | None) -> None:
        first = 0
        while not self._is_over() and self._stream.has(first + 1):
            plan = self._planned(first, PLANNED * self._limit.left())
            if plan is None:
                return
            first += self._trained(first, plan, shown)

    def _is_over(self) -> bool:
        """Whether nothing more is to begin."""
        if not self._parts:
            return False
        little = self._limit.left() < LEAST * self._limit.seconds
        none = not self._parts[-1].outcomes  # for no program there was the time
        return little or none or self._interrupted or self._limit.reached

    # --- How much.

    def _planned(self, first: int, seconds: float) -> SweepPlan | None:
        """A plan of the configurations from `first` on that take so long; None without memory.

        Raises:
          ValueError: the memory does not suffice for one.
        """
        plans: dict[int, SweepPlan] = {}

        def fits(count: int) -> bool:
            if not self._stream.has(first + count):
                return False
            plan = self._plan(first, count)
            if plan is not None:
                plans[count] = plan
            return plan is not None and self._takes(plan) <= seconds

        found = largest(fits, AT_A_TIME)
        return plans.get(max(1, found))

    def _plan(self, first: int, count: int) -> SweepPlan | None:
        """The plan of so many configurations; None if the memory does not suffice for several."""
        task, free = self._stream.part(first, count), int(self._memory - self._held)
        folds = len(task.splits)
        of_chunk = SHARE_OF_CHUNK * self._limit.seconds / folds
        alone = count == 1 and not self._parts
        try:
            plan = self._plan_of(task, max(1, free) if self._asked_memory else None, of_chunk)
        except ValueError:
            if alone:
                raise
            return None
        return plan if alone or plan.bytes <= free else None

    def _takes(self, plan: SweepPlan) -> float:
        return self._forecast.seconds(plan, self._limit.left())

    # --- Training.

    def _trained(self, first: int, plan: SweepPlan, shown: SweepProgress | None) -> int:
        """Trains what is planned, or until the limit; how many configurations were taken."""
        count = 1 + max(int(bucket.configurations.max()) for bucket in plan.buckets)
        self._held += plan.bytes
        if self._halving is None:
            fitting = self._limit.left() / max(1e-9, self._takes(plan))
            self._train(first, count, plan, shown, int(plan.members * min(1.0, fitting)))
            return count
        taken = 0
        while taken < count and not self._is_over():
            bracket = self._bracket(plan, first, taken, count)
            own = self._cut(plan, first, taken, bracket)
            self._train(first + taken, bracket, own, shown, own.members)
            taken += bracket
        return taken

    def _bracket(self, plan: SweepPlan, first: int, taken: int, count: int) -> int:
        """How many configurations halving is to choose among next."""
        assert self._halving is not None

        def fits(share: float) -> Callable[[int], bool]:
            seconds = share * self._limit.left()
            return lambda some: self._takes(self._cut(plan, first, taken, some)) <= seconds

        if self._parts:
            most = min(GROWTH * (first + taken), count - taken)
            return max(largest(fits(NEXT_BRACKET), most), min(self._halving, count - taken))
        # So few that nobody is left to choose among are no bracket, as long as there is the time.
        few = largest(fits(NEXT_BRACKET), min(self._halving**CUTS, count))
        return max(1, few, largest(fits(FIRST_BRACKET), count))

    def _cut(self, plan: SweepPlan, first: int, taken: int, count: int) -> SweepPlan:
        """The plan of so many configurations, after those that were taken from it."""
        task = self._stream.part(first + taken, count)
        return part_of(rates_of(plan.devices), task, plan, taken, workers_of(plan.devices))

    def _train(
        self, first: int, count: int, plan: SweepPlan, shown: SweepProgress | None, members: int
    ) -> None:
        """Trains a part. members: about how many that will be."""
        if shown is not None:
            shown.members = shown.done + members
        began = self._limit.spent()
        rungs = Rungs(
            *(self._stream.part(first, count), plan),
            coordination=SingleProcess(self._cancel),
            shown=shown,
            on_chunk=self._on_chunk,
            limit=self._limit,
            # Where no configuration may come to its end, each fold of the first ones has a score.
            evenly=len(plan.buckets) == 1 and plan.buckets[0].per_fold <= plan.buckets[0].chunk,
        )
        self._interrupted = rungs.train()
        record = rungs.record
        self._compilations += record.compilations
        self._parts.append(Stretch(first, count, plan, record.outcomes(), record.seconds))
        if not self._limit.reached and not self._interrupted:
            wall = self._limit.spent() - began
            self._forecast.learn(plan, record.seconds, wall, workers_of(plan.devices))


def run_in_time(
    stream: Stream,
    limit: TimeLimit,
    *,
    halving: int | None = None,
    memory: int | None = None,
    chunk: int | None = None,
    devices: Sequence[Any] | None = None,
    progress: bool | Callable[..., None] = False,
    cancel: Any = None,
    on_chunk: OnChunk | None = None,
) -> SweepResult:
    """As many configurations of a stream as fit into the time; arguments as for `sweep` and `run`.

    Raises:
      ValueError: what came, what was expected and what to type.
    """
    check_cancel(cancel)
    how = {"halving": halving, "memory": memory, "chunk": chunk, "devices": devices}
    return _in_time(stream, limit, **how, cancel=cancel, on_chunk=on_chunk).run(progress)


def plan_in_time(stream: Stream, limit: TimeLimit, **how: Any) -> SweepPlan:
    """The plan of as many configurations as fit by what the plan says; as for `run_in_time`."""
    return _in_time(stream, limit, **how).plan()


def _in_time(
    stream: Stream,
    limit: TimeLimit,
    *,
    halving: Any,
    memory: Any,
    chunk: Any,
    devices: Any,
    cancel: Any = None,
    on_chunk: OnChunk | None = None,
) -> SweepInTime:
    halving, memory = as_halving(halving), count_or_none("memory", memory)
    workers = workers_of(as_devices(devices))

    def planned(task: Task, memory: int | None, chunk_seconds: float) -> SweepPlan:
        how: dict[str, Any] = {"memory": memory, "chunk": chunk, "devices": devices}
        how["chunk_seconds"] = workers * chunk_seconds
        return plan_of(task, **how, halving=halving, compilation=1.0)  # it is this sweep's time

    choices: dict[str, Any] = {"halving": halving, "memory": memory, "cancel": cancel}
    return SweepInTime(stream, planned, limit, **choices, on_chunk=on_chunk)


def check_alone(*, checkpoint: Any = None, shard: Any = None, executor: Any = None) -> None:
    """Raises ValueError for a sweep with a limit of time that is to be divided, or to go on."""
    if checkpoint is not None:
        raise ValueError(
            "seconds and checkpoint are both given: how far a sweep with a limit comes depends on "
            "the machine, so no call could go on with it; type n=100 instead of seconds, or leave "
            "checkpoint out"
        )
    if shard is not None or executor is not None or jax.process_count() > 1:
        raise ValueError(
            "a sweep with seconds trains in one process, for each would end with other "
            "configurations; type n=100 instead of seconds to divide it"
        )
