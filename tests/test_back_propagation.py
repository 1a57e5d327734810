"""The gradient by hand: equal to autodiff where autodiff is right, and right where it is not."""

from functools import cache, partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax import export
from jax.flatten_util import ravel_pytree

import mlp_jax
from mlp_jax.activations import ACTIVATIONS
from mlp_jax.losses import LOSSES
from mlp_jax.products import Products
from tests.nets import LABELS, STEEP, backward, random_net

SHAPES = [
    ((5, 4, 3, 2, 1), 7),  # the paper's four layers, all widths different
    ((4, 4, 4, 4, 4), 4),  # all equal, m too: a forgotten transpose would fit
    ((3, 1), 5),  # no hidden layer
    ((1, 1, 1), 1),  # width one, one example
    ((6, 5, 2), 1),
    ((3, 4, 5), 6),
    ((2, *[3] * 11, 1), 8),  # twelve layers
    ((7, 64, 64, 1), 64),
]
IDS = [f"{'-'.join(map(str, sizes))} m={m}" for sizes, m in SHAPES]
autodiff = jax.grad(mlp_jax.cost)
gradient_of_cost = jax.jit(autodiff, static_argnames="network")


def relative(ours, theirs):
    """Largest difference of a leaf, relative to the leaf's largest entry."""
    pairs = zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True)
    return max(float(abs(a - b).max() / max(abs(b).max(), 1e-300)) for a, b in pairs)


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


# --- where autodiff, or the textbook form, is wrong -----------------------------------------------


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


# --- under the transformations of JAX -------------------------------------------------------------


def test_gradient_works_under_vmap_jit_and_grad():
    nets = [random_net(seed, (3, 4, 1), 5) for seed in range(3)]
    _, X, Y = nets[0]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *(params for params, _, _ in nets))
    together = jax.jit(jax.vmap(mlp_jax.gradient, in_axes=(0, None, None)))(stacked, X, Y)
    for i, (params, _, _) in enumerate(nets):
        alone = mlp_jax.gradient(params, X, Y)
        chex.assert_trees_all_close(jax.tree.map(lambda g: g[i], together), alone, rtol=1e-12)  # noqa: B023

    def norm(params):
        return sum(jnp.sum(g * g) for g in jax.tree.leaves(mlp_jax.gradient(params, X, Y)))

    second = jax.grad(norm)(nets[0][0])
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(second))


# Of the features, with biases of 0: every z is so small, or exactly 0.
SCALES = np.array([*10.0 ** -np.arange(0, 13, 2), 0.0])


@cache
def along_a_direction(gradient, network, dtype=np.float64):
    """The derivative of `gradient` along one direction of params and X, at all SCALES."""
    outputs, labels = LABELS[network.loss.name]
    params, X, _ = random_net(0, (3, 4, 2, outputs), 12)
    params = [(W, 0 * b) for W, b in params]
    if network.loss.classes:
        Y = labels(np.random.default_rng(1), 12)
    else:  # met exactly, and at huber's bends, where the features are 0
        rows = 1 if network.loss.outputs_of_label > 1 else outputs
        Y = np.resize([0, 1.0, -1, 0.3, -0.3, 2, 0], (rows, 12))
    Y = abs(Y) if network.loss.name == "poisson" else Y
    rng = np.random.default_rng(2)
    point = jax.tree.map(lambda x: jnp.asarray(x, dtype), (params, X))
    direction = jax.tree.map(lambda x: jnp.asarray(rng.normal(size=x.shape), dtype), point)

    @jax.jit
    @jax.vmap
    def derivative(scale):
        def at(params, X):
            return gradient(params, scale * X, Y, network=network)

        return jax.jvp(at, point, direction)[1]

    return derivative(jnp.asarray(SCALES, dtype))


def relative_at_every_scale(ours, theirs):
    differences = [
        relative(*jax.tree.map(lambda leaf: leaf[i], (ours, theirs)))  # noqa: B023
        for i in range(len(SCALES))
    ]
    return np.array(differences)


# Every loss, and every activation at least once: those of f(0) = 0 before the others, or the z of
# the layers above would not be small.
AGAIN = {
    "binary_cross_entropy": ("tanh", "gelu"),
    "softmax_cross_entropy": ("mish", "gelu_tanh"),
    "squared_error": ("gelu", "sigmoid"),
    "absolute_error": ("leaky_relu", "tanh"),
    "huber": ("silu", "selu"),
    "huber(0.3)": ("relu", "identity"),
    "poisson": ("elu", "softplus"),
    "pinball(0.1, 0.5, 0.9)": ("gelu_tanh", "silu"),
}


def test_every_loss_and_activation_is_differentiated_again():
    assert set(AGAIN) == set(LABELS)
    assert {name for pair in AGAIN.values() for name in pair} == set(ACTIVATIONS)


@pytest.mark.parametrize("loss", AGAIN)
def test_the_gradient_differentiated_again_is_that_of_autodiff_however_small_z(loss):
    network = mlp_jax.Network(AGAIN[loss], loss)
    by_hand = along_a_direction(mlp_jax.gradient, network)
    by_autodiff = along_a_direction(autodiff, network)
    np.testing.assert_array_less(relative_at_every_scale(by_hand, by_autodiff), 1e-13)


def test_in_float32_the_gradient_differentiated_again_has_the_digits_of_float32():
    network = mlp_jax.Network(AGAIN["binary_cross_entropy"])
    by_hand = along_a_direction(mlp_jax.gradient, network, np.float32)
    exact = along_a_direction(autodiff, network)
    np.testing.assert_array_less(relative_at_every_scale(by_hand, exact), 2e-6)


@pytest.mark.parametrize(
    ("activation", "loss"), [("gelu", "binary_cross_entropy"), ("tanh", "huber")]
)
def test_every_way_to_a_hessian_gives_the_same(activation, loss):
    outputs, labels = LABELS[loss]
    params, X, _ = random_net(0, (2, 2, outputs), 5)
    params, X = [(W, 0 * b) for W, b in params], X * (np.arange(5) > 1)  # examples with z = 0
    Y = labels(np.random.default_rng(0), 5) if loss != "huber" else np.resize([0.0, 1, 3], (2, 5))
    flat, unravel = ravel_pytree(params)
    network = mlp_jax.Network(activation, loss)

    def J(flat):
        return mlp_jax.cost(unravel(flat), X, Y, network=network)

    def grad(flat):
        return ravel_pytree(mlp_jax.gradient(unravel(flat), X, Y, network=network))[0]

    hessian, forwards, backwards = jax.jit(
        lambda flat: (jax.hessian(J)(flat), jax.jacfwd(grad)(flat), jax.jacrev(grad)(flat))
    )(flat)
    np.testing.assert_allclose(forwards, hessian, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(backwards, hessian, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(hessian, hessian.T, rtol=1e-11, atol=1e-14)


def test_a_network_passes_through_a_user_s_jit():
    params, X, Y = random_net(0, (3, 4, 1), 5)
    traced = jax.jit(lambda params, network: mlp_jax.cost(params, X, Y, network=network))
    network = mlp_jax.Network("tanh")
    expected = float(mlp_jax.cost(params, X, Y, network=network))
    assert float(traced(params, network)) == pytest.approx(expected, rel=1e-12)


def test_forward_is_exported_with_any_number_of_examples():
    params, X, _ = random_net(0, (3, 4, 1), 5)
    params = jax.tree.map(jnp.asarray, params)
    (m,) = export.symbolic_shape("m")
    exported = export.export(mlp_jax.forward)(params, jax.ShapeDtypeStruct((3, m), X.dtype))
    np.testing.assert_allclose(exported.call(params, X), mlp_jax.forward(params, X), rtol=1e-14)


def test_gradient_compiles_once_for_equal_shapes():
    params, X, Y = random_net(0, (3, 4, 1), 11)
    counted = jax.jit(chex.assert_max_traces(mlp_jax.gradient.__wrapped__, n=1))
    for seed in range(3):
        params, X, Y = random_net(seed, (3, 4, 1), 11)
        counted(params, X, Y, l2=float(seed))


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
