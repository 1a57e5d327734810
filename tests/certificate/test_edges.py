"""The certificate where numbers are small, cancel, tie or have few digits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mlp_jax
from mlp_jax.losses import LOSSES
from tests.nets import random_net, sigmoid

TANH = np.tanh, lambda Z: 1 - np.tanh(Z) ** 2
SQUARED = mlp_jax.Network("tanh", "squared_error")


def student(error, hidden=TANH, dtype=np.float64, spoil=lambda grads: None):
    """A gradient as a textbook has it, computed in `dtype`; `spoil` changes it in place."""
    f, f_prime = hidden

    def gradient(params, X, Y):
        params = [(W.astype(dtype), b.astype(dtype)) for W, b in params]
        A, Z = [X.astype(dtype)], []
        for W, b in params:
            Z.append(W.T @ A[-1] + b)
            A.append(f(Z[-1]))
        dZ, grads = error(Z[-1], Y.astype(dtype)) / dtype(X.shape[1]), []
        for layer in reversed(range(len(params))):
            grads.insert(0, (A[layer] @ dZ.T, dZ.sum(1, keepdims=True)))
            if layer:
                dZ = (params[layer][0] @ dZ) * f_prime(Z[layer - 1])
        spoil(grads)
        return grads

    return gradient


def spoilt_by(change):
    """The library's gradient, changed in place as NumPy arrays."""

    def gradient(params, X, Y):
        grads = [tuple(map(np.array, pair)) for pair in mlp_jax.gradient(params, X, Y)]
        change(grads)
        return grads

    return gradient


def difference(Z, Y):
    return Z - Y


# --- Kinks: what lies on both sides is autodiff's of f and of L.


@pytest.mark.parametrize("zeros", ["example", "weights"])
def test_a_wrong_slope_of_ones_own_is_not_judged_by_itself_where_z_is_0(zeros):
    network = mlp_jax.Network((jnp.sin, lambda Z: 2 * jnp.cos(Z)), "squared_error")
    (params, X, _), Y = random_net(0, (3, 4, 1), 6, zeros=True), np.ones((1, 6))
    if zeros == "weights":
        params[0] = (0 * params[0][0], params[0][1])
    certificate = mlp_jax.certify(params, X, Y, network=network)
    assert certificate.layer == 1
    assert "W[1] and b[1]: 2 times the true one" in certificate.diagnosis


@pytest.mark.parametrize("at_tie", [0.0, 2.0])
def test_a_wrong_output_error_of_ones_own_is_not_judged_by_itself_at_a_tie(at_tie):
    def dL_dZ(Z, Y):
        return jnp.where(Z == Y, at_tie, 2 * jnp.sign(Z - Y))

    loss = LOSSES["absolute_error"]._replace(name="twice", dL_dZ=dL_dZ)
    params = [(np.zeros((1, 1)), np.zeros((1, 1)))]
    X, Y = np.ones((1, 3)), np.array([[0.0, 0.0, 1.0]])  # two ties
    certificate = mlp_jax.certify(params, X, Y, network=mlp_jax.Network(loss=loss))
    assert certificate.layer == 1


@pytest.mark.parametrize(("at_kink", "layer"), [(1.0, None), (0.0, None), (0.5, None), (2.0, 1)])
def test_a_kink_of_ones_own_activation_may_be_anywhere(at_kink, layer):
    # min(z, 1), whose z is exactly 1 in the first example.
    def slope(Z):
        return jnp.where(Z == 1, at_kink, (Z < 1) * 1.0)

    network = mlp_jax.Network((lambda Z: jnp.minimum(Z, 1), slope), "squared_error")
    params = [(np.ones((1, 1)), np.zeros((1, 1))), (np.ones((1, 1)), np.zeros((1, 1)))]
    X, Y = np.array([[1.0, 0.3, 2.0]]), np.array([[3.0, 0.7, 0.1]])
    assert mlp_jax.certify(params, X, Y, network=network).layer == layer


# --- Ties of a loss of one's own, which has no kink declared.


def distance(Z, Y):
    return abs(Z - Y)


def hinge(Z, Y):
    return jnp.maximum(1 - Z * Y, 0)


def margin(Z, Y):
    return jnp.max(Z + 1 - Y, axis=0) - jnp.sum(Y * Z, axis=0)


def four_ties(name):
    """(params, X, Y): four examples of zeros, and labels that make a tie of z = 0, or z = 1."""
    outputs = 3 if name == "margin" else 1
    params, X, Y = random_net(1, (3, 4, outputs), 9, zeros=True)
    X[:, :4] = 0
    if name == "hinge":
        params[-1] = (params[-1][0], np.ones((1, 1)))
        return params, X, np.ones((1, 9))
    if name == "margin":
        return params, X, np.eye(3)[:, np.arange(9) % 3]
    return params, X, np.where(np.arange(9) < 4, 0.0, 2 * Y - 1)


TIES = {  # loss, and dL/dZ with some value at its ties
    "distance, 1": (distance, lambda Z, Y: np.where(Z >= Y, 1.0, -1.0)),
    "distance, 0": (distance, lambda Z, Y: np.sign(Z - Y)),
    "distance, -1": (distance, lambda Z, Y: np.where(Z > Y, 1.0, -1.0)),
    "hinge": (hinge, lambda Z, Y: np.where(Z * Y < 1, -Y, 0)),
    "margin": (margin, lambda Z, Y: np.eye(3)[:, np.argmax(Z + 1 - Y, axis=0)] - Y),
}


@pytest.mark.parametrize("name", TIES)
def test_ties_of_a_loss_of_ones_own_are_no_error_and_hide_none(name):
    loss, error = TIES[name]
    params, X, Y = four_ties(loss.__name__)
    choices = {"network": mlp_jax.Network("tanh", mlp_jax.own_loss(loss))}
    certificate = mlp_jax.certify(params, X, Y, gradient=student(error), **choices)
    assert certificate.passed, certificate

    def a_thousandth_off(grads):
        grads[0][0][:] *= 1.001

    trial = student(error, spoil=a_thousandth_off)
    certificate = mlp_jax.certify(params, X, Y, gradient=trial, **choices)
    assert certificate.layer == 1
    assert "W[1]: 1.001 times the true one" in certificate.diagnosis
    assert "b[1] is right" in certificate.diagnosis


# --- Every entry is judged by its own size.


def of_small_features():
    params, X, Y = random_net(2, (6, 4, 1), 12)
    scales = np.array([1e-6, 1e-4, 1e-2, 1, 30, 1e3])[:, None]
    params[0] = (params[0][0] / scales, params[0][1])
    return params, scales * X, Y


def row_zero(grads):
    grads[0][0][1] = 0


def row_turned(grads):
    grads[0][0][0] *= -1


def one_entry_doubled(grads):
    grads[0][0][0, np.argmax(abs(grads[0][0][0]))] *= 2


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (row_zero, "zeros in row 1"),
        (row_turned, "the true one with its sign turned in row 0"),
        (one_entry_doubled, "off at [0, "),
    ],
)
def test_an_error_in_the_row_of_a_small_feature_is_seen(fault, said, dtype):
    def spoilt(grads):
        fault(grads)
        grads[:] = [(W.astype(dtype), b.astype(dtype)) for W, b in grads]

    certificate = mlp_jax.certify(*of_small_features(), gradient=spoilt_by(spoilt))
    assert certificate.layer == 1
    assert f"W[1]: {said}" in certificate.diagnosis


def test_small_features_are_no_error_in_float32():
    hidden = lambda Z: np.maximum(Z, 0), lambda Z: (Z > 0).astype(Z.dtype)
    trial = student(lambda Z, Y: (sigmoid(Z) - Y).astype(np.float32), hidden, np.float32)
    certificate = mlp_jax.certify(*of_small_features(), gradient=trial)
    assert [leaf.verdict for leaf in certificate.leaves] == ["right"] * 4, certificate


# --- Regressions: a - y has no more digits than a and y.


@pytest.mark.parametrize("steps", [60, 100, 150, 200])
def test_a_regression_that_has_nearly_converged_is_no_error(steps):
    x = np.linspace(-1, 1, 10)[None]
    params, textbook = [(np.zeros((1, 1)), np.zeros((1, 1)))], student(difference)
    for _ in range(steps):
        grads = textbook(params, x, 2 * x + 1)
        params = [(params[0][0] - 0.5 * grads[0][0], params[0][1] - 0.5 * grads[0][1])]
    network = mlp_jax.Network(loss="squared_error")
    certificate = mlp_jax.certify(params, x, 2 * x + 1, network=network, gradient=textbook)
    assert certificate.passed, certificate
    assert ("Nothing can be told." in certificate.diagnosis) == (steps >= 150)


@pytest.mark.parametrize(("mean", "spread"), [(100, 1), (2000, 10), (1e6, 100)])
@pytest.mark.parametrize("loss", ["squared_error", "huber(5)"])
def test_targets_far_from_0_are_no_error_in_float32(mean, spread, loss):
    params, X, _ = random_net(4, (3, 4, 1), 20)
    params[-1] = (spread / 4 * params[-1][0], params[-1][1] + mean)
    Y = mean + spread * np.random.default_rng(0).normal(size=(1, 20))
    error = difference if loss == "squared_error" else lambda Z, Y: np.clip(Z - Y, -5, 5)
    network = mlp_jax.Network("tanh", loss)
    trial = student(error, dtype=np.float32)
    certificate = mlp_jax.certify(params, X, Y, network=network, gradient=trial)
    assert certificate.passed, certificate

    def doubled(grads):
        grads[1][0][:] *= 2

    trial = student(error, dtype=np.float32, spoil=doubled)
    certificate = mlp_jax.certify(params, X, Y, network=network, gradient=trial)
    assert certificate.layer == 2
    assert "W[2]: 2 times the true one" in certificate.diagnosis


# --- What is no evidence is not called right.


def saturated():
    """(params, X, Y): layer 1 of two hidden layers has gradients of 1e-16 and less."""
    params = [(np.ones((1, 1)), np.zeros((1, 1)))] * 2
    return params, np.full((1, 1), 20.0), np.zeros((1, 1))


def test_a_leaf_too_small_to_be_told_is_no_evidence():
    def wrong(grads):
        grads[0][0][:] = 0.37

    params, X, Y = saturated()
    certificate = mlp_jax.certify(
        params, X, Y, network=SQUARED, gradient=student(difference, spoil=wrong)
    )
    assert [leaf.verdict for leaf in certificate.leaves] == ["wrong", "too small", "right", "right"]
    assert "while b[1] is too small to tell from rounding" in certificate.diagnosis
    assert "or dJ/dZ[1], from which both are made" in certificate.diagnosis


def test_an_error_below_leaves_too_small_to_be_told_may_have_begun_there():
    # b[2] is 40: the output is sure of the label, and a - y is 0 in float64.
    params, X = [(np.ones((1, 1)), np.zeros((1, 1)))] * 2, np.ones((1, 2))
    params[1] = (params[1][0], np.full((1, 1), 40.0))

    def wrong(grads):
        grads[0][0][:] = 0.37

    certificate = mlp_jax.certify(params, X, np.ones((1, 2)), gradient=spoilt_by(wrong))
    assert certificate.layer == 1
    assert "W[2], b[2] cannot be told: the error may begin there." in certificate.diagnosis


def test_a_leaf_of_one_entry_is_no_multiple_by_accident():
    params, X, Y = random_net(5, (3, 4, 1), 8)

    def moved(grads):
        grads[1][1][:] += 0.37

    certificate = mlp_jax.certify(params, X, Y, gradient=spoilt_by(moved))
    assert "b[2]: off at [0, 0], while W[2] is right" in certificate.diagnosis


@pytest.mark.parametrize("sizes", [(3, 4, 1), (1, 1, 1)])
def test_a_leaf_of_one_entry_is_a_multiple_if_the_other_of_its_layer_is(sizes):
    params, X, Y = random_net(5, sizes, 8)

    def thrice(grads):
        for leaf in grads[1]:
            leaf *= 3

    certificate = mlp_jax.certify(params, X, Y, gradient=spoilt_by(thrice))
    assert "W[2] and b[2]: 3 times the true one" in certificate.diagnosis


def test_a_row_of_one_entry_that_is_not_0_is_no_multiple_by_accident():
    params, X, Y = random_net(5, (3, 4, 1), 8)
    params[1][0][1:] = 0  # so that dJ/dW[1] is 0 but for its first column
    X[1:] = 0  # and its first row

    def moved(grads):
        grads[0][0][0, 0] *= 0.3

    certificate = mlp_jax.certify(params, X, Y, gradient=spoilt_by(moved))
    assert certificate.diagnosis.startswith("Wrong from layer 1 down. W[1]: off at [0, 0], while")


@pytest.mark.parametrize(("entries", "verdict"), [(60, "right"), (20, "untold")])
def test_entries_that_nothing_was_compared_with_are_not_right(entries, verdict):
    def root(Z):
        return jnp.where(Z > 0, jnp.sqrt(Z), 0)  # whose autodiff is NaN where z < 0

    def slope(Z):
        return jnp.where(Z > 0, 0.5 / jnp.sqrt(jnp.where(Z > 0, Z, 1)), 0)

    params, X, Y = random_net(0, (10, 6, 1), 6)
    network = mlp_jax.Network((root, slope))
    certificate = mlp_jax.certify(params, X, Y, network=network, entries=entries)
    assert certificate.leaves[0].verdict == verdict
    assert certificate.passed == (verdict == "right")
    assert certificate.layer is None
    if verdict == "untold":
        assert certificate.diagnosis.startswith("Nothing wrong was found, but not all was judged.")
        assert "entries=60 takes one of all" in certificate.diagnosis


@pytest.mark.parametrize("dtype", [np.float16, jnp.bfloat16, np.float32, np.longdouble])
def test_a_gradient_is_held_to_the_tolerance_of_its_dtype(dtype):
    params, X, Y = random_net(6, (4, 5, 2), 8)

    def rounded(factor):
        def change(grads):
            grads[0] = (factor * grads[0][0], grads[0][1])
            grads[:] = [(W.astype(dtype), b.astype(dtype)) for W, b in grads]

        return spoilt_by(change)

    assert mlp_jax.certify(params, X, Y, gradient=rounded(1)).passed
    certificate = mlp_jax.certify(params, X, Y, gradient=rounded(2))
    assert certificate.layer == 1
    assert "b[1] is right" in certificate.diagnosis


def test_a_gradient_in_float16_may_underflow():
    params, X, Y = random_net(6, (4, 5, 2), 8, scale=0.02)
    trial = jax.tree_util.Partial(
        lambda *args: jax.tree.map(lambda g: g.astype(np.float16), mlp_jax.gradient(*args))
    )
    X = 1e-4 * X  # dJ/dW[1] is of 1e-7, a few of float16's smallest numbers
    certificate = mlp_jax.certify(params, X, Y, gradient=trial)
    assert certificate.passed, certificate
    assert certificate.leaves[0].verdict == "too small"


# --- Saturated softmax: jax.grad of what is sure has its digits, and a - y of a textbook has not.


def sure(steepness):
    """(params, X, Y) of three classes that one layer tells apart, the surer the steeper."""
    rng = np.random.default_rng(0)
    X, classes = rng.normal(size=(4, 64)), rng.integers(0, 3, 64)
    X[:3] += 8 * np.eye(3)[classes].T
    W = np.zeros((4, 3))
    W[:3] = steepness * np.eye(3)
    return [(W, np.zeros((3, 1)))], X, np.eye(3)[classes].T


def minus_labels(Z, Y):
    """a - y, of a softmax as it stands in textbooks."""
    E = np.exp(Z - Z.max(axis=0))
    return E / E.sum(axis=0) - Y


@pytest.mark.parametrize("steepness", [1, 4, 8, 16])
def test_no_right_gradient_of_a_sure_softmax_is_accused(steepness):
    params, X, Y = sure(steepness)
    network = mlp_jax.Network(loss="softmax_cross_entropy")
    of_textbooks = student(minus_labels)
    for gradient in ({}, {"gradient": of_textbooks}):
        certificate = mlp_jax.certify(params, X, Y, network=network, **gradient)
        assert certificate.layer is None, certificate.diagnosis
    by_hand = mlp_jax.gradient(params, X, Y, network=network)
    by_autodiff = jax.grad(lambda params: mlp_jax.cost(params, X, Y, network=network))(params)
    for hand, auto in zip(jax.tree.leaves(by_hand), jax.tree.leaves(by_autodiff), strict=True):
        np.testing.assert_allclose(hand, auto, rtol=1e-12)  # also where it is 1e-33


def test_a_wrong_gradient_of_a_sure_softmax_is_accused():
    params, X, Y = sure(2)

    def wrong(grads):
        grads[0][0][0] *= 1.001

    certificate = mlp_jax.certify(
        *(params, X, Y),
        network=mlp_jax.Network(loss="softmax_cross_entropy"),
        gradient=student(minus_labels, spoil=wrong),
    )
    assert certificate.layer == 1
