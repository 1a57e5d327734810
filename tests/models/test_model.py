"""Model files come back as they were, or not at all; they predict without JAX."""

import dataclasses
import subprocess
import sys

import jax
import numpy as np
import pyarrow
import pytest

import mlp_jax
from mlp_jax.models import model as models
from mlp_jax.models import model_file as model_files
from mlp_jax.models.encoding import (
    MISSING,
    RAMP,
    SMOOTH,
    Column,
    Input,
    encoding_of_inputs,
    numbers,
)
from mlp_jax.models.networks import as_model, as_networks
from mlp_jax.models.numpy_forward import ACTIVATIONS
from mlp_jax.storage import array_files
from mlp_jax.storage.array_files import packed, unpacked
from tests.damages import disk_full_after

LOSSES = {
    "binary_cross_entropy": ("no", "yes"),
    "softmax_cross_entropy": ("a", "b", "c"),
    "squared_error": None,
    "absolute_error": None,
    "huber(0.5)": None,
    "poisson": None,
    "pinball(0.1,0.5,0.9)": None,
}


def model(activation="tanh", loss="binary_cross_entropy", **more):
    classes = LOSSES[loss]
    outputs = 3 if loss[:3] in ("sof", "pin") else 1
    params = mlp_jax.init(jax.random.key(0), (3, 4, outputs), dtype=np.float64)
    # A transposed W: safetensors would write its bytes in the wrong order.
    turned = np.asarray(params[0].W).T.copy().T
    assert not turned.flags.c_contiguous
    params = (mlp_jax.Layer(turned, params[0].b), params[1])
    encoding = numbers(["a", "b", "c"], mean=np.arange(3.0), scale=2.0)
    about = {"encoding": encoding, "targets": ["kind"], "classes": classes} | more
    return as_model([(params, mlp_jax.Network(activation, loss))], **about)


X = np.random.default_rng(0).normal(size=(5, 3))


def test_a_model_comes_back_as_it_was(tmp_path):
    ours = model(notes={"held_out": {"accuracy": 0.5}}, mean=2.0, scale=3.0)
    model_files.write_model(tmp_path / "m", ours)
    theirs = mlp_jax.load_model(tmp_path / "m")
    for name in (
        "activations",
        "loss",
        "targets",
        "classes",
        "mean",
        "scale",
        "precision",
        "notes",
    ):
        assert getattr(theirs, name) == getattr(ours, name), name
    pairs = zip(
        jax.tree.leaves((ours.layers, ours.encoding[1:])),
        jax.tree.leaves((theirs.layers, theirs.encoding[1:])),
        strict=True,
    )
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)
    assert theirs.encoding.columns == ours.encoding.columns
    assert np.array_equal(theirs.outputs(X), ours.outputs(X))


def test_limits_come_back(tmp_path):
    inputs = [Input(0, limit=SMOOTH), Input(0, scale=0.5, limit=RAMP), Input(0)]
    ours = model(encoding=encoding_of_inputs([Column("a")], inputs))
    model_files.write_model(tmp_path / "m", ours)
    theirs = mlp_jax.load_model(tmp_path / "m")
    assert theirs.encoding.limit.tolist() == [SMOOTH, RAMP, 0]
    np.testing.assert_array_equal(theirs.outputs(X[:, :1]), ours.outputs(X[:, :1]))
    without = ours.encoding._replace(limit=np.zeros(3, np.int32))
    unlimited = dataclasses.replace(ours, encoding=without).outputs(X[:, :1])
    assert not np.allclose(unlimited, ours.outputs(X[:, :1]))


def test_a_file_of_before_is_of_one_network_without_limits(tmp_path):
    (tmp_path / "m").write_bytes(model_files.to_bytes(model()))
    header, arrays = unpacked(tmp_path / "m", model_files.FORMAT, "")
    header |= header.pop("networks")[0]
    header["columns"] = [[name, None, False] for name in "abc"]
    del header["gaps"]
    arrays = {name.removeprefix("1."): array for name, array in arrays.items()}
    del arrays["limit"], arrays["weights"], header["format"]
    (tmp_path / "m").write_bytes(packed(model_files.OF_ONE_NETWORK, header, arrays))
    found = mlp_jax.load_model(tmp_path / "m")
    assert found.encoding.limit.tolist() == [0, 0, 0]
    np.testing.assert_array_equal(found.outputs(X), model().outputs(X))


def test_a_file_of_before_reads_cells_as_they_are(tmp_path):
    (tmp_path / "m").write_bytes(model_files.to_bytes(model()))
    header, arrays = unpacked(tmp_path / "m", model_files.FORMAT, "")
    del header["gaps"], header["format"]
    header["columns"] = [["a", None, False], ["b", ["x", "y"], True], ["c", None, False]]
    arrays["what"] = np.array([-1, 1, -1], np.int32)
    (tmp_path / "m").write_bytes(packed(model_files.OF_PLAIN_CELLS, header, arrays))
    found = mlp_jax.load_model(tmp_path / "m")
    assert found.encoding.columns == (Column("a"), Column("b", ("x", "y"), True), Column("c"))
    with pytest.raises(ValueError, match="row 1, column 'a': '\\?' is not a number"):
        found.predict({"a": ["?"], "b": ["x"], "c": [1]})
    assert len(found.predict({"a": ["2"], "b": ["x"], "c": [1]})) == 1


def test_categories_come_back(tmp_path):
    columns = (Column("colour", ("red", "ö"), True), Column("age"), Column("more"))
    encoding = encoding_of_inputs(columns, [Input(0, what) for what in (0, 1, 2)])
    model_files.write_model(tmp_path / "m", model(encoding=encoding))
    assert mlp_jax.load_model(tmp_path / "m").encoding.columns == columns


def test_a_gap_in_a_dictionary_of_pyarrow_is_predicted_as_one(tmp_path):
    columns = (Column("kind", ("a", "b")),)
    encoding = encoding_of_inputs(columns, [Input(0, what) for what in (0, 1, MISSING)])
    model_files.write_model(tmp_path / "m", model(loss="squared_error", encoding=encoding))
    loaded = mlp_jax.load_model(tmp_path / "m")
    cells = ["a", None, "b"]
    table = pyarrow.table({"kind": pyarrow.array(cells).dictionary_encode()})
    expected = loaded.predict({"kind": cells})
    assert len(set(expected.tolist())) == 3
    np.testing.assert_array_equal(loaded.predict(table), expected)


@pytest.mark.parametrize(
    ("activation", "loss"),
    [(name, "squared_error") for name in ACTIVATIONS] + [("gelu", loss) for loss in LOSSES],
)
def test_numpy_predicts_what_jax_does(activation, loss):
    ours = model(activation, loss)
    [(params, network)] = as_networks(ours)
    A = mlp_jax.forward(params, ((X - np.arange(3)) / 2).T, network=network).T
    np.testing.assert_allclose(ours.outputs(X), A, rtol=1e-12, atol=1e-12)


def test_float32_predictions_are_within_1e_6():
    ours = model()
    layers = tuple((W.astype(np.float32), b.astype(np.float32)) for W, b in ours.layers)
    theirs = dataclasses.replace(ours, networks=(models.ModelNetwork(layers, ("tanh",)),))
    A = theirs.outputs(X)
    assert A.dtype == np.float32
    np.testing.assert_allclose(A, ours.outputs(X), atol=1e-6)


def test_classes_numbers_and_probabilities():
    two = model()
    P = two.predict_proba(X)
    assert P.shape == (5, 2)
    np.testing.assert_allclose(P.sum(axis=1), 1, rtol=1e-15)
    assert two.predict(X).tolist() == [("no", "yes")[int(p > 0.5)] for p in P[:, 1]]
    three = model(loss="softmax_cross_entropy")
    assert three.predict(X).tolist() == [
        ("a", "b", "c")[k] for k in three.predict_proba(X).argmax(1)
    ]
    number = model(loss="squared_error", mean=100.0, scale=5.0)
    np.testing.assert_allclose(number.predict(X), number.outputs(X)[:, 0] * 5 + 100)
    with pytest.raises(ValueError, match="the model predicts kind, numbers; use predict"):
        number.predict_proba(X)


def test_rows_in_blocks_are_rows_at_once(monkeypatch):
    ours, many = model(), np.random.default_rng(1).normal(size=(100, 3))
    whole = ours.outputs(many)
    monkeypatch.setattr(models, "BLOCK", 7)
    np.testing.assert_allclose(ours.outputs(many), whole, rtol=1e-13)


def test_rows_are_encoded_in_blocks_and_counted_from_the_first(monkeypatch):
    ours, seen, encoded = model(), [], models.encoded

    def counted(encoding, codes):
        seen.append(len(codes))
        return encoded(encoding, codes)

    monkeypatch.setattr(models, "BLOCK", 3)
    monkeypatch.setattr(models, "encoded", counted)
    ours.outputs(X)
    assert seen == [3, 2]
    layers = tuple((W.astype(np.float32), b.astype(np.float32)) for W, b in ours.layers)
    single = dataclasses.replace(ours, networks=(models.ModelNetwork(layers, ("tanh",)),))
    rows = X.copy()
    rows[4, 1] = 1e60
    for predict in (single.outputs, single.outputs_of_inputs):
        with pytest.raises(ValueError, match="row 5: 'b' is"):
            predict(rows)


def test_predicting_imports_no_jax(tmp_path):
    model_files.write_model(tmp_path / "m", model())
    code = (
        "import sys, mlp_jax\n"
        "print(mlp_jax.load_model(sys.argv[1]).predict([[1, 2, 3]])[0])\n"
        "ours = {name for name in sys.modules if name.startswith('mlp_jax.')}\n"
        "expected = {'wording', 'storage', 'storage.array_files', 'models', 'models.cells',\n"
        "            'models.any_table', 'models.columns', 'models.dates',\n"
        "            'models.number_spellings',\n"
        "            'models.encoding', 'models.intervals', 'models.model', 'models.model_file',\n"
        "            'models.outputs', 'models.numpy_forward', 'models.stacked', 'loss_rules'}\n"
        "assert ours == {f'mlp_jax.{name}' for name in expected}, ours\n"
        "assert not {'jax', 'sklearn', 'scipy', 'pandas', 'pyarrow'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "m"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == model().predict([[1, 2, 3]])[0]


def test_every_flipped_byte_is_noticed(tmp_path):
    path = tmp_path / "m.safetensors"
    content = model_files.to_bytes(model())
    for position in np.linspace(0, len(content) - 1, 60).astype(int):
        altered = bytearray(content)
        altered[position] ^= 1
        path.write_bytes(altered)
        with pytest.raises(ValueError, match=r"m\.safetensors"):
            mlp_jax.load_model(path)


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "m.safetensors"
    path.write_bytes(b"old")
    with disk_full_after(0), pytest.raises(OSError, match="No space") as error:
        model_files.write_model(path, model())
    assert error.value.filename == str(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_file_has_the_permissions_of_any_other(tmp_path):
    other = tmp_path / "other"
    other.write_bytes(b"")
    path = tmp_path / "m.safetensors"
    model_files.write_model(path, model())
    assert path.stat().st_mode == other.stat().st_mode
    path.chmod(0o640)
    model_files.write_model(path, model())
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    "network",
    [
        mlp_jax.Network(mlp_jax.own_activation(lambda z: z, lambda z: z)),
        mlp_jax.Network(loss=mlp_jax.own_loss(lambda z, y: (z - y) ** 4)),
        mlp_jax.Network(loss=mlp_jax.losses.LOSSES["poisson"]._replace(name="own, by hand")),
    ],
    ids=["activation", "loss", "loss by hand"],
)
def test_a_function_of_the_users_own_is_refused(network):
    params = mlp_jax.init(0, (2, 3, 1))
    with pytest.raises(ValueError, match="a function of your own and cannot be written"):
        as_model([(params, network)], encoding=numbers("ab"), targets=["y"])


def changed(folder, header=None, arrays=None, of=model):
    """A file with other content, and the SHA-256 of that."""
    (folder / "m").write_bytes(model_files.to_bytes(of()))
    old = unpacked(folder / "m", model_files.FORMAT, "")
    content = packed(model_files.FORMAT, old[0] | (header or {}), old[1] | (arrays or {}))
    (folder / "m").write_bytes(content)
    return folder / "m"


def network(sizes=(3, 4, 1), activations=("tanh",)):
    """The header of a network; of `changed`, there is no other."""
    return {"networks": [{"sizes": sizes, "activations": activations}]}


LIES = {
    "sizes of another network": {"header": network([3, 5, 1])},
    "no layer": {"header": network([3])},
    "sizes that are words": {"header": network("abc")},
    "an unknown activation": {"header": network(activations=["softmin"])},
    "too many activations": {"header": network(activations=["relu", "relu"])},
    "an unknown loss": {"header": {"loss": "__import__('os')"}},
    "three classes of one output": {"header": {"classes": [1, 2, 3]}},
    "classes that are a number": {"header": {"classes": 3}},
    "columns of another form": {"header": {"columns": [["a"]]}},
    "inputs of a column that is not": {"arrays": {"source": np.array([0, 1, 7], np.int32)}},
    "whole weights": {"arrays": {"1.W1": np.ones((3, 4), np.int64)}},
    "another array": {"arrays": {"1.W9": np.ones((3, 4))}},
    "an input of a category that is not": {"arrays": {"what": np.array([-1, -1, 4], np.int32)}},
    "a limit that is none": {"arrays": {"limit": np.array([0, 1, 3], np.int32)}},
    "limits of too few inputs": {"arrays": {"limit": np.zeros(2, np.int32)}},
    "limits of another dtype": {"arrays": {"limit": np.zeros(3)}},
    "a scale of zero": {"arrays": {"scale": np.zeros(3)}},
    "two columns of a name": {"header": {"columns": [["a", None, False]] * 3}},
    "two targets of one output": {"header": {"targets": ["a", "b"]}},
    "targets that are a word": {"header": {"targets": "kind"}},
    "the same class twice": {"header": {"classes": ["no", "no"]}},
    "classes of numbers": {"header": {"loss": "squared_error"}},
    "a quantile without an output": {"header": {"loss": "pinball(0.1, 0.9)", "classes": None}},
    "a loss of words": {"header": {"loss": "huber(x)"}},
    "notes that are none": {"header": {"notes": None}},
    "a mean that is a word": {"header": {"mean": "x"}},
    "no network": {"header": {"networks": []}},
    "networks that are a word": {"header": {"networks": "ab"}},
    "a weight for no network": {"arrays": {"weights": np.full(2, 0.5)}},
    "a weight of single precision": {"arrays": {"weights": np.ones(1, np.float32)}},
}


@pytest.mark.parametrize("case", LIES)
def test_a_file_that_contradicts_itself_is_refused(case, tmp_path):
    with pytest.raises(
        ValueError, match=r"/m does not hold together: .* expected a model"
    ) as error:
        mlp_jax.load_model(changed(tmp_path, **LIES[case]))
    assert "\n" not in str(error.value)


def test_a_file_packed_again_as_it_was_is_read(tmp_path):
    assert mlp_jax.load_model(changed(tmp_path)).classes == ("no", "yes")


def test_a_link_stays_a_link(tmp_path):
    model_files.write_model(tmp_path / "m", model())
    (tmp_path / "link").symlink_to(tmp_path / "m")
    model_files.write_model(tmp_path / "link", model(mean=5.0))
    assert (tmp_path / "link").is_symlink()
    assert mlp_jax.load_model(tmp_path / "m").mean == 5.0


def test_several_files_are_replaced_together_or_not_at_all(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(b"old")
    with disk_full_after(1), pytest.raises(OSError, match="No space") as error:
        array_files.replace_all([(one, b"new"), (other, b"new")])
    assert error.value.filename == str(other)
    assert one.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [one]
    array_files.replace_all([(one, b"new"), (other, b"new")])
    assert one.read_bytes() == other.read_bytes() == b"new"
