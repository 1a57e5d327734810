"""A sweep with a limit of time, by a clock of its own: a member's epoch takes a second."""

import math
import threading
from functools import cache, partial
from types import SimpleNamespace

import numpy as np
import pytest

import mlp_jax
from mlp_jax.sweeps import in_time
from mlp_jax.sweeps.in_time import Stream, plan_in_time, run_in_time
from mlp_jax.sweeps.planning import costs
from mlp_jax.sweeps.running import devices, planned, runner
from mlp_jax.sweeps.running.limit import TimeLimit
from mlp_jax.sweeps.space import configurations
from mlp_jax.sweeps.task import as_task
from tests.sweeps.small_sweeps import X, Y

SPACE = {"hidden": [(3,)], "batch_size": 8, "learning_rate": mlp_jax.log_uniform(1e-3, 1e-1)}
CHUNK, FOLDS = 2, 2
STEPS = 4  # of an epoch on a fold: 25 rows, 8 at a time
# By which a plan says that an epoch of a chunk takes a second a member, and a program nothing.
RATES = costs.Rates((1e-9, 1e-9), 1e30, 0.0, 0.0, CHUNK / STEPS, None)


class Clock:
    """Goes on by a second with every epoch of a member, and by what is said in between."""

    def __init__(self, speed=1.0):
        self.now, self.speed = 0.0, speed

    def __call__(self):
        return self.now

    def trained(self, epochs):
        self.now += epochs / self.speed


clocks = [Clock()]  # the last one tells the time


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    monkeypatch.setattr(runner, "time", SimpleNamespace(perf_counter=lambda: clocks[-1]()))
    monkeypatch.setattr(devices, "_cores", lambda: 1)
    for module in (planned, in_time):
        monkeypatch.setattr(module, "rates_of", lambda _: RATES)


def swept(seconds, space=SPACE, n=40, *, clock=None, halving=None, epochs=4, **how):
    clock = clock or Clock()
    clocks.append(clock)
    task_of = partial(as_task, X, Y, space, folds=FOLDS, epochs=epochs)
    return run_in_time(
        Stream(lambda count: task_of(n=count, stream=True), n),
        TimeLimit(seconds, clock),
        **{"chunk": CHUNK, "on_chunk": clock.trained, "halving": halving} | how,
    )


def first_of_stream(count, space=SPACE):
    task = as_task(X, Y, space, n=count, stream=True, folds=FOLDS, epochs=4)
    return [one.named for one in task.configurations]


@cache
def after_100_seconds():
    """Of 14 configurations that were begun 12 are done."""
    return swept(100)


@pytest.fixture
def stopped():
    return after_100_seconds()


def test_it_stops_at_the_limit_with_the_first_configurations_of_the_stream(stopped):
    assert not stopped.interrupted
    assert [one.named for one in stopped.task.configurations] == first_of_stream(14)
    counts = stopped.counts()
    assert (counts["finished"], counts["interrupted"], sum(counts.values())) == (24, 4, 28)
    assert stopped.seconds == 100
    last = [len(member.curves.cost) if member.params else 0 for member in stopped.members[-4:]]
    assert last == [2, 0, 2, 0]  # the first fold of two configurations, for the rest of 4 s


def test_what_was_stopped_says_so_and_ranks_last(stopped):
    statuses = [row.status for row in stopped.ranking]
    assert statuses == ["finished"] * 12 + ["interrupted"] * 2


def test_what_is_done_is_what_a_sweep_without_a_limit_finds(stopped):
    alone = mlp_jax.sweep(
        *(X, Y, first_of_stream(12)), folds=FOLDS, chunk=CHUNK, epochs=4, progress=False
    )
    for mine, its in zip(stopped.members[:24], alone.members, strict=True):
        assert (mine.configuration, mine.fold, mine.score) == (
            its.configuration,
            its.fold,
            its.score,
        )
        np.testing.assert_array_equal(mine.params[0].W, its.params[0].W)


def test_its_result_is_whole(stopped, tmp_path):
    assert stopped.plan.members == len(stopped.members)
    assert list(stopped.bucket_seconds) == [0]
    assert stopped.ensemble(3).predict(X).shape == Y.shape
    mlp_jax.save_sweep(stopped, tmp_path / "sweep.safetensors")
    loaded = mlp_jax.load_sweep(tmp_path / "sweep.safetensors")
    assert repr(loaded.table()) == repr(stopped.table())
    assert loaded.plan == stopped.plan


def test_a_segment_is_as_long_as_the_time_that_is_left():
    # Two configurations on a fold take 40 s, and those of the third chunk have 30 s.
    result = swept(110, n=4, epochs=20, clock=(clock := Clock()))
    told = [len(member.curves.cost) if member.params else 0 for member in result.members]
    assert told[:4] == [20] * 4
    assert 8 <= told[4] == told[6] <= 15
    assert told[5] == told[7] == 0
    assert clock.now <= 110


def test_where_there_is_time_for_one_alone_its_folds_come_as_far():
    result = swept(30, n=1, epochs=20, chunk=1, clock=(clock := Clock()))  # it takes 40 s
    told = [len(member.curves.cost) for member in result.members]
    assert 28 <= sum(told) == clock.now <= 30
    assert max(told) - min(told) <= 2
    assert result.best.status == "interrupted"
    assert np.isfinite(result.best.score)
    assert result.ensemble(2).predict(X).shape == Y.shape
    whole = swept(1000, n=1, epochs=20, chunk=1)
    assert whole.counts()["finished"] == 2


def test_there_are_as_many_as_the_space_has_and_n_at_most():
    lists = {"hidden": (3,), "batch_size": 8, "learning_rate": [0.01, 0.02, 0.03]}
    every = swept(1000, lists, n=None)
    assert sorted(row.configuration["learning_rate"] for row in every.ranking) == [0.01, 0.02, 0.03]
    assert every.counts()["finished"] == 6
    assert len(swept(1000, lists, n=2).ranking) == 2
    assert len(swept(1000, n=5).ranking) == 5
    listed = [SPACE | {"learning_rate": rate} for rate in (0.01, 0.02)]
    assert len(swept(1000, [one | {"hidden": (3,)} for one in listed], n=None).ranking) == 2


def test_with_halving_brackets_fill_the_time():
    # Nine epochs of a configuration on two folds take 18 s, with halving a third or so of it.
    result = swept(400, n=None, halving=3, epochs=9, clock=(clock := Clock()))
    assert len(result.brackets) >= 2
    assert sum(result.brackets) == len(result.ranking)
    assert 0.9 * 400 <= clock.now <= 408
    statuses = np.array([member.status for member in result.members if member.fold == 0])
    for bracket in np.split(statuses, np.cumsum(result.brackets))[: len(result.brackets) - 1]:
        assert (bracket == "finished").sum() == math.ceil(math.ceil(len(bracket) / 3) / 3)
        assert "interrupted" not in bracket  # only the last may have met the limit
    assert [one.named for one in result.task.configurations] == [
        {**named, "epochs": 9} for named in first_of_stream(len(result.ranking))
    ]


def test_after_few_configurations_not_all_of_the_time_is_planned_for(monkeypatch):
    # By its plan the program takes more than the first bracket may: so there are few in it.
    monkeypatch.setattr(in_time, "rates_of", lambda _: RATES._replace(compilation=(200, 1e-9)))
    monkeypatch.setattr(planned, "rates_of", in_time.rates_of)
    monkeypatch.setattr(in_time, "GROWTH", 2)
    first, *others = swept(400, n=None, halving=3, epochs=9).brackets
    assert first == 3**in_time.CUTS
    assert len(others) >= 2
    for number, bracket in enumerate(others):
        assert bracket <= 2 * (first + sum(others[:number]))


@pytest.mark.parametrize("speed", [0.6, 1.6])
def test_a_plan_that_is_wrong_by_a_half_is_corrected(speed):
    result = swept(400, n=None, halving=3, epochs=9, clock=(clock := Clock(speed)))
    assert 0.9 * 400 <= clock.now <= 1.05 * 400  # at most an epoch of all that are in a bracket
    assert (np.array([row.status for row in result.ranking]) == "finished").sum() >= 3


def test_where_nothing_fits_one_configuration_is_told_of_and_why():
    clock = Clock()
    with pytest.raises(ValueError, match="let the sweep go on for longer"):
        _ = swept(0.5, clock=clock, epochs=4).best


def test_a_plan_is_of_as_many_as_fit():
    task_of = partial(as_task, X, Y, SPACE, folds=FOLDS, epochs=4)
    stream = Stream(lambda count: task_of(n=count, stream=True), None)
    how = {"halving": None, "memory": None, "chunk": CHUNK, "devices": None}
    plan = plan_in_time(stream, TimeLimit(100, Clock()), **how)
    assert 80 <= plan.seconds <= 100
    plan = mlp_jax.plan_sweep(X, Y, SPACE, folds=FOLDS, epochs=4, chunk=CHUNK, seconds=100)
    assert 60 <= plan.seconds <= 100  # by a clock that goes on


def test_nothing_is_compiled_after_the_limit(monkeypatch):
    two = [{"hidden": (3,), "batch_size": size} for size in (8, 9)]
    clock = Clock(0.01)  # after an epoch of the first program the time is over
    compiled, compile_one = [], runner.Runner._compile

    def compile_and_tell(self, number, device):
        compiled.append(number)
        return compile_one(self, number, device)

    monkeypatch.setattr(runner.Runner, "_compile", compile_and_tell)
    result = swept(50, two, n=None, halving=3, clock=clock)
    assert (clock.now, compiled) == (100, [0])
    assert len(result.ranking) == len(result.plan.buckets) == 1


def test_halving_chooses_among_those_whose_programs_are_there_in_time(monkeypatch):
    def takes(limit, bucket):
        return 0.0 if bucket.kind.batch_size == 8 else 20.0  # more than a third of 50 s

    monkeypatch.setattr(TimeLimit, "compile_seconds", takes)
    sizes = (8, 9, 8, 8, 9)
    space = [{"hidden": (3,), "batch_size": size, "seed": i} for i, size in enumerate(sizes)]
    result = swept(50, space, n=None, halving=3, clock=(clock := Clock()))
    assert [row.configuration["batch_size"] for row in result.ranking] == [8, 8, 8]
    assert [row.status for row in result.ranking] == ["finished", *["halved away"] * 2]
    assert result.brackets == (3,)
    assert clock.now == FOLDS * (3 * 1 + 1 * 3)
    # One program is compiled though it takes so long, for without it nothing is trained.
    monkeypatch.setattr(TimeLimit, "compile_seconds", lambda *_: 20.0)
    for halving in (None, 3):
        slow = swept(50, space, n=None, halving=halving)
        assert len({row.configuration["batch_size"] for row in slow.ranking}) == 1
        assert slow.best.status == "finished"
    monkeypatch.setattr(TimeLimit, "compile_seconds", lambda *_: 45.0)
    for halving in (None, 3):
        assert len(swept(50, space, n=None, halving=halving).ranking) == 1  # of whom none was begun


def test_after_a_cancel_it_says_that_it_was_interrupted():
    clock, cancel = Clock(), threading.Event()

    def trained(epochs):
        clock.trained(epochs)
        if clock.now >= 30:
            cancel.set()

    result = swept(1000, n=20, clock=clock, on_chunk=trained, cancel=cancel, halving=None)
    assert result.interrupted
    assert 0 < result.counts()["finished"] < 40


def test_progress_ends_with_as_many_as_are_done():
    said = []  # half as fast as planned, so of half as many as were expected
    result = swept(100, clock=Clock(0.5), progress=lambda *told: said.append(told[:2]))
    assert said[0][1] > 20
    assert said[-1] == (result.counts()["finished"],) * 2 == (12, 12)
    assert all(done <= members for done, members in said)


def test_a_stream_grows_and_ends():
    asked = []

    def task_of(count):
        asked.append(count)
        return as_task(X, Y, SPACE, n=min(count, 3000), stream=True, folds=FOLDS)

    stream = Stream(task_of, None)
    assert stream.has(1024)
    assert len(asked) == 1
    part = stream.part(1020, 10)
    assert asked == [1024, 2048]
    assert [one.named for one in part.configurations] == [
        one.named for one in stream.task.configurations[1020:1030]
    ]
    assert not stream.has(3001)
    assert len(stream.part(2999, 10).configurations) == 1


def test_a_stream_is_the_same_however_much_of_it_is_drawn():
    space = SPACE | {
        "depth": [1, 2],
        "widths": mlp_jax.int_uniform(2, 9),
        "optimizer": ["sgd", "adam"],
        "l2": mlp_jax.choice(0.0, 0.1),
        "momentum": 0.5,
    }
    del space["hidden"]
    few, many = (configurations(space, n, seed=3, stream=True) for n in (10, 2500))
    assert [one.named for one in many[:10]] == [one.named for one in few]
    assert len({repr(one.named) for one in many}) == 2500
    assert [one.named for one in configurations(space, 10, seed=4, stream=True)] != [
        one.named for one in few
    ]
    # Each block is spread evenly: of the first eight rates each eighth of the range has one.
    rates = np.log([one.named["learning_rate"] for one in few[:8]])
    parts = (rates - np.log(1e-3)) / np.log(100) * 8
    assert sorted(parts.astype(int)) == list(range(8))


def test_combinations_are_shuffled_and_none_comes_twice():
    space = {"width": list(range(1, 31)), "learning_rate": [0.1, 0.2]}
    some, every = (configurations(space, n, stream=True) for n in (20, 1000))
    assert [one.named for one in every[:20]] == [one.named for one in some]
    assert len({repr(one.named) for one in every}) == len(every) == 60
    assert len({one.hidden for one in some}) > 12  # not the first widths alone
