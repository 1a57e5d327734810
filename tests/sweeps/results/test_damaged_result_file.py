"""A file of a sweep that is damaged, foreign or cannot be written is named for what it is."""

import dataclasses
import sys

import jax
import numpy as np
import pytest
import safetensors.numpy

import mlp_jax
from mlp_jax.losses import own_loss
from mlp_jax.models import model_file as model_files
from mlp_jax.models.encoding import numbers
from mlp_jax.models.model import Model, ModelNetwork
from mlp_jax.storage.array_files import packed, unpacked
from mlp_jax.sweeps.columns import Column
from mlp_jax.sweeps.results import result_file as result_files
from tests.sweeps.results.kept import NUMBERS, facts, of_words, untrained
from tests.sweeps.small_sweeps import Y


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
    configurations = ours.task.configurations
    for name, value in choice.items():  # past all checks
        column = Column((value,), np.zeros(len(configurations), int))
        configurations = configurations.with_column(name, column)
    [network] = configurations.networks
    odd = ours.task._replace(configurations=configurations, labels={network.loss: NUMBERS[:, None]})
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
    model = Model((ModelNetwork(layers, ()),), loss, numbers(["a", "b"]), ("kind",), ("no", "yes"))
    return {
        "text": (b"rank,score\n1,0.9\n", "no whole safetensors file"),
        "model": (
            model_files.to_bytes(model),
            "has format 'mlp_jax.model/4'; expected 'mlp_jax.sweep/1', a sweep",
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
    with pytest.raises(ValueError, match=r"mlp_jax.sweep/1'; expected 'mlp_jax.model/4', a model"):
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


def test_without_safetensors_its_name_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(ValueError, match="pip install safetensors"):
        mlp_jax.save_sweep(untrained(), tmp_path / "s")
    with pytest.raises(ValueError, match="pip install safetensors"):
        mlp_jax.load_sweep(tmp_path / "s")
