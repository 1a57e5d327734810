"""The certificate catches every planted fault, names its layer, and raises no false alarm."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mlp_jax
from tests.nets import FAULTS, backward, net_of_loss, random_net, sigmoid

SQUARE = (5, 5, 5, 5, 1)


def on_trial(fault, sizes=SQUARE, m=9, **choices):
    params, X, Y = random_net(3, sizes, m)
    trial = lambda params, X, Y: backward(params, X, Y, fault)  # noqa: E731
    return mlp_jax.certify(params, X, Y, gradient=trial, **choices)


def test_the_reference_without_a_fault_is_right():
    assert on_trial(None).passed


@pytest.mark.parametrize(("fault", "layer"), FAULTS.items(), ids=list(FAULTS))
def test_a_planted_fault_is_caught_and_its_layer_named(fault, layer):
    certificate = on_trial(fault)
    assert not certificate.passed
    assert certificate.layer == layer
    assert certificate.diagnosis.startswith(f"Wrong from layer {layer} down.")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("1/m missing", "9 times the true one; m = 9: 1/m is missing"),
        ("1/m twice", "1/9 of the true one"),
        ("sign turned", "the true one with its sign turned"),
        ("Jacobian in place of the gradient", "W[2]: the transpose of the true one"),
        ("bias gradient forgotten", "b[2]: all zeros"),
        ("bias averaged again", "while W[2] is right"),
        ("W after the update", "at the W before its update"),
    ],
)
def test_the_diagnosis_says_what_the_error_looks_like(fault, said):
    assert said in on_trial(fault).diagnosis


def test_the_worst_entry_is_named():
    leaf = on_trial("one entry off by 1 %").leaves[2]
    assert leaf.name == "W[2]"
    assert leaf.worst == (1, 2)
    assert leaf.by_hand == pytest.approx(1.01 * leaf.by_autodiff)
    assert leaf.by_differences == pytest.approx(leaf.by_autodiff, rel=1e-6)


def test_a_jacobian_of_another_shape_is_told_to_be_transposed():
    certificate = on_trial("Jacobian in place of the gradient", sizes=(5, 4, 3, 2, 1))
    assert certificate.layer == 2
    assert "the Jacobian in numerator layout: transpose it (3.2)" in certificate.diagnosis


def test_nan_is_wrong_and_becomes_null_in_json():
    params, X, Y = random_net(0, (3, 2, 1), 4)

    def trial(params, X, Y):
        grads = backward(params, X, Y)
        grads[0][0][1, 1] = np.nan
        return grads

    certificate = mlp_jax.certify(params, X, Y, gradient=trial)
    said = json.loads(certificate.to_json())
    assert said["layer"] == 1
    assert said["leaves"][0]["error_autodiff"] is None
    assert "nan at [1, 1]" in str(certificate)


def test_few_programs_are_compiled(compilations):
    params, X, Y = random_net(3, (7, 6, 5, 3, 1), 11)
    before = compilations()
    assert mlp_jax.certify(params, X, Y).passed
    # The gradient by hand and jax.grad's, the differences, and what rounding may do.
    assert compilations() - before == 4
    before = compilations()
    trial = lambda params, X, Y: backward(params, X, Y, "sign turned")  # noqa: E731
    assert mlp_jax.certify(params, X, Y, gradient=trial).layer is not None
    assert compilations() - before == 1  # which units are at a kink


def test_json_has_every_leaf():
    said = json.loads(on_trial(None).to_json())
    assert said["passed"]
    assert [leaf["name"] for leaf in said["leaves"]] == [
        f"{kind}[{layer}]" for layer in (1, 2, 3, 4) for kind in "Wb"
    ]


@pytest.mark.parametrize("sizes", [(4, 6, 3, 1), (3, 3, 3), (1, 1), (2, 1, 1, 1, 1, 1, 2)])
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "identity"])
@pytest.mark.parametrize("zeros", [False, True])
def test_no_false_alarm_on_random_networks(sizes, activation, zeros):
    for seed in range(12):
        params, X, Y = random_net(seed, sizes, 5, scale=[0.1, 1, 5][seed % 3], zeros=zeros)
        network = mlp_jax.Network(activation)
        certificate = mlp_jax.certify(params, X, Y, network=network, entries=16)
        assert certificate.passed, certificate
        # Where the outputs are sure of the label, the paper's a - y cannot be told from 0.
        verdicts = {leaf.verdict for leaf in certificate.leaves}
        assert verdicts <= {"right", "too small"}, certificate


def test_a_cost_that_bends_within_the_step_is_no_error():
    # Without biases, the example of zeros sits at the steepest point of every tanh: the cost there
    # turns some 1e6 times over and is flat again within the step of the differences.
    params, X, Y = random_net(0, (3, 4, 4, 4, 4, 4, 4, 1), 3, scale=30)
    params = [(W, 0 * b) for W, b in params]
    X[:, 0] = 0
    certificate = mlp_jax.certify(params, X, Y, network=mlp_jax.Network("tanh"))
    assert certificate.passed, certificate
    assert certificate.leaves[1].left_out == 4  # b[1]
    doubled = lambda *args: jax.tree.map(  # noqa: E731
        lambda g: 2 * g, mlp_jax.gradient(*args, network=mlp_jax.Network("tanh"))
    )
    certificate = mlp_jax.certify(params, X, Y, network=mlp_jax.Network("tanh"), gradient=doubled)
    assert certificate.leaves[1].verdict == "wrong"  # jax.grad still tells


def test_another_value_at_the_kink_is_not_an_error():
    params, X, Y = random_net(1, (4, 3, 1), 5, zeros=True)
    assert (params[0][0].T @ X[:, 0] == 0).all()

    def one_at_zero(params, X, Y):
        (W, b), (V, c) = params
        Z = W.T @ X + b
        dV = (sigmoid(V.T @ np.maximum(Z, 0) + c) - Y) / X.shape[1]
        dZ = (V @ dV) * (Z >= 0)
        sums = [d.sum(1, keepdims=True) for d in (dZ, dV)]
        return [(X @ dZ.T, sums[0]), (np.maximum(Z, 0) @ dV.T, sums[1])]

    certificate = mlp_jax.certify(params, X, Y, gradient=one_at_zero)
    assert certificate.passed
    assert "kink" in {leaf.verdict for leaf in certificate.leaves}
    assert any(leaf.left_out for leaf in certificate.leaves)


@pytest.mark.parametrize("slope", [1, 0.5])
def test_another_value_at_the_kink_hides_no_error_below_and_takes_no_blame_for_it(slope):
    # Without biases, the example of zeros has Z = 0 in all layers.
    params, X, Y = random_net(0, (4, 3, 3, 1), 5, zeros=True)

    def doubled_in_layer_1(params, X, Y):
        (W, b), (V, c), (U, d) = params
        Z1 = W.T @ X + b
        Z2 = V.T @ np.maximum(Z1, 0) + c
        dZ3 = (sigmoid(U.T @ np.maximum(Z2, 0) + d) - Y) / X.shape[1]
        dZ2 = (U @ dZ3) * np.where(Z2 == 0, slope, Z2 > 0)
        dZ1 = (V @ dZ2) * np.where(Z1 == 0, slope, Z1 > 0)
        inputs = (X, np.maximum(Z1, 0), np.maximum(Z2, 0))
        grads = [
            (A @ dZ.T, dZ.sum(1, keepdims=True))
            for A, dZ in zip(inputs, (dZ1, dZ2, dZ3), strict=True)
        ]
        return [(2 * grads[0][0], grads[0][1]), *grads[1:]]

    certificate = mlp_jax.certify(params, X, Y, gradient=doubled_in_layer_1)
    assert certificate.layer == 1
    assert "W[1]: 2 times the true one" in certificate.diagnosis
    assert "while b[1] is right" in certificate.diagnosis
    assert "kink" in {leaf.verdict for leaf in certificate.leaves}


@pytest.mark.parametrize("loss", ["absolute_error", "pinball"])
def test_another_value_at_the_kink_of_a_loss_is_not_an_error(loss):
    X, Y = np.ones((1, 2)), np.array([[0.0, 3.0]])
    params = [(np.zeros((1, 1)), np.zeros((1, 1)))]  # z = y in the first example
    size = {"absolute_error": 1, "pinball": 0.5}[loss]

    def trial(params, X, Y):
        ((W, b),) = params
        dZ = size * np.where(W.T @ X + b >= Y, 1.0, -1.0) / X.shape[1]
        return [(X @ dZ.T, dZ.sum(1, keepdims=True))]

    network = mlp_jax.Network(loss=loss)
    certificate = mlp_jax.certify(params, X, Y, network=network, gradient=trial)
    assert certificate.passed, certificate
    assert certificate.leaves[0].verdict == "kink"
    assert "it takes another slope" in certificate.diagnosis


def test_a_kink_of_a_loss_of_ones_own_is_seen_at_it_and_near_it():
    at = mlp_jax.Network(loss=mlp_jax.own_loss(lambda Z, Y: abs(Z - Y)))
    nothing = [(np.zeros((1, 1)), np.zeros((1, 1)))]
    certificate = mlp_jax.certify(nothing, np.ones((1, 1)), np.zeros((1, 1)), network=at)
    assert certificate.passed, certificate
    assert certificate.leaves[0].left_out == 1
    # One of 4,000 examples bends within the step, which is 15 times its distance from the bend.
    near = mlp_jax.Network(loss=mlp_jax.own_loss(lambda Z, Y: jnp.maximum(1 - Y * Z, 0)))
    X = np.full((1, 4000), 0.5)
    X[0, 0] = 1
    params = [(np.array([[1 - 2e-6]]), np.zeros((1, 1)))]
    certificate = mlp_jax.certify(params, X, np.ones_like(X), network=near)
    assert certificate.passed, certificate
    assert certificate.leaves[0].left_out == 1


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("z", [5.0, 15.0, 25.0, 40.0])
def test_the_paper_s_a_minus_y_is_right_on_a_batch_of_which_the_network_is_sure(z, dtype):
    params, X, Y = [(np.array([[z]]), np.zeros((1, 1)))], np.ones((1, 1)), np.ones((1, 1))

    def trial(params, X, Y, factor=1):
        ((W, b),) = params
        dZ = factor * (1 / (1 + np.exp(-(W.T @ X + b).astype(dtype))) - Y.astype(dtype))
        return [(X.astype(dtype) @ dZ.T, dZ.sum(1, keepdims=True))]

    certificate = mlp_jax.certify(params, X, Y, gradient=trial)
    assert certificate.passed, certificate
    told = z < (30 if dtype == np.float64 else 14)
    assert ("too small to tell from rounding" in certificate.diagnosis) == (not told)
    doubled = mlp_jax.certify(params, X, Y, gradient=lambda *args: trial(*args, factor=2))
    assert doubled.passed == (not told)


def test_a_gradient_is_right_where_that_of_jax_is_not_a_number():
    root = lambda Z: jnp.where(Z > 0, jnp.sqrt(Z), 0)  # noqa: E731
    slope = lambda Z: jnp.where(Z > 0, 0.5 / jnp.sqrt(jnp.where(Z > 0, Z, 1)), 0)  # noqa: E731
    network = mlp_jax.Network((root, slope))
    params, X, Y = random_net(0, (3, 4, 1), 6)
    certificate = mlp_jax.certify(params, X, Y, network=network)
    assert certificate.passed, certificate
    assert certificate.leaves[0].remark == "jax.grad is not finite here"
    assert certificate.leaves[0].error_differences < 1e-6

    def doubled(params, X, Y):
        grads = mlp_jax.gradient(params, X, Y, network=network)
        return jax.tree.map(lambda leaf: 2 * leaf, grads[:1]) + grads[1:]

    certificate = mlp_jax.certify(params, X, Y, network=network, gradient=doubled)
    assert certificate.layer == 1


def test_what_was_rounded_on_the_way_is_called_nothing_else():
    params, X, Y = random_net(3, SQUARE, 9)

    def trial(params, X, Y):
        grads = backward(params, X, Y)
        W, b = grads[-1]
        return [*grads[:-1], (W, b * (1 + 3e-8))]  # b[4] is 1 x 1

    diagnosis = mlp_jax.certify(params, X, Y, gradient=trial).diagnosis
    assert "as if rounded to float32 on the way" in diagnosis
    assert "transpose" not in diagnosis


def test_what_is_too_small_to_be_told_is_said():
    params = [(np.ones((1, 1)), np.zeros((1, 1)))] * 2
    network = mlp_jax.Network("tanh")
    certificate = mlp_jax.certify(params, np.full((1, 1), 20.0), np.zeros((1, 1)), network=network)
    assert certificate.diagnosis == (
        "Right wherever it can be told. W[1], b[1]: too small to tell from rounding."
    )


def test_a_cost_that_is_not_finite_is_refused():
    params, X, Y = net_of_loss("poisson", (3,), 4)
    params[-1][1][:] = 800
    with pytest.raises(ValueError, match="the cost is inf at these params"):
        mlp_jax.certify(params, X, Y, network=mlp_jax.Network(loss="poisson"))


def test_a_gradient_that_works_in_float32_is_right():
    params, X, Y = random_net(0, (4, 3, 1), 5)

    def trial(params, X, Y):
        return jax.tree.map(lambda g: g.astype(jnp.float32), mlp_jax.gradient(params, X, Y))

    certificate = mlp_jax.certify(params, X, Y, gradient=trial)
    assert certificate.passed
    assert certificate.leaves[0].remark == "in float32"


def test_a_missing_l2_term_is_named():
    certificate = on_trial(None, l2=0.3)
    assert certificate.layer == 4
    assert "the L2 term is missing" in certificate.diagnosis


def test_weights_and_l2_are_certified():
    params, X, Y = random_net(2, (4, 3, 2), 6)
    weights = np.array([[0.0, 1, 2, 3, 0.5, 1]])
    assert mlp_jax.certify(params, X, Y, weights=weights, l2=0.1).passed


def test_the_function_on_trial_cannot_spoil_the_arrays():
    params, X, Y = random_net(2, (4, 3, 1), 6)
    before = X.copy()

    def trial(params, X, Y):
        grads = backward(params, X, Y)
        for W, _ in params:
            W -= 1.0
        X[:] = 0
        return grads

    assert mlp_jax.certify(params, X, Y, gradient=trial).passed
    assert (before == X).all()


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        (None, "gradient returned a NoneType; expected 2 pairs"),
        ([1, 2, 3], "gradient returned a list of length 3; expected 2 pairs"),
        ([("a", "b"), ("c", "d")], "expected real numbers"),
    ],
)
def test_a_gradient_that_returns_no_pairs_is_refused(returned, said):
    params, X, Y = random_net(0, (3, 2, 1), 4)
    with pytest.raises(ValueError, match=said):
        mlp_jax.certify(params, X, Y, gradient=lambda params, X, Y: returned)


def test_input_that_is_not_finite_is_refused():
    params, X, Y = random_net(0, (3, 2, 1), 4)
    X[1, 1] = np.nan
    with pytest.raises(ValueError, match="X is not finite everywhere"):
        mlp_jax.certify(params, X, Y)
