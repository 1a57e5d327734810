"""Models of several networks: NumPy averages them in one pass, and files hold them whole."""

import dataclasses

import jax
import numpy as np
import pytest

import mlp_jax
from mlp_jax.models import model as models
from mlp_jax.models import model_file, stacked
from mlp_jax.models.encoding import numbers
from mlp_jax.models.model_file import FORMAT, OF_ONE_NETWORK, to_bytes, write_model
from mlp_jax.models.networks import as_model, as_networks
from mlp_jax.storage.array_files import packed, unpacked

SHAPES = {  # of hidden layers; sigmoid(0) is not 0, so that a padded unit is not at rest
    "relu": [(5,), (9,), (12,)],
    "sigmoid": [(4, 6), (6, 4)],
    "tanh": [(8,)],
    ("gelu", "relu"): [(3, 7)],
    "identity": [()],
}
X = np.random.default_rng(0).normal(size=(5, 3))


def model(loss="softmax_cross_entropy", shapes=SHAPES, dtype=np.float64, **more):
    """Of eight networks with weights that differ."""
    networks = []
    for activation, hidden in ((f, one) for f, every in shapes.items() for one in every):
        params = mlp_jax.init(len(networks), (3, *hidden, 3), dtype=dtype)
        params = [(W, np.full_like(b, 0.1)) for W, b in params]
        networks.append((params, mlp_jax.Network(activation, loss)))
    weights = np.arange(1.0, len(networks) + 1)
    targets, classes = ("abc", None) if loss == "squared_error" else (["kind"], "abc")
    about = {"targets": targets, "classes": classes, "encoding": numbers("abc")} | more
    return as_model(networks, weights / weights.sum(), **about)


def average_of_jax(model, rows):
    """A[L] by the formulas of the paper, a network at a time."""
    every = [mlp_jax.forward(p, rows.T, network=network).T for p, network in as_networks(model)]
    return np.tensordot(model.weights, np.array(every, np.float64), axes=1)


@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "binary_cross_entropy", "squared_error"])
def test_the_outputs_are_the_weighted_mean_of_the_networks(loss):
    classes = {"binary_cross_entropy": None}.get(loss, "abc")
    more = {"targets": "abc", "classes": classes} if classes is None else {}
    ours = model(loss, **more)
    assert ours.outputs(X).shape == (5, 3)
    np.testing.assert_allclose(ours.outputs(X), average_of_jax(ours, X), rtol=1e-12)
    turned = dataclasses.replace(ours, weights=ours.weights[::-1])
    assert abs(turned.outputs(X) - average_of_jax(ours, X)).max() > 1e-3


def test_a_file_of_eight_networks_predicts_ten_thousand_rows_within_1e_6_of_jax(tmp_path):
    rows = np.random.default_rng(1).normal(size=(10_000, 3)).astype(np.float32)
    write_model(tmp_path / "m", model(dtype=np.float32))
    loaded = mlp_jax.load_model(tmp_path / "m")
    A = loaded.outputs(rows)
    assert (len(loaded.networks), A.dtype) == (8, np.float32)
    with jax.enable_x64(False):
        np.testing.assert_allclose(A, average_of_jax(loaded, rows), atol=1e-6)


def test_several_networks_come_back_as_they_were(tmp_path):
    ours = model()
    write_model(tmp_path / "m", ours)
    theirs = mlp_jax.load_model(tmp_path / "m")
    assert [n.sizes for n in theirs.networks] == [n.sizes for n in ours.networks]
    assert [n.activations for n in theirs.networks] == [n.activations for n in ours.networks]
    pairs = zip(jax.tree.leaves(ours.networks), jax.tree.leaves(theirs.networks), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)
    np.testing.assert_array_equal(theirs.weights, ours.weights)
    np.testing.assert_array_equal(theirs.outputs(X), ours.outputs(X))


def test_what_is_of_one_network_is_said_of_one_alone():
    ours = model(shapes={"tanh": [(8,)]})
    assert (ours.sizes, ours.activations) == ((3, 8, 3), ("tanh",))
    assert ours.layers is ours.networks[0].layers
    for asked in ("sizes", "activations", "layers"):
        with pytest.raises(ValueError, match=rf"average of 8 .* model\.networks\[0\]\.{asked}"):
            getattr(model(), asked)


def test_networks_of_one_depth_and_activation_are_one_stack_made_once(monkeypatch):
    ours, made = model(), []

    def counted(networks):
        made.append(stacked.stacks_of(networks))
        return made[-1]

    monkeypatch.setattr(models, "stacks_of", counted)
    ours.outputs(X)
    ours.predict(X)
    [stacks] = made
    assert [len(stack.places) for stack in stacks] == [3, 2, 1, 1, 1]
    W, b = stacks[0].layers[0]
    assert (W.shape, b.shape) == ((3, 3, 12), (3, 12, 1))
    assert not W[0, :, 5:].any()


def test_networks_of_very_different_widths_are_not_padded_to_the_widest():
    far = model(shapes={"relu": [(2, 2), (2, 2), (60, 60)]})
    assert [stack.places for stack in far.stacks] == [(0, 1), (2,)]
    np.testing.assert_allclose(far.outputs(X), average_of_jax(far, X), rtol=1e-12)


def test_rows_in_blocks_are_rows_at_once(monkeypatch):
    ours, many = model(), np.random.default_rng(1).normal(size=(150, 3))
    whole, seen, forward = ours.outputs(many), [], stacked.numpy_forward.forward

    def counted(layers, X, *choices):
        seen.append(len(X))
        return forward(layers, X, *choices)

    monkeypatch.setattr(stacked.numpy_forward, "forward", counted)
    monkeypatch.setattr(stacked, "CELLS", 1)
    np.testing.assert_allclose(ours.outputs(many), whole, rtol=1e-13)
    assert seen == [64, 64, 22] * 2 + [150] * 3
    assert ours.outputs(many[:0]).shape == (0, 3)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda p, n: (p, mlp_jax.Network(loss="squared_error")), "of the loss softmax.* cannot"),
        (lambda p, n: (mlp_jax.init(0, (2, 3)), n), "inputs and outputs; expected the same"),
        (lambda p, n: (mlp_jax.init(0, (3, 2)), n), "inputs and outputs; expected the same"),
    ],
    ids=["another loss", "other inputs", "other outputs"],
)
def test_what_cannot_be_averaged_is_refused(change, said):
    networks = as_networks(model())
    with pytest.raises(ValueError, match=said):
        as_model([*networks[1:], change(*networks[0])], encoding=numbers("abc"), targets=["kind"])


def test_quantiles_are_not_averaged(tmp_path):
    network = mlp_jax.Network("relu", "pinball(0.1, 0.5, 0.9)")
    networks = [(mlp_jax.init(seed, (3, 3)), network) for seed in (0, 1)]
    about = {"encoding": numbers("abc"), "targets": ["y"]}
    assert as_model(networks[:1], **about).quantiles == ("0.1", "0.5", "0.9")
    with pytest.raises(ValueError, match=r"2 networks of the loss pinball.* cannot be averaged"):
        as_model(networks, **about)


@pytest.mark.parametrize("weights", [[1.0], [1.0, -1.0], [np.nan, 1.0], [0.0, 0.0]], ids=str)
def test_weights_that_are_none_are_refused(weights):
    networks = as_networks(model())[:2]
    with pytest.raises(ValueError, match=r"weights are .*; expected 2 numbers from 0 up"):
        as_model(networks, weights, encoding=numbers("abc"), targets=["kind"], classes="abc")


def test_a_model_has_a_weight_a_network():
    ours = model()
    for networks, given in (
        (ours.networks, np.ones(1)),
        (ours.networks[:1], np.full(2, 0.5)),
        ((), np.ones(0)),
    ):
        with pytest.raises(ValueError, match=r"has \d networks and \d weights; expected one"):
            dataclasses.replace(ours, networks=networks, weights=given)


def changed(path, header=None, arrays=None, told=None, format_=FORMAT):
    """A file of eight networks with other content, and the SHA-256 of that."""
    path.write_bytes(to_bytes(model()))
    old = unpacked(path, FORMAT, "")
    networks = [one | told.get(number, {}) for number, one in enumerate(old[0]["networks"])]
    header = old[0] | {"networks": networks, "format": format_} | (header or {})
    path.write_bytes(packed(format_, header, old[1] | (arrays or {})))
    return path


def weights(*first):
    return {"arrays": {"weights": np.array([*first, *[0.0] * (8 - len(first))])}}


LIES = {
    "weights of sum two": (weights(1.0, 1.0), "are of sum 2.0"),
    "a weight below zero": (weights(1.5, -0.5), "have the weights"),
    "a weight that is none": (weights(1.0, np.nan), "have the weights"),
    "quantiles": (
        {"header": {"loss": "pinball(0.1,0.5,0.9)", "classes": None}},
        "averages outputs of the loss",
    ),
    "a network less": ({"header": {"networks": [{"sizes": [3, 3], "activations": []}]}}, "arrays"),
    "other inputs": ({"told": {7: {"sizes": [2, 3]}}}, "of different inputs or outputs"),
    "other outputs": ({"told": {7: {"sizes": [3, 2]}}}, "of different inputs or outputs"),
    "another shape": ({"told": {5: {"sizes": [3, 9, 3]}}}, "its sizes are"),
    "an unknown activation": ({"told": {5: {"activations": ["softmin"]}}}, "'softmin'"),
    "several in a file of one": ({"format_": OF_ONE_NETWORK}, "hold together: 'sizes'"),
}


@pytest.mark.parametrize("case", LIES)
def test_a_file_of_several_networks_that_contradicts_itself_is_refused(case, tmp_path):
    lie, said = LIES[case]
    with pytest.raises(ValueError, match=said):
        mlp_jax.load_model(changed(tmp_path / "m", **({"told": {}} | lie)))


def test_a_file_packed_again_as_it_was_is_read(tmp_path):
    assert len(mlp_jax.load_model(changed(tmp_path / "m", told={})).networks) == 8


def test_an_array_that_a_file_may_be_without_is_read_where_it_is_there(tmp_path, monkeypatch):
    extra = model_file._Array(np.int32, optional=True)
    monkeypatch.setitem(model_file._ARRAYS, "extra", extra)
    assert mlp_jax.load_model(changed(tmp_path / "m", told={})).networks
    arrays = {"extra": np.zeros(3, np.int32)}
    assert mlp_jax.load_model(changed(tmp_path / "m", arrays=arrays, told={})).networks
    for wrong in (np.zeros(3), np.zeros(4, np.int32)):
        with pytest.raises(ValueError, match="does not hold together"):
            mlp_jax.load_model(changed(tmp_path / "m", arrays={"extra": wrong}, told={}))
