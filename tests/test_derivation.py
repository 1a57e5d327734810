"""Every equation of the paper: its shape in numerator layout, and the same numbers as autodiff."""

import re
from pathlib import Path

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mlp_jax
from mlp_jax import derivation as d
from tests.nets import random_net

SIZES, M = (5, 4, 3, 2, 1), 7
SQUARE, M_SQUARE = (4, 4, 4, 4, 1), 4


@pytest.fixture(params=[(SIZES, M), (SQUARE, M_SQUARE)], ids=["different", "square"])
def net(request):
    sizes, m = request.param
    params, X, Y = random_net(0, sizes, m)
    Z, A = [], [X]
    for W, b in params:
        Z.append(W.T @ A[-1] + b)
        A.append(np.maximum(Z[-1], 0))
    A[-1] = np.asarray(jax.nn.sigmoid(Z[-1]))
    return params, [jnp.asarray(z) for z in Z], [jnp.asarray(a) for a in A], jnp.asarray(Y)


def test_the_losses_and_J_of_section_2(net):
    params, _, A, Y = net
    J = d.J_of_L(d.L_of_a(A[4], Y))
    assert J.shape == (1, 1)
    assert float(J[0, 0]) == pytest.approx(float(mlp_jax.cost(params, A[0], Y)), rel=1e-13)


def test_3_1_1_dJ_dLT(net):
    *_, Y = net
    L = jnp.ones_like(Y)
    jacobian = jax.jacobian(lambda L: d.J_of_L(L)[0, 0])(L)
    chex.assert_trees_all_close(d.dJ_dLT(L.shape[1]), jacobian, rtol=1e-14)


def test_3_1_2_the_kronecker_expansion_is_the_jacobian(net):
    *_, A, Y = net
    jacobian = jax.jacobian(lambda a: d.L_of_a(a, Y)[0])(A[4])[:, 0]
    chex.assert_trees_all_close(d.dLT_daT(A[4], Y), jacobian, rtol=1e-10, atol=1e-12)


def test_3_1_2_dJ_daT(net):
    *_, A, Y = net
    m = Y.shape[1]
    jacobian = jax.jacobian(lambda a: d.J_of_L(d.L_of_a(a, Y))[0, 0])(A[4])
    ours = d.dJ_daT(d.dJ_dLT(m), d.dLT_daT(A[4], Y))
    chex.assert_shape(ours, (1, m))
    chex.assert_trees_all_close(ours, jacobian, rtol=1e-10)
    chex.assert_trees_all_close(ours, d.dL_da(A[4], Y) / m, rtol=1e-13)


def test_3_1_3_the_hadamard_rewrite_is_the_product(net):
    _, Z, A, Y = net
    to_a = d.dJ_daT(d.dJ_dLT(Y.shape[1]), d.dLT_daT(A[4], Y))
    product = d.dJ_dzT_as_product(to_a, d.daT_dzT(Z[3]))
    hadamard = d.dJ_dzT(to_a, d.daT_dzT(Z[3]))
    chex.assert_trees_all_close(product, hadamard, rtol=1e-13)
    chex.assert_trees_all_close(hadamard, (A[4] - Y) / Y.shape[1], rtol=1e-10)


def test_3_1_3_diag_inv_is_a_column_and_transposing_first_would_broadcast():
    D = jnp.diag(jnp.arange(3.0))
    chex.assert_shape(d.diag_inv(D), (3, 1))
    with jax.numpy_rank_promotion("allow"):
        assert (jnp.ones((1, 3)) * d.diag_inv(D.T)).shape == (3, 3)


def test_3_1_4_the_differential_of_zT_is_its_directional_derivative(net):
    params, _, A, _ = net
    W, b = params[3]
    rng = np.random.default_rng(1)
    dA, dW, db = (rng.normal(size=x.shape) for x in (A[3], W, b))
    _, tangent = jax.jvp(
        lambda A, W, b: (W.T @ A + b).T, (A[3], jnp.asarray(W), jnp.asarray(b)), (dA, dW, db)
    )
    chex.assert_trees_all_close(d.dzT(dA, A[3], dW, W, db), tangent, rtol=1e-12)


def test_3_1_4_layer_4_is_the_general_formula_on_the_transposed_row(net):
    params, Z, A, Y = net
    row = d.output_jacobian(Z[3], Y)
    chex.assert_trees_all_close(d.dJ_dW4(row, A[3]), d.dJ_dW(row.T, A[3]), rtol=1e-13)
    chex.assert_trees_all_close(d.dJ_db4(row), d.dJ_db(row.T), rtol=1e-13)
    W = params[3][0]
    chex.assert_trees_all_close(d.dJ_dA3(row, W), d.dJ_dA_prev(row.T, W), rtol=1e-13)


def test_3_1_5_the_rank_4_tensor_is_the_jacobian_and_its_contraction_the_stack(net):
    _, Z, A, _ = net
    jacobian = jax.jacobian(jax.nn.relu)(Z[2])
    chex.assert_trees_all_equal(d.dA_dZ(Z[2]), jacobian)
    dJ_dA = jnp.asarray(np.random.default_rng(2).normal(size=A[3].T.shape))
    chex.assert_trees_all_close(
        d.contraction(dJ_dA, d.dA_dZ(Z[2])), d.dJ_dZ(dJ_dA, Z[2]), rtol=1e-13
    )


def test_3_1_5_the_stack_is_the_transposed_derivative(net):
    _, Z, _, _ = net
    stack = d.stack_of_diag_inv(Z[2])
    chex.assert_trees_all_equal(stack, (Z[2] > 0).astype(Z[2].dtype).T)
    if stack.shape[0] == stack.shape[1]:
        assert (stack != stack.T).any()  # the untransposed one fits and is wrong (errata 22)


def test_3_1_6_the_differential_of_Z_is_its_directional_derivative(net):
    params, _, A, _ = net
    W, b = params[2]
    rng = np.random.default_rng(1)
    dA, dW, db = (rng.normal(size=x.shape) for x in (A[2], W, b))
    _, tangent = jax.jvp(
        lambda A, W, b: W.T @ A + b, (A[2], jnp.asarray(W), jnp.asarray(b)), (dA, dW, db)
    )
    chex.assert_trees_all_close(d.dZ(dW, W, dA, A[2], db), tangent, rtol=1e-12)


def test_3_1_6_the_jacobians_of_every_layer_are_the_transposed_gradients(net):
    params, _, A, Y = net
    J = d.jacobians(params, A[0], Y)
    by_autodiff = jax.grad(mlp_jax.cost)(params, A[0], Y)
    for i, (dW, db) in enumerate(by_autodiff):
        chex.assert_trees_all_close(J.dJ_dW[i], dW.T, rtol=1e-10, atol=1e-13)
        chex.assert_trees_all_close(J.dJ_db[i], db.T, rtol=1e-10, atol=1e-13)
        chex.assert_shape(J.dJ_dZ[i], (Y.shape[1], db.shape[0]))


def test_3_2_the_gradient_of_the_paper_is_the_fused_one(net):
    params, _, A, Y = net
    chex.assert_trees_all_close(
        d.gradient_of_the_paper(params, A[0], Y),
        mlp_jax.gradient(params, A[0], Y),
        rtol=1e-10,
        atol=1e-13,
    )


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16], ids=["float16", "bfloat16"])
def test_3_2_of_params_of_16_bits_is_that_of_float32_rounded(dtype):
    params, X, Y = random_net(0, SIZES, 300)
    narrow = jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), params)
    wide = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), narrow)
    ours = d.gradient_of_the_paper(narrow, X, Y)
    expected = d.gradient_of_the_paper(wide, X, Y)
    chex.assert_trees_all_equal(ours, jax.tree.map(lambda leaf: leaf.astype(dtype), expected))


def test_3_gradient_descent_lowers_the_cost_and_with_jacobians_does_not_fit(net):
    params, _, A, Y = net
    grads = d.gradient_of_the_paper(params, A[0], Y)
    pairs = list(zip(params, grads, strict=True))
    moved = [d.descend(mlp_jax.Layer(*p), mlp_jax.Layer(*g), 1e-3) for p, g in pairs]
    assert mlp_jax.cost(moved, A[0], Y) < mlp_jax.cost(params, A[0], Y)
    jacobian = mlp_jax.Layer(grads[3][0].T, grads[3][1].T)
    with pytest.raises(AssertionError):
        d.descend(mlp_jax.Layer(*params[3]), jacobian, 1e-3)


def test_the_derivation_is_for_one_output():
    params, X, Y = random_net(0, (3, 2, 2), 4)
    with pytest.raises(ValueError, match="has 2 outputs; the paper's has 1"):
        d.jacobians(params, X, Y)


ROW = re.compile(
    r"^\| ([\d.]+|Extension \d) \| (.+) \| `(\w+)\.(\w+)` \| `(\w+)` \|$", re.MULTILINE
)


def test_the_table_of_equations_is_true():
    root = Path(__file__).parents[1]
    rows = ROW.findall((root / "mlp_jax/derivation.md").read_text())
    assert len(rows) >= 20
    tests = "".join(path.read_text() for path in (root / "tests").glob("test_*.py"))
    for section, _, module, function, test in rows:
        source = (root / f"mlp_jax/{module}.py").read_text()
        found = re.search(rf'def {function}\(.*?"""(.*?)"""', source, re.DOTALL)
        assert found, function
        assert section in found[1], (function, section)
        assert f"def {test}(" in tests, test


def test_every_equation_of_the_derivation_is_in_the_table():
    root = Path(__file__).parents[1]
    in_table = {row[3] for row in ROW.findall((root / "mlp_jax/derivation.md").read_text())}
    files = ("derivation.py", "derivation_of_softmax.py")
    source = "".join((root / "mlp_jax" / file).read_text() for file in files)
    equations = re.findall(r'\ndef (\w+)\((?:[^"]|"(?!""))*"""(?:2|3|Extension 4)[.,]', source)
    assert len(equations) >= 26
    assert set(equations) <= in_table
