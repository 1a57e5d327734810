"""A sweep: every member is what `fit` makes of it alone, and nothing is lost on the way."""

import _thread
import dataclasses
import threading
import time
import warnings

import jax
import numpy as np
import pytest

import mlp_jax
from mlp_jax.processes.compiled_programs import OF_PROCESS
from mlp_jax.sweeps import run
from mlp_jax.sweeps.halving import share_of_epochs
from mlp_jax.sweeps.planning import costs
from mlp_jax.sweeps.planning.plan import as_plan
from mlp_jax.sweeps.results import selection
from mlp_jax.sweeps.running import program_cache as programs
from mlp_jax.sweeps.running import runner, schedule
from mlp_jax.sweeps.running.cohort import Cohort
from mlp_jax.sweeps.running.stacking import InitialWeights
from mlp_jax.sweeps.task import as_task

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 4))
Y = X[:, 0] * X[:, 1] > 0
BASE = {"batch_size": 8, "learning_rate": 0.02}
EVERY_KIND = [
    BASE | {"hidden": (3,)},
    BASE | {"hidden": (7,), "l2": 0.01, "ties": True, "mean_over": 2},
    BASE | {"hidden": (5, 2), "activation": "sigmoid"},
    BASE | {"hidden": (2, 6), "activation": "sigmoid", "epochs": 3},
    BASE | {"hidden": (4,), "activation": "gelu", "dropout": 0.3},
    BASE | {"hidden": (6,), "activation": "gelu", "dropout": 0.1, "patience": 2},
    BASE | {"hidden": (3,), "label_smoothing": 0.1, "class_weight": "balanced"},
    BASE | {"hidden": (5,), "class_weight": {0: 1.0, 1: 3.0}, "seed": 7},
    {"hidden": (4, 4, 4), "optimizer": "sgd", "momentum": 0.9, "batch_size": None},
    {"hidden": (), "optimizer": "sgd", "schedule": "cosine", "decay_epochs": 5.0},
    {"hidden": (4,), "loss": "softmax_cross_entropy", "tolerance": 0.05, "patience": 1},
]
EVERY_KIND = [{"loss": "binary_cross_entropy"} | config for config in EVERY_KIND]


def swept(space, **choices):
    return mlp_jax.sweep(X, Y, space, **({"progress": False, "epochs": 5, "folds": 3} | choices))


def equal(member, rtol=1e-10, atol=1e-13, arguments=None):
    state, info = mlp_jax.fit(**(arguments or member.arguments_of_fit()))
    by_cost = state.best.params is None
    assert member.best_epoch == int(state.epoch if by_cost else state.best.epoch)
    assert len(member.curves.cost) == len(info.cost)
    kept = state.params if by_cost else state.best.params
    for mine, theirs in zip(member.params, kept, strict=True):
        np.testing.assert_allclose(mine.W, theirs.W, rtol=rtol, atol=atol)
        np.testing.assert_allclose(mine.b, theirs.b, rtol=rtol, atol=atol)
    np.testing.assert_allclose(member.curves.cost, info.cost, rtol=max(rtol, 1e-9))


@pytest.mark.parametrize("chunk", [None, 1])
def test_members_equal_fit_after_200_steps(chunk):
    result = swept(EVERY_KIND, chunk=chunk, epochs=40)  # of 5 batches
    for member in result.members[:: 1 if chunk is None else 5]:
        equal(member)


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
    programs._kept.clear()
    space = {"width": [2, 3, 4], "l2": [0.0, 0.1]}
    result = swept(space, devices=jax.devices()[:2], chunk=1, folds=5)
    assert len(trained_on) == 30
    assert len(set(trained_on)) == result.compilations == count
    for member in result.members[::4]:
        equal(member)


def test_each_program_is_compiled_on_one_device_where_there_are_enough(monkeypatch):
    monkeypatch.setattr(schedule.Schedule, "_is_worth", lambda *_: False)
    programs._kept.clear()
    result = swept({"batch_size": [5, 10, 20]}, devices=jax.devices()[:2])
    assert result.compilations == result.plan.compilations == 3
    for member in result.members:
        equal(member)


def test_members_equal_fit_over_segments_in_which_others_stop():
    space = {"width": [3, 6], "learning_rate": [0.001, 0.05, 0.3], "patience": [2, 60]}
    result = swept(space, folds=2, epochs=70, chunk=4)
    lengths = {len(member.curves.cost) for member in result.members}
    assert max(lengths) == 70
    assert min(lengths) < 32
    assert {member.status for member in result.members} == {"finished", "stopped"}
    for member in result.members[::3]:
        equal(member, atol=1e-11)  # over 420 steps


@pytest.fixture(params=["CPU", "ACCELERATOR", "few"])
def planned_for(request, monkeypatch):
    """A plan for such devices, trained here: of the second, each member chooses its activation."""
    rates = {"CPU": costs.CPU, "few": costs.ACCELERATOR._replace(chunk=3)}
    rates["ACCELERATOR"] = costs.ACCELERATOR
    monkeypatch.setattr(run, "rates_of", lambda devices: rates[request.param])
    monkeypatch.setattr(run, "workers_of", lambda devices: 1)
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


def test_in_float32_members_equal_fit_to_a_ten_thousandth():
    result = mlp_jax.sweep(
        X.astype(np.float32), Y, {"width": [3, 9]}, folds=2, epochs=20, progress=False
    )
    for member in result.members:
        assert member.params[0].W.dtype == np.float32
        equal(member, rtol=1e-4, atol=1e-5)


def test_of_16_bits_a_table_is_trained_in_float32():
    table, labels = X.astype(np.float16), Y
    result = mlp_jax.sweep(table, labels, {"width": [3]}, folds=2, epochs=1, progress=False)
    assert {leaf.dtype for leaf in jax.tree.leaves(result.members[0].params)} == {
        np.dtype(np.float32)
    }


def test_float64_is_the_callers_choice_in_all_threads():
    assert swept({"width": [3]}).members[0].params[0].W.dtype == np.float64
    with jax.enable_x64(False):
        assert swept({"width": [3]}).members[0].params[0].W.dtype == np.float32


def test_programs_are_compiled_as_planned_and_once():
    programs._kept.clear()
    space = {"width": [3, 4], "activation": ["relu", "elu"], "learning_rate": [0.1], "l2": [0.1]}
    first = swept(space)
    assert first.compilations == first.plan.compilations == 1
    second = swept(space | {"learning_rate": [0.2], "l2": [0.3]}, epochs=7, key=4)
    assert second.compilations == 0
    assert second.members[0].score != first.members[0].score or second.best.score != 1


def test_another_shape_is_seen_to_compile():
    swept({"width": [3]})
    assert swept({"width": [13]}).compilations == 1


def test_a_diverging_member_is_marked_and_changes_no_bit_of_the_others():
    rates = list(np.linspace(0.01, 0.1, 9))
    space = {"optimizer": "sgd", "hidden": (4, 4), "batch_size": 8}
    well = swept(space | {"learning_rate": [*rates, 0.05]}, chunk=5)
    # ReLU dies of a large step; the exponential linear unit goes on to infinity.
    ill = swept(space | {"learning_rate": [*rates, 1e300]}, chunk=5)
    assert {member.status for member in ill.members[-3:]} == {"diverged"}
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(ill.members[-1].params))
    assert ill.ranking[-1].status == "diverged"
    for mine, theirs in zip(well.members[:-3], ill.members[:-3], strict=True):
        for a, b in zip(jax.tree.leaves(mine.params), jax.tree.leaves(theirs.params), strict=True):
            np.testing.assert_array_equal(a, b)


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
    assert result.members[statuses.index("interrupted")].params is None
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


def test_progress_counts_every_member():
    seen = []
    result = swept({"width": [3, 4]}, progress=lambda *said: seen.append(said))
    assert seen[-1][:2] == (6, 6)
    assert seen[-1][2] == max(member.score for member in result.members)


def test_the_ranking_is_by_mean_score():
    result = swept({"width": [1, 30], "learning_rate": [1e-6, 0.05]}, epochs=40, seeds=2)
    scores = [row.score for row in result.ranking]
    assert scores == sorted(scores, reverse=True)
    best = result.best
    assert best.configuration["learning_rate"] == 0.05
    assert len(best.members) == 6
    assert best.score == pytest.approx(np.mean([member.score for member in best.members]))
    assert result.to_pandas()["rank"].tolist() == [1, 2, 3, 4]


def test_seeds_differ_in_their_weights_and_share_the_batches():
    result = swept({"width": [5]}, seeds=2)
    one, other = result.members[0], result.members[3]
    assert (one.fold, other.fold) == (0, 0)
    assert not np.allclose(one.params[0].W, other.params[0].W)
    keys = [jax.random.key_data(m.arguments_of_fit()["key"]) for m in (one, other)]
    np.testing.assert_array_equal(*keys)


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (np.where(Y, "yes", "no"), ["no", "yes"]),
        (np.where(X[:, 2] > 0.5, 5, Y * 1), [0, 1, 5]),
        (Y, [False, True]),
    ],
    ids=["words", "three numbers", "bools"],
)
def test_classes_are_named_as_they_came(labels, classes):
    result = mlp_jax.sweep(
        X, labels, {"width": [30], "learning_rate": 0.02}, folds=2, epochs=150, progress=False
    )
    assert result.task.classes.tolist() == classes
    predicted = result.refit().predict(X)
    assert set(predicted) <= set(classes)
    assert np.mean(predicted == labels) > 0.8


@pytest.mark.parametrize(
    ("labels", "given"),
    [
        (np.where(Y, "yes", "no"), {"yes": 3, "no": 1.0}),
        (np.where(Y, 2, 1), {1: 1.0, 2: 3.0}),
        (np.where(Y, 2, 1), {"1": 1.0, "2": 3.0}),
        (Y.astype(float), {"0": 1.0, "1": 3.0}),
        (np.where(Y, 2, 1), {0: 1.0, 1: 3.0}),
        (np.where(Y, "yes", "no"), {"0": 1.0, "1": 3.0}),
        (np.stack([Y == 0, Y], axis=1), {np.int64(0): 1.0, 1: np.float32(3.0)}),
    ],
    ids=["words", "numbers", "as texts", "floats as texts", *("number", "text", "several columns")],
)
def test_class_weights_are_by_label_or_else_by_class_number(labels, given):
    task = as_task(X, labels, {"class_weight": given, "loss": "softmax_cross_entropy"})
    assert repr(task.configurations[0].class_weight) == "{0: 1.0, 1: 3.0}"


def test_of_the_labels_1_and_2_the_key_1_is_the_label():
    with pytest.raises(ValueError, match="class_weight has none for the class 2"):
        as_task(X, np.where(Y, 2, 1), {"class_weight": {1: 3.0}})


def test_numbers_are_fitted_by_squared_error_and_judged_by_r2():
    y = X @ np.array([1.0, -2.0, 0.5, 0.0])
    space = {"hidden": [()], "learning_rate": 0.1}
    result = mlp_jax.sweep(X, y, space, validation=0.2, epochs=100, progress=False)
    assert result.task.scoring == "r2"
    assert result.best.score > 0.99
    np.testing.assert_allclose(result.refit().predict(X), y, atol=0.2)


def test_an_own_validation_set_and_an_own_score():
    def worst(A, Y, weights):
        return -jax.numpy.max(abs(A - Y))

    result = swept({"width": [4]}, folds=None, validation=(X[:10], Y[:10]), scoring=worst)
    (member,) = result.members
    A = mlp_jax.forward(member.params, X[:10].T, network=member.network)
    assert member.score == pytest.approx(-np.abs(A - Y[None, :10]).max())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": X.T}, r"X has 4 samples and y 50"),
        ({"y": Y[:49]}, "X has 50 samples and y 49"),
        ({"X": np.where(X > 2, np.nan, X)}, r"expected finite numbers"),
        ({"X": X.astype(str)[:, :1] + "a"}, "something else than numbers"),
        ({"y": np.ones(50, int)}, "one class"),
        ({"folds": 51}, "folds is 51 for 50 examples"),
        ({"folds": [([0], [50])]}, "indices from 0 to 49"),
        ({"folds": "five"}, "splitter"),
        ({"validation": 0.2}, "leave one out"),
        ({"seeds": 0}, "seeds is 0"),
        ({"epochs": 0}, "epochs is 0"),
        ({"patience": 0}, "patience is 0"),
        ({"scoring": "auc"}, "scoring is 'auc'"),
        ({"space": {"loss": ["squared_error", "binary_cross_entropy"]}}, "some of classes"),
        ({"space": {"loss": ["squared_error", "huber"]}, "scoring": "loss"}, "cannot be compared"),
        ({"space": {"learning_rat": [1]}}, "did you mean 'learning_rate'"),
        ({"space": {"optimizer": "lbfgs", "batch_size": 4}}, "lbfgs compares costs"),
        ({"space": {"loss": "huber", "label_smoothing": 0.1}}, "label_smoothing is for the cross-"),
        ({"space": {"loss": "huber", "class_weight": "balanced"}}, "class_weight is for the"),
        ({"space": {"class_weight": "balance"}}, "expected 'balanced' or"),
        ({"space": {"class_weight": {True: 2.0}}}, "class_weight has none for the class False"),
        ({"space": {"class_weight": {"maybe": 2.0}}}, r"'maybe'; the classes are \[False, True\]"),
        ({"space": {"class_weight": {0: -1, 1: 1}}}, "class_weight of 0 is -1; expected a number"),
        ({"space": {"class_weight": {0: 0, 1: 0}}}, "class_weight is 0 for all that fold 0 trains"),
        ({"space": {"epochs": [None]}}, "epochs is None; expected a whole number"),
        ({"chunk": 64, "memory": 200_000}, "memory=200000 does not suffice"),
        ({"halving": 1}, "halving is 1"),
        ({"memory": 0}, "memory is 0"),
        ({"memory": 1000}, "memory=1000 does not suffice"),
        ({"chunk": 1.5}, "chunk is 1.5"),
        ({"devices": []}, "devices is empty"),
        ({"progress": 3}, "progress is 3"),
        ({"key": "a"}, "expected a key or a seed"),
    ],
)
def test_mistakes_are_named_before_anything_compiles(change, message):
    compiled = len(programs._kept)
    arguments = {"X": X, "y": Y, "space": {"width": [3]}, "folds": 3} | change
    with pytest.raises(ValueError, match=message):
        mlp_jax.sweep(**arguments)
    assert len(programs._kept) == compiled


def test_halving_goes_on_with_the_best_as_if_never_stopped():
    space = {"width": [2, 4, 6], "learning_rate": [1e-5, 0.003, 0.05], "activation": "tanh"}
    result = swept(space | {"batch_size": 8}, epochs=18, halving=3)
    statuses = [row.status for row in result.ranking]
    assert statuses == ["finished"] + 8 * ["halved away"]
    assert {len(member.curves.cost) for member in result.members} == {2, 6, 18}
    assert result.best.configuration["learning_rate"] > 1e-5
    for member in result.members[::2]:
        done = {"epochs": len(member.curves.cost)}
        equal(member, arguments=member.arguments_of_fit() | done)


def after_ctrl_c(result, statuses):
    """The result with other statuses, by configuration; None for one that never began."""
    outcomes = {
        name: one._replace(status=statuses.get(name[0], one.status))
        for name, one in result.outcomes.items()
        if statuses.get(name[0], one.status) is not None
    }
    return dataclasses.replace(result, outcomes=outcomes, interrupted=True)


def numbers(ranking, result):
    """Of the configurations in this order."""
    named = [configuration.named for configuration in result.task.configurations]
    return [named.index(row.configuration) for row in ranking]


def test_after_ctrl_c_the_best_is_one_that_halving_went_on_with():
    space = {"width": [2, 4, 6], "learning_rate": [1e-5, 0.003, 0.05], "batch_size": 8}
    whole = swept(space, epochs=18, halving=3)
    winner = numbers(whole.ranking, whole)[0]
    result = after_ctrl_c(whole, {winner: "interrupted"})
    assert [row.status for row in result.ranking] == ["interrupted"] + 8 * ["halved away"]
    assert result.best.configuration == whole.best.configuration
    assert set(result.ensemble(3).chosen) == {1}
    np.testing.assert_array_equal(result.held_out_outputs()[1], whole.held_out_outputs()[1])
    np.testing.assert_array_equal(result.refit().params[0].W, whole.refit().params[0].W)
    lost = after_ctrl_c(whole, {winner: "diverged"})
    assert lost.best.status == "halved away"
    with pytest.raises(ValueError, match=r"nothing to average: take result\.refit"):
        lost.ensemble()


def test_after_ctrl_c_one_that_stopped_and_lost_is_not_before_one_that_goes_on():
    whole = swept({"width": [2, 4, 6]}, epochs=18, halving=3)
    winner, second, third = numbers(whole.ranking, whole)
    statuses = {winner: "interrupted", second: "stopped", third: "halved away"}
    assert whole.ranking[0].score >= whole.ranking[1].score
    assert numbers(after_ctrl_c(whole, statuses).ranking, whole) == [winner, second, third]


def test_after_ctrl_c_what_finished_comes_first_and_what_has_no_score_last():
    whole = swept({"width": [1, 9, 30]}, epochs=30)
    first, second, third = numbers(whole.ranking, whole)
    result = after_ctrl_c(whole, {first: "interrupted", second: None})
    assert numbers(result.ranking, whole) == [third, first, second]
    assert after_ctrl_c(result, {third: None}).best.status == "interrupted"
    assert np.isnan(result.scores[[first, second]]).all()
    with pytest.raises(ValueError, match="of rank 3 is 'interrupted': it has no epochs to train"):
        result.refit(result.ranking[2].configuration)
    with pytest.raises(ValueError, match="a score on all its folds: let the sweep go on"):
        _ = after_ctrl_c(whole, {first: None, second: None, third: None}).best


def test_a_seed_that_is_searched_is_shown_and_refitted():
    result = swept({"width": [5], "seed": [0, 1, 2]})
    assert result.varied() == ("seed",)
    assert sorted(row["seed"] for row in result.table()) == [0, 1, 2]
    last = next(row.configuration for row in result.ranking if row.configuration["seed"] == 2)
    own, same, other = (
        result.refit(last, **seed).params[0].W for seed in ({}, {"seed": 2}, {"seed": 0})
    )
    np.testing.assert_array_equal(own, same)
    assert not np.allclose(own, other)


@pytest.mark.parametrize("best_by", ["metric", "cost"])
@pytest.mark.parametrize("halving", [None, 2])
def test_the_best_epoch_is_what_it_is_said_to_be_by(best_by, halving):
    space = {"width": [2, 9], "learning_rate": [0.01, 0.3], "batch_size": 8, "patience": 6}
    space |= {"tolerance": 0.01}
    result = swept(space, epochs=20, best_by=best_by, halving=halving)
    for member in result.members:
        if member.status != "halved away":
            equal(member)
        curve = member.curves.metric
        best = np.argmax(curve) if best_by == "metric" else len(curve) - 1
        assert member.best_epoch == best + 1
        assert member.score == curve[best]
    assert {m.best_epoch for m in result.members} != {20}
    result.refit()


class InterruptedCopy(np.ndarray):
    """A history during whose copy Ctrl-C is typed."""

    def __getitem__(self, index):
        if isinstance(index, np.ndarray) and index.dtype.kind == "b":
            raise KeyboardInterrupt
        return super().__getitem__(index)


def test_ctrl_c_amid_a_choice_of_halving_gives_no_member_the_state_of_another():
    task = as_task(X, Y, {"hidden": [(3,), (4,), (5,)]}, folds=2)
    (bucket,) = as_plan(task).buckets
    cohort = Cohort(task, bucket, bucket.members(0), InitialWeights(task))
    before = cohort.outcomes()
    cohort._history = cohort._history.view(InterruptedCopy)
    with pytest.raises(KeyboardInterrupt):
        cohort.keep({2})
    after = cohort.outcomes()
    assert list(after) == list(before)
    for name, outcome in after.items():
        jax.tree.map(np.testing.assert_array_equal, outcome.params, before[name].params)


def test_halving_keeps_those_that_are_best_at_the_rung():
    space = {"width": [2, 4, 6], "learning_rate": [1e-5, 0.003, 0.05], "activation": "tanh"}
    space |= {"batch_size": 8}
    rung = swept(space, epochs=2)
    third = [row.configuration | {"epochs": 18} for row in rung.ranking[:3]]
    halved = swept(space, epochs=18, halving=3)
    gone_on = [r.configuration for r in halved.ranking if len(r.members[0].curves.cost) > 2]
    assert sorted(map(str, third)) == sorted(map(str, gone_on))


def test_chunks_become_fewer_by_halving():
    space = {"l2": list(np.linspace(0, 1, 27)), "width": 1000, "depth": 2}
    halved = mlp_jax.plan_sweep(X, Y, space, folds=3, halving=3)
    assert halved.buckets[0].chunk == 3
    full = mlp_jax.plan_sweep(X, Y, space, folds=3)
    assert halved.flops_used == pytest.approx(full.flops_used * share_of_epochs(100, 3))
    assert halved.flops_used < halved.flops_issued < 0.4 * full.flops_issued


def test_more_programs_than_are_kept_do_no_harm(monkeypatch):
    monkeypatch.setattr(programs, "_kept", {})
    monkeypatch.setattr(OF_PROCESS, "looked_at", 1)
    monkeypatch.setattr(OF_PROCESS, "left", 1)
    monkeypatch.setattr(OF_PROCESS, "share", lambda: 0.8)
    space = [BASE | {"hidden": (3,) * depth} for depth in (1, 2, 3)]
    result = swept(space, epochs=9, halving=2)
    assert len(programs._kept) <= 2  # one, and perhaps another that was compiling
    assert result.ranking[0].status == "finished"
    equal(result.best.members[0])


def test_where_nothing_finished_the_cure_is_said():
    ill = swept({"optimizer": "sgd", "learning_rate": [1e300]})
    with pytest.raises(ValueError, match="smaller learning rates"):
        _ = ill.best
    assert np.isnan(ill.scores).all()


def test_scores_are_in_the_order_of_the_space():
    space = [BASE | {"width": 1, "learning_rate": 1e-6}, BASE | {"width": 30}]
    result = swept(space, epochs=40)
    assert result.scores.tolist() == [
        next(row.score for row in result.ranking if row.configuration["hidden"] == hidden)
        for hidden in ((1,), (30,))
    ]


def test_an_ensemble_is_the_average_of_its_networks():
    space = {"width": [3, 9], "depth": [1, 2], "activation": ["relu", "sigmoid"], "batch_size": 8}
    result = swept(space | {"learning_rate": 0.03}, epochs=20)
    together = result.ensemble(4)
    ranks = dict(zip((row.rank for row in result.ranking), result.ranking, strict=True))
    outputs = [
        mlp_jax.forward(member.params, X.T, network=member.network).T
        for rank in together.chosen
        for member in ranks[rank].members
    ]
    np.testing.assert_allclose(together.outputs(X), np.mean(outputs, axis=0), rtol=1e-9)
    np.testing.assert_array_equal(together.predict(X), together.outputs(X)[:, 0] > 0.5)
    best = result.ensemble(3, greedy=False)
    assert best.chosen == (1, 2, 3)
    assert best.losses == ()


def test_a_configuration_of_more_seeds_weighs_no_more():
    result = swept([{"width": 8, "seed": 0}, {"width": 16}], seeds=3)
    together = result.ensemble(2, greedy=False)
    widths = np.array([params[0].W.shape[1] for params, _ in together.networks])
    assert [np.sum(widths == width) for width in (8, 16)] == [3, 9]
    assert together.weights[widths == 8].sum() == pytest.approx(0.5)


def test_who_is_chosen_makes_the_average_better():
    space = {"width": [2, 12], "learning_rate": list(np.geomspace(1e-3, 0.1, 4)), "batch_size": 8}
    result = swept(space, epochs=30)
    together = result.ensemble(6)
    held = np.concatenate([rows for _, rows in result.task.splits])
    labels = Y[held]

    def loss_of(ranks):
        """The cross-entropy of an average, each network on the rows it has not seen."""
        total = 0.0
        for rank in ranks:
            parts = []
            for fold, (_, rows) in enumerate(result.task.splits):
                member = result.ranking[rank - 1].members[fold]
                parts.append(mlp_jax.forward(member.params, X[rows].T, network=member.network)[0])
            total = total + np.concatenate(parts)
        p = np.asarray(total) / len(ranks)
        return -np.mean(np.where(labels, np.log(p), np.log(1 - p)))

    for count in range(1, 7):
        mine = loss_of(together.chosen[:count])
        assert together.losses[count - 1] == pytest.approx(mine)
        others = [loss_of((*together.chosen[: count - 1], rank)) for rank in range(1, 9)]
        assert mine == pytest.approx(min(others))


@pytest.mark.parametrize(
    ("loss", "by_hand"),
    [
        ("pinball(0.9)", lambda a, y: np.where(y > a, 0.9 * (y - a), 0.1 * (a - y))),
        ("absolute_error", lambda a, y: abs(a - y)),
        ("huber(9)", lambda a, y: (a - y) ** 2 / 2),  # nothing is further away
        ("poisson", lambda a, y: a - y * np.log(a)),
    ],
)
def test_who_is_averaged_is_chosen_by_the_loss_itself(loss, by_hand):
    y = np.random.default_rng(1).exponential(size=(400, 1))
    candidates = np.stack([np.full_like(y, a) for a in np.linspace(0.3, 3, 10)])
    picks, losses = selection.chosen_greedily(candidates, y, 1, loss)
    expected = [by_hand(A, y).mean() for A in candidates]
    assert picks == [np.argmin(expected)]
    assert losses == pytest.approx([min(expected)])


def test_an_ensemble_of_what_cannot_be_averaged_is_refused():
    with pytest.raises(ValueError, match="size is 0; expected an integer from 1 up"):
        swept({"width": [2]}).ensemble(0)
    quantiles = mlp_jax.sweep(
        X, X[:, 0], {"loss": ["pinball(0.1, 0.9)"]}, folds=2, epochs=2, progress=False
    )
    with pytest.raises(ValueError, match="mean nothing when averaged"):
        quantiles.ensemble()


def test_held_out_outputs_are_of_networks_that_have_not_seen_the_row():
    result = swept({"width": [3, 4]}, seeds=2)
    row = result.ranking[1]
    rows, A = result.held_out_outputs(row)
    assert sorted(rows.tolist()) == list(range(50))
    at = 0
    for fold, (train, held) in enumerate(result.task.splits):
        first = [m for m in row.members if m.fold == fold and m.seed == 0]
        params, network = first[0].trained
        alone = mlp_jax.forward(params, X[held].T, network=network)
        np.testing.assert_array_equal(rows[at : at + len(held)], held)
        np.testing.assert_allclose(A[at : at + len(held)], alone.T, rtol=1e-12)
        assert not set(rows[at : at + len(held)]) & set(train)
        at += len(held)


def test_held_out_outputs_are_of_the_best_by_default():
    result = swept({"width": [3, 4], "learning_rate": [0.001, 0.1]})
    _, A = result.held_out_outputs()
    np.testing.assert_array_equal(A, result.held_out_outputs(result.ranking[0])[1])
    assert not np.array_equal(A, result.held_out_outputs(result.ranking[-1])[1])


def test_what_diverged_has_no_held_out_outputs():
    space = [{"width": 3}, {"width": 3, "optimizer": "sgd", "learning_rate": 1e300}]
    last = swept(space).ranking[-1]
    assert last.status == "diverged"
    with pytest.raises(ValueError, match="of rank 2 is 'diverged': it has no outputs"):
        swept(space).held_out_outputs(last)


@pytest.mark.parametrize(
    ("dtype", "large", "optimizers"),
    [
        (np.float32, 1e12, ["adam", "rmsprop", "lion"]),
        (np.float64, 1e100, ["adamw", "adagrad", "sgd"]),
    ],
)
def test_a_member_diverges_where_fit_does_whatever_its_optimizer_keeps(dtype, large, optimizers):
    table = X[:30].astype(dtype)
    table[5, 1] = large  # whose cost is finite, and the square of its gradient is not
    space = {"hidden": (3,), "batch_size": 4, "optimizer": optimizers, "loss": "squared_error"}
    split = np.arange(25), np.arange(25, 30)
    # With this key the row is in no epoch's last batch, of which alone the gradient is looked at.
    choices = {"folds": [split], "epochs": 2, "key": 1, "progress": False}
    result = mlp_jax.sweep(table, X[:30, 0], space, **choices)
    assert [member.status for member in result.members[:2]] == ["diverged"] * 2
    for member in result.members:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", mlp_jax.DivergenceWarning)
            state, info = mlp_jax.fit(**member.arguments_of_fit())
        assert (member.status == "diverged") == bool(state.diverged)
        assert member.best_epoch == int(state.best.epoch)
        assert len(member.curves.cost) == len(info.cost)


def arrays_of(found, seen=None):
    """All arrays that a user can get out of an object, by public names."""
    seen = [] if seen is None else seen
    if any(found is one for one in seen) or isinstance(found, type):
        return
    seen.append(found)
    if isinstance(found, np.ndarray | jax.Array):
        yield found
    elif isinstance(found, dict):
        for value in found.values():
            yield from arrays_of(value, seen)
    elif isinstance(found, tuple | list):
        for value in found:
            yield from arrays_of(value, seen)
    else:
        for name, value in getattr(found, "__dict__", {}).items():
            if not name.startswith("_") and name != "task":  # whose keys are JAX's
                yield from arrays_of(value, seen)


def test_what_a_sweep_gives_is_the_users_own(tmp_path):
    result = swept({"width": [3, 9]})
    mlp_jax.save_sweep(result, tmp_path / "sweep")
    loaded = mlp_jax.load_sweep(tmp_path / "sweep")
    for kept in (result, loaded):
        given = [kept.refit(), kept.ensemble(2), kept.held_out_outputs(), kept.scores]
        given += [fitted.predict(X) for fitted in given[:2]]
        arrays = list(arrays_of([kept.members, *given]))
        assert len(arrays) > 30
        assert all(isinstance(one, np.ndarray) and one.flags.writeable for one in arrays)
        before = [member.params[0].W.copy() for member in kept.members]
        again = kept.refit().predict(X)
        for one in arrays_of(given):
            one[...] = 0
        for member, W in zip(kept.members, before, strict=True):
            np.testing.assert_array_equal(member.params[0].W, W)
        np.testing.assert_array_equal(kept.refit().predict(X), again)
