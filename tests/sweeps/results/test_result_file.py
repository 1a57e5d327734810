"""A sweep's file gives back the sweep it was written of, to the last bit, or says what is wrong."""

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
from mlp_jax.losses import own_loss
from mlp_jax.models import model as model_files
from mlp_jax.models.encoding import numbers
from mlp_jax.storage.array_files import packed, unpacked
from mlp_jax.sweeps.configuration import network_of
from mlp_jax.sweeps.planning.plan import as_plan
from mlp_jax.sweeps.results import result_file as result_files
from mlp_jax.sweeps.results.result import SweepResult
from mlp_jax.sweeps.task import as_task
from tests.sweeps.test_run import EVERY_KIND, X, Y, swept

NUMBERS = X[:, 0] - X[:, 1]


@cache
def of_every_kind():
    return swept(EVERY_KIND, folds=2, epochs=3)


@cache
def of_words():
    words = np.where(X[:, 2] > 0.5, "three", np.where(Y, "one", "two"))
    space = {"optimizer": "sgd", "hidden": (4, 4), "batch_size": 8}
    # Of the nine, three go on after a ninth of the epochs and one after a third.
    space |= {"learning_rate": [1e300, *np.linspace(0.01, 0.1, 8)]}
    return mlp_jax.sweep(X, words, space, folds=2, epochs=9, halving=3, progress=False)


def untrained(y=Y, space=None, **choices):
    """Of the sweep with nothing done: what was asked, and the plan."""
    task = as_task(X, y, space or {"width": [2, 3]}, **choices)
    return SweepResult(task, as_plan(task).portable(), {}, 0.5, 0, True, {})


def loaded(result, folder):
    mlp_jax.save_sweep(result, folder / "s.safetensors")
    return mlp_jax.load_sweep(folder / "s.safetensors")


def bits(array):
    return array.dtype.str, array.shape, array.tobytes()


def facts(member):
    """All there is of a member, bit for bit; of its configuration, every type too."""
    leaves = [bits(leaf) for leaf in jax.tree.leaves((member.params, member.curves))]
    said = repr((member.configuration, member.network, member.seed, member.fold, member.score))
    return said, member.status, member.best_epoch, leaves


@pytest.mark.parametrize("made", [of_every_kind, of_words])
def test_members_come_back_to_the_last_bit(made, tmp_path):
    ours, theirs = made(), loaded(made(), tmp_path)
    assert list(map(facts, theirs.members)) == list(map(facts, ours.members))


def test_one_bit_of_one_parameter_would_be_seen(tmp_path):
    theirs = loaded(of_every_kind(), tmp_path)
    theirs.members[5].params[0].W.view(np.uint8)[0, 0] ^= 1
    pairs = zip(theirs.members, of_every_kind().members, strict=True)
    same = [facts(one) == facts(other) for one, other in pairs]
    assert same == [i != 5 for i in range(22)]


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


def test_interrupted_members_have_no_params(tmp_path):
    done = of_every_kind().outcomes
    some = {name: done[name] for name in list(done)[:7]}
    ours = dataclasses.replace(of_every_kind(), outcomes=some, interrupted=True)
    theirs = loaded(ours, tmp_path)
    assert theirs.interrupted
    assert [m.params is None for m in theirs.members].count(True) == 22 - 7
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


def own_score(A, Y, weights):
    return -jax.numpy.max(abs(A - Y))


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"scoring": own_score}, "scoring is a function of your own .* scoring='accuracy'"),
        ({"space": {"activation": [(jax.numpy.sin, jax.numpy.cos)]}}, "activation 'sin' is a func"),
        (
            {"space": {"activation": [("tanh", (jax.numpy.sin, jax.numpy.cos))], "depth": 2}},
            "activation 'sin' is a function of your own .* save params",
        ),
    ],
    ids=["scoring", "activation", "one activation of two"],
)
def test_functions_of_ones_own_are_refused_and_leave_what_was_there(choices, message, tmp_path):
    path = tmp_path / "s.safetensors"
    path.write_bytes(b"old")
    with pytest.raises(ValueError, match=message):
        mlp_jax.save_sweep(untrained(**choices), path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (
            {"loss": own_loss(lambda Z, Y: (Z - Y) ** 4)},
            "loss '<lambda>' is a function of your own",
        ),
        ({"loss": mlp_jax.huber(0.5)}, r"loss is 'huber\(0.5\)', which .* with its name"),
        ({"l2": {0.1, 0.2}}, "l2 is {.*}, which cannot be written"),
    ],
    ids=["own loss", "loss itself", "set"],
)
def test_values_that_json_has_not_are_refused(choice, message, tmp_path):
    ours = untrained(NUMBERS)
    named = [{**one.named, **choice} for one in ours.task.configurations]
    network = network_of(named[0])
    pairs = zip(ours.task.configurations, named, strict=True)
    odd = [dataclasses.replace(one, named=own, network=network) for one, own in pairs]
    odd = ours.task._replace(configurations=odd, labels={network.loss: NUMBERS[:, None]})
    with pytest.raises(ValueError, match=message):
        mlp_jax.save_sweep(dataclasses.replace(ours, task=odd), tmp_path / "s")
    assert list(tmp_path.iterdir()) == []


def test_classes_that_are_records_are_refused(tmp_path):
    records = np.array([(int(y),) for y in Y], [("a", int)])
    with pytest.raises(ValueError, match=r"classes are of dtype .* y\.astype"):
        mlp_jax.save_sweep(untrained(records, {"loss": "softmax_cross_entropy"}), tmp_path / "s")


def test_every_flipped_byte_is_noticed(tmp_path):
    path = tmp_path / "s.safetensors"
    content = result_files.to_bytes(of_words())
    for position in np.linspace(0, len(content) - 1, 300).astype(int):
        altered = bytearray(content)
        altered[position] ^= 1
        path.write_bytes(altered)
        with pytest.raises(ValueError, match=r"s\.safetensors .* expected a sweep written by"):
            mlp_jax.load_sweep(path)


def test_without_a_flipped_byte_nothing_is_noticed(tmp_path):
    (tmp_path / "s.safetensors").write_bytes(result_files.to_bytes(of_words()))
    assert len(mlp_jax.load_sweep(tmp_path / "s.safetensors").members) == 18


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.9999])
def test_a_file_cut_short_is_noticed(share, tmp_path):
    content = result_files.to_bytes(of_words())
    (tmp_path / "s").write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match=r"no whole safetensors file: .* expected a sweep"):
        mlp_jax.load_sweep(tmp_path / "s")


def foreign_files():
    layers = ((np.ones((2, 1)), np.ones((1, 1))),)
    loss = "binary_cross_entropy"
    model = mlp_jax.Model(layers, (), loss, numbers(["a", "b"]), ("kind",), ("no", "yes"))
    return {
        "text": (b"rank,score\n1,0.9\n", "no whole safetensors file"),
        "model": (
            model_files.to_bytes(model),
            "has format 'mlp_jax.model/2'; expected 'mlp_jax.sweep/1', a sweep",
        ),
        # Of a dtype that NumPy has not.
        "other": (safetensors.numpy.save({"a": np.ones(2, jax.numpy.bfloat16)}), "not written by"),
        "empty": (packed(result_files.FORMAT, {}, {}), "something else than its form"),
    }


@pytest.mark.parametrize("kind", ["text", "model", "other", "empty"])
def test_a_foreign_file_is_named(kind, tmp_path):
    content, message = foreign_files()[kind]
    (tmp_path / "s").write_bytes(content)
    with pytest.raises(ValueError, match=message) as error:
        mlp_jax.load_sweep(tmp_path / "s")
    assert "expected" in str(error.value)


def test_a_sweep_is_no_model(tmp_path):
    mlp_jax.save_sweep(untrained(), tmp_path / "s")
    with pytest.raises(ValueError, match=r"mlp_jax.sweep/1'; expected 'mlp_jax.model/2', a model"):
        mlp_jax.load_model(tmp_path / "s")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match="nowhere is not a file; expected a sweep written by"):
        mlp_jax.load_sweep(tmp_path / "nowhere")


def repacked(folder, header=None, arrays=None):
    """A file with other content, and the SHA-256 of that."""
    mlp_jax.save_sweep(of_words(), folder / "s")
    old = unpacked(folder / "s", result_files.FORMAT, "")
    (folder / "s").write_bytes(
        packed(result_files.FORMAT, old[0] | (header or {}), old[1] | (arrays or {}))
    )
    return folder / "s"


@pytest.mark.parametrize(
    "change",
    [
        {"header": {"classes": "|O"}},  # Python objects, which would be addresses
        {"header": {"scoring": "own"}},
        {"header": {"losses": [1000]}},
        {"arrays": {"params_lengths": np.full(18, 3)}},
        {"arrays": {"params": np.zeros(3), "params_lengths": np.array([3] + 17 * [0])}},
        {"arrays": {"scores": np.zeros(3)}},
        {"arrays": {"configurations": np.frombuffer(b"[1]", np.uint8)}},
    ],
    ids=["objects", "scoring", "losses", "lengths", "params", "scores", "configurations"],
)
def test_content_that_does_not_fit_is_named(change, tmp_path):
    with pytest.raises(ValueError, match=r"something else than its format .* expected a sweep"):
        mlp_jax.load_sweep(repacked(tmp_path, **change))


def test_content_that_fits_is_read_when_packed_again(tmp_path):
    theirs = mlp_jax.load_sweep(repacked(tmp_path, header={"seconds": 1.5}))
    assert theirs.seconds == 1.5
    assert list(map(facts, theirs.members)) == list(map(facts, of_words().members))


def test_the_header_is_json_for_other_programs(tmp_path):
    mlp_jax.save_sweep(of_words(), tmp_path / "s")
    with safetensors.safe_open(tmp_path / "s", framework="np") as file:
        header = json.loads(file.metadata()["mlp_jax"])
    assert header["format"] == "mlp_jax.sweep/1"
    assert header["library"] == mlp_jax.__version__


def test_without_safetensors_its_name_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(ValueError, match="pip install safetensors"):
        mlp_jax.save_sweep(untrained(), tmp_path / "s")
    with pytest.raises(ValueError, match="pip install safetensors"):
        mlp_jax.load_sweep(tmp_path / "s")


def test_a_plan_whose_program_has_several_activations_comes_back(tmp_path):
    ours = untrained(space={"activation": ["relu", "tanh", "gelu"], "width": [2, 3]})
    assert len(ours.plan.buckets[0].kind.networks) == 3
    assert loaded(ours, tmp_path).plan == ours.plan
