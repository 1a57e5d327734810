"""The certificate catches every planted fault, names its layer, and raises no false alarm."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mlp_jax
from tests.nets import FAULTS, backward, random_net

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
        assert all(leaf.verdict == "right" for leaf in certificate.leaves), certificate


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
        dV = (sigmoid_of(V.T @ np.maximum(Z, 0) + c) - Y) / X.shape[1]
        dZ = (V @ dV) * (Z >= 0)
        sums = [d.sum(1, keepdims=True) for d in (dZ, dV)]
        return [(X @ dZ.T, sums[0]), (np.maximum(Z, 0) @ dV.T, sums[1])]

    def sigmoid_of(z):
        return 1 / (1 + np.exp(-z))

    certificate = mlp_jax.certify(params, X, Y, gradient=one_at_zero)
    assert certificate.passed
    assert "kink" in {leaf.verdict for leaf in certificate.leaves}
    assert any(leaf.left_out for leaf in certificate.leaves)


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
