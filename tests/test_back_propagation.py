"""The gradient by hand is the gradient: against autodiff, differences and a reference in NumPy."""

from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import mlp_jax
from mlp_jax.activations import ACTIVATIONS
from mlp_jax.losses import LOSSES
from mlp_jax.products import Products
from tests.nets import STEEP, backward, random_net
from tests.shapes import IDS, SHAPES, autodiff, relative

gradient_of_cost = jax.jit(autodiff, static_argnames="network")


@pytest.mark.parametrize(("sizes", "m"), SHAPES, ids=IDS)
@pytest.mark.parametrize("activation", ["relu", "sigmoid", "identity"])
def test_gradient_equals_jax_grad(sizes, m, activation):
    params, X, Y = random_net(0, sizes, m)
    network = mlp_jax.Network(activation)
    by_hand = mlp_jax.gradient(params, X, Y, network=network)
    by_autodiff = gradient_of_cost(params, X, Y, network=network)
    chex.assert_trees_all_equal_structs(by_hand, by_autodiff)
    assert relative(by_hand, by_autodiff) <= 1e-12


def test_gradient_equals_jax_grad_with_weights_and_l2():
    params, X, Y = random_net(1, (5, 4, 2), 7)
    choices = {"weights": np.arange(7.0)[None], "l2": 0.3}
    by_hand = mlp_jax.gradient(params, X, Y, **choices)
    by_autodiff = jax.grad(mlp_jax.cost)(params, X, Y, **choices)
    chex.assert_trees_all_close(by_hand, by_autodiff, rtol=1e-12, atol=1e-14)


def test_two_paths_were_compared():
    params, X, Y = random_net(0, (7, 64, 64, 1), 64)
    by_hand, by_autodiff = mlp_jax.gradient(params, X, Y), gradient_of_cost(params, X, Y)
    assert relative(by_hand, by_autodiff) > 0


def test_gradient_equals_the_numpy_reference():
    params, X, Y = random_net(4, (5, 4, 3, 2, 1), 7)
    chex.assert_trees_all_close(
        mlp_jax.gradient(params, X, Y), backward(params, X, Y), rtol=1e-11, atol=1e-14
    )


def test_cost_and_gradient_are_cost_and_gradient():
    params, X, Y = random_net(4, (5, 4, 1), 7)
    J, grads = mlp_jax.cost_and_gradient(params, X, Y, l2=0.1)
    assert float(J) == pytest.approx(float(mlp_jax.cost(params, X, Y, l2=0.1)), rel=1e-14)
    chex.assert_trees_all_close(grads, mlp_jax.gradient(params, X, Y, l2=0.1), rtol=1e-14)


def test_gradient_comes_in_the_containers_of_params():
    params, X, Y = random_net(0, (3, 2, 1), 4)
    chex.assert_trees_all_equal_structs(mlp_jax.gradient(params, X, Y), params)
    lists = [list(pair) for pair in params]
    chex.assert_trees_all_equal_structs(mlp_jax.gradient(lists, X, Y), lists)


@pytest.mark.parametrize("z", [-1e4, -100.0, -30.0, -1.0, 0.0, 1.0, 30.0, 100.0, 1e4])
@pytest.mark.parametrize("y", [0.0, 1.0])
def test_cost_and_gradient_are_exact_in_float32_however_saturated(z, y):
    # One input of 1, W = z: Z = z. In exact arithmetic L = log(1 + e^-z) for y = 1.
    side = -z if y else z
    L = np.logaddexp(0.0, side)
    dL_dz = (1 if not y else -1) * np.exp(side - L)
    params = [(jnp.full((1, 1), z, jnp.float32), jnp.zeros((1, 1), jnp.float32))]
    X, Y = jnp.ones((1, 1), jnp.float32), jnp.full((1, 1), y, jnp.float32)
    J, [(dW, db)] = mlp_jax.cost_and_gradient(params, X, Y)
    smallest = np.finfo(np.float32).tiny  # subnormal results may be flushed to 0 (errata 37)
    np.testing.assert_allclose(J, L, rtol=1e-6, atol=smallest)
    np.testing.assert_allclose(dW, [[dL_dz]], rtol=1e-6, atol=smallest)
    np.testing.assert_allclose(db, [[dL_dz]], rtol=1e-6, atol=smallest)


@pytest.mark.parametrize("z", [10.0, 30.0, 36.0, 40.0])
def test_output_error_is_more_accurate_than_a_minus_y(z):
    # Errata 32: at y = 1 the truth is -e^-z / (1 + e^-z); a - y has lost most of it.
    truth = -np.exp(-z) / (1 + np.exp(-z))
    ours = float(LOSSES["binary_cross_entropy"].dL_dZ(jnp.array([[z]]), jnp.ones((1, 1)))[0, 0])
    a_minus_y = 1 / (1 + np.exp(-z)) - 1
    assert abs(ours / truth - 1) < 1e-14
    assert abs(a_minus_y / truth - 1) > 100 * abs(ours / truth - 1)


def test_gradient_at_z_0_is_right_where_autodiff_of_the_stable_textbook_form_is_not():
    # Errata 33: max(z, 0) - y z + log1p(e^-|z|) at z = 0 and y = 1 has slope -1/2.
    def textbook(z):
        return jnp.maximum(z, 0.0) - z + jnp.log1p(jnp.exp(-jnp.abs(z)))

    params = [(jnp.zeros((1, 1)), jnp.zeros((1, 1)))]
    [(_, db)] = mlp_jax.gradient(params, jnp.ones((1, 1)), jnp.ones((1, 1)))
    assert float(db[0, 0]) == -0.5
    assert abs(float(jax.grad(textbook)(0.0)) - -0.5) >= 0.5
    ours = jax.grad(mlp_jax.cost)(params, jnp.ones((1, 1)), jnp.ones((1, 1)))
    assert float(ours[0][1][0, 0]) == -0.5


def test_a_penalty_left_out_costs_nothing():
    params, X, Y = random_net(0, (6, 5, 4, 1), 7)
    parameters = 6 * 5 + 5 * 4 + 4

    def flops(function, **choices):
        return function.lower(params, X, Y, **choices).compile().cost_analysis()["flops"]

    without = flops(mlp_jax.gradient)
    assert flops(mlp_jax.gradient, l2=0.1) >= without + 2 * parameters
    fit = jax.jit(partial(mlp_jax.fit, optimizer=optax.sgd(0.1), epochs=1))
    assert flops(fit, l2=0.1) >= flops(fit) + 2 * parameters


def test_tanh_gradient_is_more_accurate_than_autodiff_when_saturated():
    # Errata 35. One unit at z: dJ/db[1] = (s(v tanh z) - y) v sech(z)^2, to 1e-16 by long division.
    z, v = 13.0, 0.7
    params = [(jnp.full((1, 1), z), jnp.zeros((1, 1))), (jnp.full((1, 1), v), jnp.zeros((1, 1)))]
    X, Y = jnp.ones((1, 1)), jnp.zeros((1, 1))
    a = np.tanh(z)
    truth = v / (1 + np.exp(-v * a)) * 4 * np.exp(-2 * z) / (1 + np.exp(-2 * z)) ** 2
    network = mlp_jax.Network("tanh")
    ours = float(mlp_jax.gradient(params, X, Y, network=network)[0][1][0, 0])
    other = float(gradient_of_cost(params, X, Y, network=network)[0][1][0, 0])
    assert abs(ours / truth - 1) < 1e-13
    assert abs(other / truth - 1) > 1e-6


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_an_activation_and_its_derivative_agree_with_finite_differences(activation):
    chosen = ACTIVATIONS[activation]
    Z = np.linspace(-4, 4, 33)[None] + 0.01
    h = 1e-6
    slope = (chosen.f(jnp.asarray(Z + h)) - chosen.f(jnp.asarray(Z - h))) / (2 * h)
    np.testing.assert_allclose(chosen.derivative(Z, chosen.f(Z)), slope, rtol=1e-8, atol=1e-9)
    assert chosen.zero_at_zero == (float(chosen.f(jnp.array(0.0))) == 0)


def test_dead_relus_give_exactly_zero_below():
    params, X, Y = random_net(0, (3, 4, 1), 5)
    params[0] = (params[0][0] * 0, params[0][1] * 0 - 1.0)
    grads = mlp_jax.gradient(params, X, Y)
    assert (grads[0][0] == 0).all()
    assert (grads[0][1] == 0).all()
    assert (grads[1][0] == 0).all()
    assert grads[1][1] != 0


def test_all_zero_parameters_leave_only_the_last_bias_a_gradient():
    params = [(np.zeros((3, 2)), np.zeros((2, 1))), (np.zeros((2, 1)), np.zeros((1, 1)))]
    (dW1, db1), (dW2, db2) = mlp_jax.gradient(params, np.ones((3, 4)), np.ones((1, 4)))
    assert not dW1.any()
    assert not db1.any()
    assert not dW2.any()
    assert float(db2[0, 0]) == -0.5


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_labels_of_one_kind_agree_with_autodiff(label):
    params, X, Y = random_net(0, (5, 4, 3, 1), 6)
    Y = np.full_like(Y, label)
    assert relative(mlp_jax.gradient(params, X, Y), gradient_of_cost(params, X, Y)) <= 1e-12


def test_no_square_of_the_examples_is_formed():
    # 1,000 examples: an (m, m) diagonal alone would be 8 MB; activations are 0.2 MB.
    params, X, Y = random_net(0, (5, 4, 3, 1), 1000)
    memory = mlp_jax.gradient.lower(params, X, Y).compile().memory_analysis()
    assert memory.temp_size_in_bytes < 1_000_000


def test_an_example_of_weight_w_counts_as_w_copies():
    params, X, Y = random_net(5, (4, 3, 1), 5)
    counts = np.array([1, 3, 0, 2, 1])
    weighted = mlp_jax.gradient(params, X, Y, weights=counts[None].astype(float))
    copied = mlp_jax.gradient(params, np.repeat(X, counts, 1), np.repeat(Y, counts, 1))
    chex.assert_trees_all_close(weighted, copied, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("weight", [None, 3.0], ids=["plain", "weights"])
@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16], ids=["float16", "bfloat16"])
def test_params_of_16_bits_have_the_gradient_of_float32_however_many_examples(dtype, weight):
    # 70,000 are infinitely many in float16, in bfloat16 70,144. Of zero params the gradient is
    # X (1/2 - Y)ᵀ / m.
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(2, 70_000)), rng.random((1, 70_000)) < 0.9
    weights = None if weight is None else np.full((1, 70_000), weight, np.float32)
    params = [(jnp.zeros((2, 1), dtype), jnp.zeros((1, 1), dtype))]
    J, [(dW, db)] = mlp_jax.cost_and_gradient(params, X, Y, weights=weights)
    by_autodiff = gradient_of_cost(params, X, Y, weights=weights)
    for grads in ([(dW, db)], by_autodiff):
        assert grads[0][0].dtype == grads[0][1].dtype == dtype
        half_a_unit = jnp.finfo(dtype).eps  # the gradient is rounded once, at its end
        np.testing.assert_allclose(grads[0][0], X @ (0.5 - Y).T / 70_000, rtol=half_a_unit)
        np.testing.assert_allclose(grads[0][1], [[0.5 - Y.mean()]], rtol=half_a_unit)
    assert J.dtype == np.float32
    assert float(J) == pytest.approx(np.log(2), rel=1e-6)


@pytest.mark.parametrize(
    ("activation", "loss", "entry"),
    [
        ("relu", "squared_error", 1e200),  # L is infinite
        ("identity", "poisson", -1e4),  # and dL/dZ
        ((jnp.square, lambda Z: 2.0 * Z), "squared_error", 1e200),  # and A
        (STEEP["root"], "squared_error", 0.0),  # f' is infinite
        (STEEP["logarithm"], "squared_error", 0.0),  # A is NaN
    ],
)
def test_an_example_of_weight_0_does_not_count_whatever_its_numbers(activation, loss, entry):
    params, X, Y = random_net(5, (4, 3, 1), 6, zeros=True)
    X = X + 0.1
    X[:, 0] = entry
    network = mlp_jax.Network(activation, loss)
    weights = np.array([[0.0, 1.0, 2.0, 1.0, 1.0, 1.0]])
    J, grads = mlp_jax.cost_and_gradient(params, X, Y, weights=weights, network=network)
    expected = mlp_jax.cost_and_gradient(
        params, X[:, 1:], Y[:, 1:], weights=weights[:, 1:], network=network
    )
    assert np.isfinite(J)
    chex.assert_trees_all_close((J, grads), expected, rtol=1e-12)
    by_autodiff = gradient_of_cost(params, X, Y, weights=weights, network=network)
    chex.assert_trees_all_close(by_autodiff, grads, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("activation", STEEP.values(), ids=STEEP)
def test_a_dropped_unit_gets_nothing_back_whatever_its_derivative(activation):
    params, X, Y = random_net(5, (4, 3, 1), 6)
    masks = (np.array([[0.0], [2.0], [2.0]]) * np.ones(6),)
    network = mlp_jax.Network(activation)
    expected = mlp_jax.gradient(params, X, Y, masks=masks, network=network)
    params[0][0][:, 0], params[0][1][0] = 0.0, 0.0  # the dropped unit is at 0, as padding is
    for gradient in (mlp_jax.gradient, gradient_of_cost):
        grads = gradient(params, X, Y, masks=masks, network=network)
        chex.assert_trees_all_close(grads, expected, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("activation", ["relu", ("tanh", "gelu")])
@pytest.mark.parametrize("extra", ["nothing", "weights, l2 and masks"])
def test_examples_as_rows_in_memory_change_no_number(activation, extra):
    params, X, Y = random_net(0, (130, 128, 9, 3), 40)
    network, by_rows = (
        mlp_jax.Network(activation, "softmax_cross_entropy", Products(rows=rows))
        for rows in (False, True)
    )
    Y = jnp.eye(3)[:, jnp.arange(40) % 3]
    choices = {}
    if extra != "nothing":
        masks = mlp_jax.dropout_masks(jax.random.key(0), params, 40, 0.3)
        choices = {"weights": jnp.arange(1.0, 41.0)[None], "l2": 0.1, "masks": masks}
    columns = mlp_jax.cost_and_gradient(params, X, Y, network=network, **choices)
    rows = mlp_jax.cost_and_gradient(params, X, Y, network=by_rows, **choices)
    assert relative(rows, columns) < 1e-13
    theirs = gradient_of_cost(params, X, Y, network=by_rows, **choices)
    assert relative(rows[1], theirs) < 1e-12
