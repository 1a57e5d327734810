"""Every member is what `fit` makes of it alone, on any device, in any program, at any pace."""

import _thread
import os
import threading
import time

import jax
import numpy as np
import pytest

import mlp_jax
from mlp_jax.processes.compiled_programs import OF_PROCESS
from mlp_jax.sweeps.planning import costs
from mlp_jax.sweeps.planning.chunks import CHUNKS_OF_COHORT
from mlp_jax.sweeps.running import planned, program_cache, runner, schedule
from tests.sweeps.small_sweeps import BASE, EVERY_KIND, X, Y, equal, swept


@pytest.mark.parametrize("chunk", [None, 1])
def test_members_equal_fit_after_200_steps(chunk):
    result = swept(EVERY_KIND, chunk=chunk, epochs=40)  # of 5 batches
    for member in result.members[:: 1 if chunk is None else 5]:
        equal(member)


@pytest.mark.parametrize("pays", [True, False])
def test_a_program_is_compiled_as_quickly_as_its_bucket_says(monkeypatch, pays):
    used, compile_of = [], jax.stages.Lowered.compile

    def noted(lowered, options):
        used.append(options)
        return compile_of(lowered, {})

    best, quick = {"best": 1}, {"quick": 1}
    monkeypatch.setattr(program_cache, "OPTIONS", {"cpu": best})
    monkeypatch.setattr(program_cache, "QUICK_OPTIONS", {"cpu": quick})
    monkeypatch.setattr(jax.stages.Lowered, "compile", noted)
    monkeypatch.setattr(costs.Quick, "pays", lambda *_: pays)
    program_cache._kept.clear()
    swept({"width": 3})
    assert used == [quick if pays else best]
    # A sweep whose bucket says otherwise does not find this program.
    monkeypatch.setattr(costs.Quick, "pays", lambda *_: not pays)
    assert swept({"width": 3}).compilations == 1


@pytest.mark.parametrize(("worth", "count"), [(True, 2), (False, 1)])
def test_members_equal_fit_on_two_devices_of_which_one_helps_if_that_is_worth_it(
    monkeypatch, worth, count
):
    trained_on, train = [], runner.Runner._train

    def noted(self, name, device, *rest):
        while (
            len(self._schedule._has) < count
        ):  # a device may be done before the other has compiled
            time.sleep(0.01)
        trained_on.append(device)
        train(self, name, device, *rest)

    monkeypatch.setattr(schedule.Schedule, "_is_worth", lambda *_: worth)
    monkeypatch.setattr(runner.Runner, "_train", noted)
    program_cache._kept.clear()
    space = {"width": [2, 3, 4], "l2": [0.0, 0.1]}
    result = swept(space, devices=jax.devices()[:2], chunk=1, folds=5)
    assert len(trained_on) == 10  # cohorts of three chunks, of which a worker has four or more
    assert len(set(trained_on)) == result.compilations == count
    for member in result.members[::4]:
        equal(member)


def test_each_program_is_compiled_on_one_device_where_there_are_enough(monkeypatch):
    monkeypatch.setattr(schedule.Schedule, "_is_worth", lambda *_: False)
    program_cache._kept.clear()
    result = swept({"batch_size": [5, 10, 20]}, devices=jax.devices()[:2])
    assert result.compilations == result.plan.compilations == 3
    for member in result.members:
        equal(member)


@pytest.fixture(params=["CPU", "ACCELERATOR", "few"])
def planned_for(request, monkeypatch):
    """A plan for such devices, trained here: of the second, each member chooses its activation."""
    rates = {"CPU": costs.CPU, "few": costs.ACCELERATOR._replace(chunk=3)}
    rates["ACCELERATOR"] = costs.ACCELERATOR
    monkeypatch.setattr(planned, "rates_of", lambda devices: rates[request.param])
    monkeypatch.setattr(planned, "workers_of", lambda devices: 1)
    return request.param


def test_members_equal_fit_whose_program_chooses_among_activations(planned_for):
    space = {"activation": ["relu", "sigmoid", "gelu"], "width": [3, 5], "l2": [0.0, 0.1]}
    result = swept(space, epochs=9)
    assert result.compilations <= result.plan.compilations == 1
    (bucket,) = result.plan.buckets
    together = {len(set(bucket.which[first:last])) for first, last in bucket.parts(bucket.chunk)}
    assert max(together) == {"CPU": 1, "ACCELERATOR": 3, "few": 2}[planned_for]
    for member in result.members[::2]:
        equal(member)


def test_members_of_a_wave_choose_among_activations_too(planned_for):
    space = {"activation": ["relu", "tanh"], "width": [3, 5], "patience": [1, 30], "l2": [0, 0.1]}
    stopping, halved = swept(space, epochs=40, folds=2), swept(space, epochs=27, halving=3)
    assert stopping.plan.compilations == halved.plan.compilations == 1
    for member in (*stopping.members[::3], *halved.members[::3]):
        if member.status != "halved away":
            equal(member, atol=1e-11)


def test_members_that_drop_nothing_share_a_program_with_those_that_do():
    space = BASE | {"dropout": [0.0, 0.3], "activation": ["sigmoid", "gelu"], "width": [3, 5]}
    result = swept(space | {"dropout_epochs": [3.0]})
    (bucket,) = result.plan.buckets
    assert bucket.kind.dropout
    for member in result.members[::2]:
        equal(member)


def test_in_float32_members_equal_fit_to_a_ten_thousandth():
    result = mlp_jax.sweep(
        X.astype(np.float32), Y, {"width": [3, 9]}, folds=2, epochs=20, progress=False
    )
    for member in result.members:
        assert member.params[0].W.dtype == np.float32
        equal(member, rtol=1e-4, atol=1e-5)


def test_programs_are_compiled_as_planned_and_once():
    program_cache._kept.clear()
    space = {"width": [3, 4], "activation": ["relu", "elu"], "learning_rate": [0.1], "l2": [0.1]}
    first = swept(space)
    assert first.compilations == first.plan.compilations == 1
    second = swept(space | {"learning_rate": [0.2], "l2": [0.3]}, epochs=7, key=4)
    assert second.compilations == 0
    assert second.members[0].score != first.members[0].score or second.best.score != 1


def test_another_shape_is_seen_to_compile():
    swept({"width": [3]})
    assert swept({"width": [13]}).compilations == 1


@pytest.mark.usefixtures("_interruptible")
def test_after_ctrl_c_what_is_finished_is_there():
    seen = []

    def interrupt(done, members, best):
        seen.append(done)
        if len(seen) == 1:
            _thread.interrupt_main()

    result = swept({"width": list(range(1, 60)), "depth": [1, 2]}, chunk=2, progress=interrupt)
    assert result.interrupted
    statuses = [member.status for member in result.members]
    assert 0 < statuses.count("finished") < len(statuses)
    assert statuses.count("interrupted") > 0
    assert threading.active_count() < 20
    interrupted = [member for member in result.members if member.status == "interrupted"]
    # But for the few that a thread had just begun: which these are depends on who compiled first.
    begun = [member for member in interrupted if member.params is not None]
    # A cohort of so many chunks of two a thread.
    assert len(begun) <= 2 * CHUNKS_OF_COHORT * (os.cpu_count() or 1)
    assert len(interrupted) > len(begun)
    equal(result.members[statuses.index("finished")])


def test_an_error_in_a_thread_reaches_the_caller():
    def fail(done, members, best):
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        swept({"width": [3, 4]}, progress=fail)


def test_waiting_for_another_chunk_is_none_of_a_programs_seconds(monkeypatch):
    class Taken:
        def __enter__(self):
            time.sleep(0.2)

        def __exit__(self, *_):
            pass

    put_on_devices = runner.put_on_devices

    def taken(*arguments):
        there = put_on_devices(*arguments).items()
        return {device: data._replace(running=Taken()) for device, data in there}

    monkeypatch.setattr(runner, "put_on_devices", taken)
    [(_, training)] = swept({"width": [3]}, epochs=2).bucket_seconds.values()
    assert training < 3 * 0.2  # of three folds


def test_more_programs_than_are_kept_do_no_harm(monkeypatch):
    monkeypatch.setattr(program_cache, "_kept", {})
    monkeypatch.setattr(OF_PROCESS, "looked_at", 1)
    monkeypatch.setattr(OF_PROCESS, "left", 1)
    monkeypatch.setattr(OF_PROCESS, "share", lambda: 0.8)
    space = [BASE | {"hidden": (3,) * depth} for depth in (1, 2, 3)]
    result = swept(space, epochs=9, halving=2)
    assert len(program_cache._kept) <= 2  # one, and perhaps another that was compiling
    assert result.ranking[0].status == "finished"
    equal(result.best.members[0])
