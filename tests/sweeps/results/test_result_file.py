"""A sweep that is kept comes back to the last bit."""

import copy
import dataclasses
import json
import pickle
import subprocess
import sys
from functools import cache

import jax
import numpy as np
import pytest
import safetensors.numpy

import mlp_jax
from mlp_jax.storage.array_files import unpacked
from mlp_jax.sweeps.member_order import MemberOrder
from mlp_jax.sweeps.planning.plan import as_plan
from mlp_jax.sweeps.results import result_file as result_files
from tests.sweeps.results.kept import NUMBERS, bits, facts, of_words, untrained
from tests.sweeps.small_sweeps import EVERY_KIND, X, Y, swept


@cache
def of_every_kind():
    return swept(EVERY_KIND, folds=2, epochs=3)


def loaded(result, folder):
    mlp_jax.save_sweep(result, folder / "s.safetensors")
    return mlp_jax.load_sweep(folder / "s.safetensors")


@pytest.mark.parametrize("made", [of_every_kind, of_words])
def test_members_come_back_to_the_last_bit(made, tmp_path):
    ours, theirs = made(), loaded(made(), tmp_path)
    assert list(map(facts, theirs.members)) == list(map(facts, ours.members))


def test_one_bit_of_one_parameter_would_be_seen(tmp_path):
    theirs = loaded(of_every_kind(), tmp_path)
    theirs.members[5].params[0].W.view(np.uint8)[0, 0] ^= 1
    pairs = zip(theirs.members, of_every_kind().members, strict=True)
    same = [facts(one) == facts(other) for one, other in pairs]
    assert same == [i != 5 for i in range(2 * len(EVERY_KIND))]


@pytest.mark.parametrize("made", [of_every_kind, of_words])
def test_ranking_scores_and_tables_come_back(made, tmp_path):
    ours, theirs = made(), loaded(made(), tmp_path)
    assert repr(theirs.ranking[0]) == repr(theirs.best) == repr(ours.best)
    assert repr(theirs.table()) == repr(ours.table())
    assert bits(theirs.scores) == bits(ours.scores)
    assert theirs.varied() == ours.varied()
    assert theirs.to_pandas().equals(ours.to_pandas())


def test_halved_and_diverged_members_keep_their_params(tmp_path):
    theirs = loaded(of_words(), tmp_path)
    assert {m.status for m in theirs.members} == {"finished", "halved away", "diverged"}
    assert all(member.params is not None for member in theirs.members)
    assert {len(m.curves.cost) for m in theirs.members if m.status == "halved away"} == {1, 3}


def test_a_program_of_members_with_and_without_dropout_comes_back(tmp_path):
    ours = untrained(space={"dropout": [0.0, 0.2, 0.0], "width": 3})
    (bucket,) = ours.plan.buckets
    assert bucket.kind.dropout
    assert loaded(ours, tmp_path).plan == ours.plan


def test_interrupted_members_have_no_params(tmp_path):
    done = of_every_kind()
    numbers = [MemberOrder(done.task).places(part.members) for part in done.outcomes]
    some = [part.take(own < 7) for part, own in zip(done.outcomes, numbers, strict=True)]
    ours = dataclasses.replace(done, outcomes=some, interrupted=True)
    theirs = loaded(ours, tmp_path)
    assert theirs.interrupted
    assert [m.params is None for m in theirs.members].count(True) == 2 * len(EVERY_KIND) - 7
    assert list(map(facts, theirs.members)) == list(map(facts, ours.members))


def test_a_sweep_of_which_nothing_is_done_comes_back(tmp_path):
    theirs = loaded(untrained(), tmp_path)
    assert {member.status for member in theirs.members} == {"interrupted"}
    assert theirs.members[0].curves.cost.shape == (0,)


@pytest.mark.parametrize("made", [of_every_kind, of_words])
def test_the_plan_and_what_it_took_come_back(made, tmp_path):
    ours, theirs = made(), loaded(made(), tmp_path)
    assert theirs.plan == ours.plan
    assert str(theirs.plan) == str(ours.plan)
    names = ("seconds", "compilations", "interrupted", "bucket_seconds")
    assert [getattr(theirs, n) for n in names] == [getattr(ours, n) for n in names]


def test_the_plan_of_a_result_is_the_one_planned_and_can_be_pickled():
    space, how = {"width": [3, 4]}, {"folds": 2, "epochs": 2, "key": 1, "halving": 2}
    planned = mlp_jax.plan_sweep(X, Y, space, **how)
    result = mlp_jax.sweep(X, Y, space, **how, progress=False)
    assert result.plan == planned == pickle.loads(pickle.dumps(planned))
    assert copy.deepcopy(result).plan == planned


def test_another_plan_would_be_seen(tmp_path):
    ours = untrained()
    other = dataclasses.replace(ours, plan=as_plan(ours.task, chunk=1).portable())
    assert loaded(ours, tmp_path).plan != other.plan
    assert loaded(other, tmp_path).plan == other.plan


def test_examples_splits_and_keys_come_back(tmp_path):
    ours, theirs = of_every_kind().task, loaded(of_every_kind(), tmp_path).task
    assert bits(theirs.X) == bits(ours.X)
    assert len(theirs.labels) == 2
    assert {k: bits(v) for k, v in theirs.labels.items()} == {
        k: bits(v) for k, v in ours.labels.items()
    }
    assert jax.tree.map(bits, theirs.splits) == jax.tree.map(bits, ours.splits)
    assert theirs.seeds == ours.seeds
    for name in ("key_init", "key_order"):
        assert (getattr(theirs, name) == getattr(ours, name)).all()
        assert getattr(theirs, name).dtype == getattr(ours, name).dtype


def test_a_key_of_another_generator_comes_back(tmp_path):
    theirs = loaded(untrained(key=jax.random.key(3, impl="rbg")), tmp_path)
    assert jax.random.key_impl(theirs.task.key_init) == "rbg"


def test_splits_of_different_lengths_come_back(tmp_path):
    folds = [(np.arange(30, dtype=np.int32), np.array([40])), ([1, 2, 49], np.arange(5, 9))]
    theirs = loaded(untrained(folds=folds), tmp_path)
    assert [[part.tolist() for part in split] for split in theirs.task.splits] == [
        [list(map(int, part)) for part in split] for split in folds
    ]


@pytest.mark.parametrize("made", [of_every_kind, of_words])
def test_refit_gives_the_same_bits(made, tmp_path):
    ours, theirs = made().refit(), loaded(made(), tmp_path).refit()
    for a, b in zip(jax.tree.leaves(ours.params), jax.tree.leaves(theirs.params), strict=True):
        np.testing.assert_array_equal(a, b)
    assert bits(theirs.predict(X)) == bits(ours.predict(X))


def test_another_member_is_refitted_to_other_bits(tmp_path):
    theirs = loaded(of_words(), tmp_path)
    first, second = (theirs.refit(row.configuration).params for row in theirs.ranking[:2])
    assert not np.array_equal(first[0].W, second[0].W)


def test_a_loaded_member_is_trained_alone_to_the_same_bits(tmp_path):
    number = 2 * EVERY_KIND.index(next(c for c in EVERY_KIND if "seed" in c))
    ours, theirs = (
        of_every_kind().members[number],
        loaded(of_every_kind(), tmp_path).members[number],
    )
    assert theirs.seed == 7
    a, b = (mlp_jax.fit(**member.arguments_of_fit())[0].params for member in (ours, theirs))
    assert [bits(np.asarray(leaf)) for leaf in jax.tree.leaves(a)] == [
        bits(np.asarray(leaf)) for leaf in jax.tree.leaves(b)
    ]


def test_another_process_reads_the_same(tmp_path):
    path = tmp_path / "s.safetensors"
    mlp_jax.save_sweep(of_words(), path)
    code = f"import mlp_jax; print(mlp_jax.load_sweep({str(path)!r}).table())"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == repr(of_words().table())


@pytest.mark.parametrize("made", [of_every_kind, of_words])
def test_a_loaded_result_is_written_again_to_the_last_bit(made, tmp_path):
    contents = []
    for result in (made(), loaded(made(), tmp_path)):
        mlp_jax.save_sweep(result, tmp_path / "s")
        header, arrays = unpacked(tmp_path / "s", result_files.FORMAT, "")
        contents.append((header, {name: bits(array) for name, array in arrays.items()}))
    assert contents[0] == contents[1]


@pytest.mark.parametrize(
    "labels",
    [
        np.where(Y, "ja", "nein"),
        np.where(Y, b"ja", b"nein"),
        np.where(Y, 300, -1).astype(np.int16),
        Y,
        Y.astype(float),
        (np.arange(50) % 3).astype(">u4"),
    ],
    ids=["words", "bytes", "numbers", "bools", "floats", "big-endian"],
)
def test_classes_come_back_in_their_dtype(labels, tmp_path):
    ours = untrained(labels, {"loss": "softmax_cross_entropy"})
    theirs = loaded(ours, tmp_path)
    assert bits(theirs.task.classes) == bits(ours.task.classes)


def test_regression_has_no_classes(tmp_path):
    theirs = loaded(untrained(NUMBERS), tmp_path)
    assert theirs.task.classes is None
    assert theirs.task.scoring == "r2"


def test_losses_of_numbers_come_back_with_all_their_digits(tmp_path):
    losses = ["huber(0.123456789)", "huber(0.1234567)", "pinball(0.1, 0.9)", "squared_error"]
    ours = untrained(NUMBERS, {"loss": losses}, scoring="r2")
    theirs = loaded(ours, tmp_path)
    assert list(theirs.task.labels) == list(ours.task.labels)
    assert len(theirs.task.labels) == 4
    assert theirs.task.metric == ours.task.metric


@pytest.mark.parametrize(
    ("labels", "scoring"), [(Y, "accuracy"), (Y, "r2"), (Y, "loss"), (NUMBERS, "loss")]
)
def test_scorings_come_back(labels, scoring, tmp_path):
    ours = untrained(labels, scoring=scoring)
    theirs = loaded(ours, tmp_path)
    assert (theirs.task.scoring, theirs.task.metric) == (scoring, ours.task.metric)


def test_numbers_of_jax_and_numpy_come_back_as_those_of_python(tmp_path):
    weights = {np.int64(0): np.float64(0.1), np.int64(1): np.float32(2)}
    space = [{"learning_rate": jax.numpy.float32(0.1), "class_weight": weights}]
    (config,) = loaded(untrained(space=space), tmp_path).task.configurations
    assert repr(config.named["class_weight"]) == "{0: 0.1, 1: 2.0}"
    assert repr(config.named["learning_rate"]) == repr(float(np.float32(0.1)))


def test_counts_of_numpy_are_those_of_python(tmp_path):
    counts = {"chunk": 8, "memory": 10**9, "halving": 2, "epochs": 3, "patience": 2}

    def result(kind):
        about = {name: kind(count) for name, count in counts.items()}
        return swept({"width": [2, 3]}, folds=2, checkpoint=tmp_path / "saves", **about)

    ours = result(np.int64)
    assert loaded(ours, tmp_path).plan == ours.plan
    assert result(int).table() == ours.table()  # and the folder is of the same sweep


def test_a_transposed_table_is_written_in_order(tmp_path):
    ours = untrained()
    turned = ours.task._replace(X=np.asfortranarray(ours.task.X))
    assert not turned.X.flags.c_contiguous
    theirs = loaded(dataclasses.replace(ours, task=turned), tmp_path)
    np.testing.assert_array_equal(theirs.task.X, X)


def test_more_members_are_no_more_arrays(tmp_path):
    counts = []
    for result in (untrained(), of_every_kind()):
        mlp_jax.save_sweep(result, tmp_path / "s")
        with safetensors.safe_open(tmp_path / "s", framework="np") as file:
            counts.append(len(file.keys()))
    assert counts[1] == counts[0] + 1  # the labels of its second loss


def test_the_header_is_json_for_other_programs(tmp_path):
    mlp_jax.save_sweep(of_words(), tmp_path / "s")
    with safetensors.safe_open(tmp_path / "s", framework="np") as file:
        header = json.loads(file.metadata()["mlp_jax"])
    assert header["format"] == "mlp_jax.sweep/1"
    assert header["library"] == mlp_jax.__version__


def test_a_plan_whose_program_has_several_activations_comes_back(tmp_path):
    ours = untrained(space={"activation": ["relu", "tanh", "gelu"], "width": [2, 3]})
    assert len(ours.plan.buckets[0].kind.networks) == 3
    assert loaded(ours, tmp_path).plan == ours.plan
