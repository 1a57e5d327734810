"""Every loss is its formula, and its output error is its derivative, also where formulas break."""

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mlp_jax
from mlp_jax import metrics
from mlp_jax.activations import ACTIVATIONS
from mlp_jax.dropout import dropout_masks
from mlp_jax.loss_rules import RULES, default_loss, quantiles_of
from mlp_jax.losses import LOSSES, Loss, is_named_loss
from mlp_jax.models import numpy_forward, prediction
from mlp_jax.network import Network
from tests.nets import LABELS, net_of_loss


def formula(name, Z, Y):
    """The textbook's loss of every example, from A = output(Z)."""
    E = np.exp(Z)
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "binary_cross_entropy": lambda: (
                -Y * np.log(E / (1 + E)) - (1 - Y) * np.log(1 / (1 + E))
            ),
            "softmax_cross_entropy": lambda: -Y * np.log(E / E.sum(0)),
            "squared_error": lambda: (Z - Y) ** 2 / 2,
            "absolute_error": lambda: abs(Z - Y),
            "huber": lambda: np.where(abs(Z - Y) < 1, (Z - Y) ** 2 / 2, abs(Z - Y) - 0.5),
            "huber(0.3)": lambda: np.where(
                abs(Z - Y) < 0.3, (Z - Y) ** 2 / 2, 0.3 * (abs(Z - Y) - 0.15)
            ),
            "poisson": lambda: E - Y * Z,
            "pinball(0.1, 0.5, 0.9)": lambda: np.maximum(
                np.array([[0.1], [0.5], [0.9]]) * (Y - Z),
                (np.array([[0.1], [0.5], [0.9]]) - 1) * (Y - Z),
            ),
        }[name]().sum(axis=0, keepdims=True)


def some(name, m=40, scale=2.0):
    outputs, labels = LABELS[name]
    rng = np.random.default_rng(1)
    return scale * rng.normal(size=(outputs, m)), labels(rng, m)


def test_all_names_of_the_design_are_there():
    assert set(LOSSES) == {name.split("(")[0] for name in LABELS} | {"huber", "pinball"}


@pytest.mark.parametrize("name", LABELS)
def test_L_is_the_formula(name):
    Z, Y = some(name)
    np.testing.assert_allclose(Network(loss=name).loss.L(Z, Y), formula(name, Z, Y), rtol=1e-12)


@pytest.mark.parametrize("name", LABELS)
def test_the_output_error_is_the_derivative_of_L(name):
    Z, Y = some(name)
    loss = Network(loss=name).loss
    autodiff = jax.grad(lambda Z: loss.L(Z, jnp.asarray(Y)).sum())(jnp.asarray(Z))
    np.testing.assert_allclose(loss.dL_dZ(Z, Y), autodiff, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", ["absolute_error", "pinball(0.1, 0.5, 0.9)", "huber"])
def test_at_a_equal_to_y_hand_and_autodiff_take_the_same_value(name):
    _, Y = some(name)
    loss = Network(loss=name).loss
    Z = jnp.broadcast_to(jnp.asarray(Y), (LABELS[name][0], Y.shape[1]))
    assert not loss.dL_dZ(Z, Y).any()
    assert not jax.grad(lambda Z: loss.L(Z, jnp.asarray(Y)).sum())(Z).any()


HIDDEN = ("relu", "tanh", "leaky_relu", "sigmoid", "elu", "softplus")
REST = tuple(name for name in ACTIVATIONS if name not in HIDDEN)


def slope(f, z, y):
    return np.asarray(jax.vmap(jax.grad(lambda z, y: f(z[None, None], y[None, None]).sum()))(z, y))


def test_the_papers_output_error_rises_by_s_of_z_s_of_minus_z_for_every_z():
    z = np.array([-700.0, -40, -1, -1e-12, 0.0, 1e-12, 1, 40, 700])
    for y in (0.0, 0.3, 1.0):
        ours = slope(LOSSES["binary_cross_entropy"].dL_dZ, z, np.full(9, y))
        np.testing.assert_allclose(ours, 0.25 / np.cosh(z / 2) ** 2, rtol=1e-14)


def test_huber_has_the_second_derivative_of_the_square_up_to_its_bend_and_none_beyond():
    z, y = np.array([-2, -0.5, -0.3, 0.0, 0.3, 0.5, 2]), np.zeros(7)
    loss = mlp_jax.huber(0.5)
    expected = [0, 1, 1, 1, 1, 1, 0]
    np.testing.assert_array_equal(slope(loss.dL_dZ, z, y), expected)
    by_autodiff = slope(lambda Z, Y: jax.grad(lambda Z: loss.L(Z, Y).sum())(Z), z, y)
    np.testing.assert_array_equal(by_autodiff, expected)


@pytest.mark.parametrize("activations", [HIDDEN, REST], ids=["six", "the other six"])
@pytest.mark.parametrize("name", LABELS)
def test_the_certificate_passes_with_weights_penalty_and_dropout(name, activations):
    # experiments/certificates.py tries every combination one by one; a layer for each activation
    # is the same in one compilation.
    widths = (6, 5, 6, 4, 5, 6)
    params, X, Y = net_of_loss(name, widths, m=7)
    certificate = mlp_jax.certify(
        params,
        X,
        Y,
        network=Network(activations, name),
        weights=np.array([[1, 2, 0, 1, 3, 1, 2]]),
        l2=0.1,
        masks=dropout_masks(3, params, 7, 0.3),
        entries=12,
    )
    assert certificate.passed, certificate
    for leaf in certificate.leaves:
        assert leaf.verdict == "right", certificate
        assert leaf.error_autodiff <= 1e-10
        assert leaf.error_differences <= 1e-6


def test_the_squared_error_of_several_outputs_is_not_scaled_by_their_number():
    # scikit-learn's own gradient is n_outputs times that of the loss it reports.
    params, X, Y = net_of_loss("squared_error", (5,), m=6)
    network = Network("tanh", "squared_error")
    (W1, b1), (W2, b2) = params
    A = np.tanh(W1.T @ X + b1)
    error = (W2.T @ A + b2 - Y) / 6
    grads = mlp_jax.gradient(params, X, Y, network=network)
    np.testing.assert_allclose(grads[1][0], A @ error.T, rtol=1e-12)
    tripled = lambda *a: jax.tree.map(  # noqa: E731
        lambda g: 3 * g, mlp_jax.gradient(*a, network=network)
    )
    assert not mlp_jax.certify(params, X, Y, network=network, gradient=tripled).passed


@pytest.mark.parametrize("z", [1e4, 80.0, 40.0])
def test_softmax_is_exact_however_sure(z):
    Z, Y = np.float32([[z], [0.0], [-z]]), np.float32([[1.0], [0.0], [0.0]])
    loss = LOSSES["softmax_cross_entropy"]
    small = np.exp(-np.float64(z)) + np.exp(-2 * np.float64(z))
    np.testing.assert_allclose(loss.L(Z, Y), [[small]], rtol=1e-5, atol=1e-45)
    error = np.asarray(loss.dL_dZ(Z, Y))
    exact = np.array([[-small], [np.exp(-np.float64(z))], [np.exp(-2 * np.float64(z))]])
    np.testing.assert_allclose(error, exact, rtol=2e-5, atol=2e-45)
    a = np.exp(Z - z) / np.exp(Z - z).sum()
    assert z < 80 or (a - Y)[0, 0] == 0  # the cancelling form has lost it all
    wrong = loss.L(Z, Y[::-1])
    np.testing.assert_allclose(wrong, [[2 * z]], rtol=1e-6)


def test_softmax_of_one_class_costs_nothing_and_of_ties_is_even():
    loss = LOSSES["softmax_cross_entropy"]
    assert not loss.L(np.ones((1, 3)), np.ones((1, 3))).any()
    assert not loss.dL_dZ(np.ones((1, 3)), np.ones((1, 3))).any()
    Z, Y = jnp.zeros((4, 1)), jnp.eye(4)[:, :1]
    np.testing.assert_allclose(loss.L(Z, Y), [[np.log(4)]])
    autodiff = jax.grad(lambda Z: loss.L(Z, Y)[0, 0])(Z)
    np.testing.assert_allclose(loss.dL_dZ(Z, Y), [[-0.75], [0.25], [0.25], [0.25]])
    np.testing.assert_allclose(autodiff, [[-0.75], [0.25], [0.25], [0.25]])


def test_softmax_of_two_classes_is_the_papers_network_of_their_difference():
    Z, Y = np.random.default_rng(0).normal(size=(2, 9)), np.eye(2)[:, [0, 1, 1, 0, 1, 0, 0, 1, 1]]
    two = LOSSES["softmax_cross_entropy"].L(Z, Y)
    one = LOSSES["binary_cross_entropy"].L(Z[1:] - Z[:1], Y[1:])
    np.testing.assert_allclose(two, one, rtol=1e-12)


def cauchy(Z, Y):
    return jnp.log1p((Z - Y) ** 2)


def test_a_loss_of_ones_own_is_certified_and_the_certificate_says_what_is_autodiffs():
    params, X, Y = net_of_loss("squared_error", (5,), m=6)
    loss = mlp_jax.own_loss(cauchy)
    assert loss == mlp_jax.own_loss(cauchy)
    certificate = mlp_jax.certify(params, X, Y, network=Network("tanh", loss))
    assert certificate.passed
    assert "dL/dZ of the loss 'cauchy' is autodiff's" in str(certificate)
    plain = mlp_jax.certify(params, X, Y, network=Network("tanh", "squared_error"))
    assert "autodiff's" not in str(plain)


def test_a_loss_of_ones_own_of_the_wrong_shape_is_refused():
    params, X, Y = net_of_loss("squared_error", (5,), m=6)
    loss = mlp_jax.own_loss(lambda Z, Y: jnp.sum((Z - Y) ** 2))
    with pytest.raises(ValueError, match=r"the loss returned shape \(\) for 6 examples"):
        mlp_jax.cost(params, X, Y, network=Network(loss=loss))


def growing(Z):  # jnp.exp itself cannot be pickled
    return jnp.exp(Z)


def gamma(Z, Y):
    return jnp.sum(Y * jnp.exp(-Z) + Z, axis=0, keepdims=True)


def error_of_gamma(Z, Y):
    return 1.0 - Y * jnp.exp(-Z)


@pytest.mark.parametrize("name", ["gamma", "squared_error", "huber(2)", "huber(x)"])
def test_a_loss_of_ones_own_with_its_derivative_is_not_taken_for_one_of_ours(name):
    params, X, _ = net_of_loss("squared_error", (5,), m=6)
    network = Network(loss=Loss(name, growing, gamma, error_of_gamma, (0.0, float("inf"))))
    assert not is_named_loss(network.loss)
    ours = prediction.outputs(params, X.T, network)
    np.testing.assert_allclose(ours, mlp_jax.forward(params, X, network=network).T, rtol=1e-12)
    assert pickle.loads(pickle.dumps(network)) == network


@pytest.mark.parametrize("name", LABELS)
def test_a_loss_of_ours_is_pickled_by_its_name(name):
    network = Network(loss=name)
    assert is_named_loss(network.loss)
    assert pickle.loads(pickle.dumps(network)) == network


def test_the_rules_have_every_loss_that_has_a_name():
    assert list(RULES) == list(LOSSES)
    for name, rules in RULES.items():
        loss = LOSSES[name]
        assert (loss.labels, loss.classes) == (rules.labels, rules.classes)
        assert (loss.exclusive, loss.counts) == (rules.exclusive, rules.counts)


# Of squared errors the average is told without the 1/2.
@pytest.mark.parametrize(
    ("name", "times"),
    [("binary_cross_entropy", 1.0), ("softmax_cross_entropy", 1.0), ("squared_error", 2.0)],
)
def test_an_average_of_one_network_is_lost_as_its_outputs_are(name, times):
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(3, 8))
    Y = np.eye(3)[:, rng.integers(0, 3, 8)]
    loss, of_averages = LOSSES[name], RULES[name].of_averages
    ours = of_averages(np.asarray(loss.output(Z)).T, Y.T)
    np.testing.assert_allclose(ours, times * np.asarray(loss.L(Z, Y))[0], rtol=1e-9)


@pytest.mark.parametrize(
    ("name", "quantiles"),
    [("pinball", ("0.5",)), ("pinball(0.1, 0.9)", ("0.1", "0.9")), ("huber(0.5)", ())],
)
def test_the_name_of_a_loss_says_its_quantiles(name, quantiles):
    assert quantiles_of(name) == quantiles


@pytest.mark.parametrize(
    ("classes", "loss"),
    [(None, "squared_error"), (2, "binary_cross_entropy"), (3, "softmax_cross_entropy")],
)
def test_a_table_without_a_loss_has_that_of_its_classes(classes, loss):
    assert default_loss(classes) == loss


def test_numpy_refuses_a_loss_that_it_does_not_know():
    with pytest.raises(ValueError, match="loss is 'gamma'; expected one of binary_cross_entropy"):
        numpy_forward.output_of("gamma")


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        ("squared", "expected one of binary_cross_entropy.*did you mean 'squared_error'"),
        ("huber(-1)", "delta is -1.0; expected a positive number"),
        ("pinball(2)", "expected numbers between 0 and 1"),
        ("huber(x)", "could not convert"),
        (7, "expected one of"),
    ],
)
def test_an_unknown_loss_is_refused(loss, said):
    with pytest.raises(ValueError, match=said):
        Network(loss=loss)


def test_pinball_needs_an_output_a_quantile():
    params, X, _ = net_of_loss("squared_error", (5,), m=6)
    with pytest.raises(ValueError, match="3 outputs and pinball 2 quantiles"):
        mlp_jax.cost(params, X, np.ones((1, 6)), network=Network(loss="pinball(0.1, 0.9)"))


# Of 90,000 examples, a third of them right.
METRICS = {
    "accuracy": (metrics.accuracy, 1 / 3),
    "accuracy_of_largest": (metrics.accuracy_of_largest, 1 / 3),
    "accuracy_of_all_labels": (metrics.accuracy_of_all_labels, 1 / 3),
    "coverage_error": (metrics.coverage_error((0.25,)), 1 / 3 - 0.25),
}


@pytest.mark.parametrize("weight", [None, 3.0], ids=["plain", "weights"])
@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16], ids=["float16", "bfloat16"])
@pytest.mark.parametrize("name", METRICS)
def test_a_metric_counts_in_float32_what_comes_in_16_bits(name, dtype, weight):
    metric, expected = METRICS[name]
    right = jnp.arange(90_000) % 3 == 0
    A, Y = jnp.where(right, 1.0, 0.0)[None], jnp.ones((1, 90_000))
    if name == "accuracy_of_largest":
        A, Y = jnp.concatenate([A, 1 - A]), jnp.concatenate([Y, 0 * Y])
    if name == "coverage_error":
        Y = 0.5 * Y
    weights = None if weight is None else jnp.full((1, 90_000), weight, dtype)
    value = metric(A.astype(dtype), Y.astype(dtype), weights)
    assert float(value) == pytest.approx(expected, rel=1e-5)


def test_r2_of_16_bits_squares_in_float32():
    # Labels of mean 400 and variance (200² + 2 · 100²) / 3; every fourth output is 300 too low.
    Y = jnp.where(jnp.arange(90_000) % 3 == 0, 600.0, 300.0)[None]
    A = Y - jnp.where(jnp.arange(90_000) % 4 == 0, 300.0, 0.0)[None]
    value = metrics.r2(A.astype(jnp.float16), Y.astype(jnp.float16))
    assert float(value) == pytest.approx(1 - 300**2 / 4 / 20_000, rel=1e-5)


@pytest.mark.parametrize("name", LABELS)
def test_an_integer_weight_is_as_many_copies(name):
    params, X, Y = net_of_loss(name, (5, 4), m=7)
    network, w = Network("silu", name), np.array([1, 2, 0, 1, 3, 1, 2])
    copies = mlp_jax.gradient(params, X.repeat(w, 1), Y.repeat(w, 1), network=network, l2=0.1)
    ours = mlp_jax.gradient(params, X, Y, network=network, l2=0.1, weights=w[None])
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(copies), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-14)


def test_products_in_bfloat16_leave_parameters_and_sums_in_float32():
    params, X, Y = net_of_loss("squared_error", (64, 64), m=32)
    params = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), params)
    exact = mlp_jax.gradient(params, X, Y, network=Network("tanh", "squared_error"))
    network = Network("tanh", "squared_error", "bfloat16")
    grads = mlp_jax.gradient(params, X, Y, network=network)
    for g, e in zip(jax.tree.leaves(grads), jax.tree.leaves(exact), strict=True):
        assert g.dtype == jnp.float32
        assert 1e-5 < abs(g - e).max() / abs(e).max() < 0.05
    products = str(jax.make_jaxpr(lambda: mlp_jax.cost(params, X, Y, network=network))())
    assert "bf16[64,4]" in products
    assert "preferred_element_type=float32" in products


def test_tf32_is_never_silent():
    params, X, Y = net_of_loss("squared_error", (5,), m=6)
    jaxpr = str(jax.make_jaxpr(lambda: mlp_jax.gradient(params, X, Y, network=Network()))())
    assert jaxpr.count("Precision.HIGHEST") >= jaxpr.count("dot_general") > 0


def test_a_loss_is_named_by_all_digits_of_its_number_and_is_one_however_many_there_are():
    first = mlp_jax.huber(0.123456789)
    for i in range(1, 200):
        mlp_jax.huber(i / 7)
    assert mlp_jax.Network(loss=first.name).loss == first
    assert mlp_jax.pinball(0.1, 0.9).name == "pinball(0.1, 0.9)"


def test_a_loss_is_one_however_its_number_is_typed():
    assert (
        mlp_jax.huber() == mlp_jax.huber(1) == mlp_jax.huber(delta=np.float64(1)) == LOSSES["huber"]
    )
    assert mlp_jax.huber(2) == mlp_jax.huber(delta=2.0) != mlp_jax.huber()
    assert mlp_jax.pinball() == mlp_jax.pinball(0.5) == mlp_jax.pinball(np.float64(0.5))
