"""What a worker of an engine does: one pure call a part."""

import os
import traceback
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from mlp_jax.dtypes import scope
from mlp_jax.losses import Loss
from mlp_jax.metrics import Metric
from mlp_jax.sweeps.divided.part import Answer, Examples, Part, renumbered, with_examples
from mlp_jax.sweeps.member_order import MemberOrder
from mlp_jax.sweeps.members import STATUSES
from mlp_jax.sweeps.planning.plan import SweepPlan
from mlp_jax.sweeps.running.cohorts import Cohorts
from mlp_jax.sweeps.running.outcome_arrays import arrays_of_outcomes, outcomes_of
from mlp_jax.sweeps.running.planned import as_devices
from mlp_jax.sweeps.running.record import Record
from mlp_jax.sweeps.running.runner import Runner
from mlp_jax.sweeps.running.snapshots import SavedSnapshots

LOOK_SECONDS = 0.25  # between two looks whether the sweep has ended
SWEEPS = 2  # whose examples a worker keeps
_kept: dict[str, tuple[list[np.ndarray], bool]] = {}  # by name; whether they came from the file
_metrics: dict[str, dict[Loss, Metric | None]] = {}  # of sweeps, by their files


def train_part(part: Part) -> Answer:
    """The members of a part, trained on the devices of this process.

    An error of the training is in the answer: what the engine raises is of the engine.
    """
    try:
        return _trained(part)
    except Exception as error:
        error.add_note(f"in a worker:\n{traceback.format_exc()}")
        return Answer(error=error)


def _examples(wanted: Examples) -> tuple[list[np.ndarray], bool] | None:
    """(the arrays, whether this process sees their file); None where they cannot be had."""
    if wanted.name not in _kept:
        if wanted.arrays is not None:
            _kept[wanted.name] = wanted.arrays, False
        else:
            try:
                with np.load(wanted.file) as found:
                    _kept[wanted.name] = [found[name] for name in found.files], True
            except OSError:
                return None
    _forget(_kept)
    return _kept[wanted.name]


def _one_metric(part: Part) -> dict[Loss, Metric | None]:
    """The metric of the sweep's first part here; the same function sent again is another to JAX."""
    own = part.task.metric
    first = _metrics.setdefault(part.examples.file, own)
    _forget(_metrics)
    return first if first.keys() == own.keys() else own


def _forget(kept: dict[str, Any]) -> None:
    while len(kept) > SWEEPS:
        del kept[next(iter(kept))]


def _trained(part: Part) -> Answer:
    found = _examples(part.examples)
    if found is None:
        return Answer(lacks=True)
    arrays, sees = found
    task = with_examples(part.task, arrays)._replace(metric=_one_metric(part))
    plan = SweepPlan(part.buckets, 0, 0.0, tuple(as_devices(None)), part.halving)
    order = MemberOrder(task)
    saved = SavedSnapshots(part.standing, order, np.ones(len(order), bool))
    record = Record(order)

    def look() -> float | None:
        if sees and not os.path.exists(part.examples.file):
            raise KeyboardInterrupt  # the sweep has ended: what is trained so far is the answer
        return LOOK_SECONDS if sees else None

    with scope(task.X.dtype):
        cohorts = Cohorts(task, plan, order, saved, keep_snapshots=False)
        with suppress(KeyboardInterrupt), Runner(task, plan, cohorts, record) as runner:
            runner.run_until(part.until, look)
        record.keep(set(range(len(part.numbers))))
        standing = [cohort.standing() for cohort in record.cohorts().values()]
        now = [snapshot for snapshot in standing if snapshot is not None]
        now += saved.but_for(now, record.done)
        outcomes = outcomes_of(task, STATUSES, arrays_of_outcomes(record.outcomes(), task.X.dtype))
    return Answer(
        replace(outcomes, members=renumbered(outcomes.members, part.numbers)),
        tuple(one._replace(members=renumbered(one.members, part.numbers)) for one in now),
        {part.of_plan[number]: seconds for number, seconds in record.seconds.items()},
    )
