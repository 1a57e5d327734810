"""Extension 4, line by line, against autodiff and against the fused error that training uses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mlp_jax import derivation, derivation_of_softmax
from mlp_jax.losses import LOSSES

LOSS = LOSSES["softmax_cross_entropy"]


@pytest.fixture
def case():
    rng = np.random.default_rng(0)
    Z = jnp.asarray(rng.normal(size=(4, 5)))
    Y = jnp.asarray(np.eye(4)[:, rng.integers(0, 4, 5)] * 0.9 + 0.025)
    dJ_dL = jnp.asarray(rng.random((1, 5)))
    return Z, Y, dJ_dL, LOSS.output(Z)


def close(a, b):
    np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)


def test_L_of_A_is_the_loss(case):
    Z, Y, _, A = case
    close(derivation_of_softmax.L_of_A(A, Y), LOSS.L(Z, Y))


def test_dJ_dA_is_the_jacobian(case):
    _, Y, dJ_dL, A = case
    J = lambda A: jnp.sum(dJ_dL * derivation_of_softmax.L_of_A(A, Y))  # noqa: E731
    close(derivation_of_softmax.dJ_dA(A, Y, dJ_dL), jax.grad(J)(A).T)


def test_the_dense_block_is_the_jacobian_of_one_example(case):
    Z, _, _, A = case
    block = derivation_of_softmax.dAi_dZi(A[:, 2:3])
    close(block, jax.jacobian(lambda z: jax.nn.softmax(z))(Z[:, 2]))
    close(block.sum(1), np.zeros(4))
    assert np.linalg.matrix_rank(block, tol=1e-12) == 3


def test_the_rank_4_tensor_is_the_jacobian_and_its_contraction_the_stack(case):
    Z, Y, dJ_dL, A = case
    dA_dZ = derivation_of_softmax.dA_dZ(A)
    close(dA_dZ, jax.jacobian(LOSS.output)(Z))
    dJ_dA = derivation_of_softmax.dJ_dA(A, Y, dJ_dL)
    stacked = derivation_of_softmax.dJ_dZ_stacked(dJ_dA, A)
    close(derivation_of_softmax.contraction(dJ_dA, dA_dZ), stacked)


def test_the_stack_the_short_form_and_the_fused_form_are_one(case):
    Z, Y, dJ_dL, A = case
    dJ_dA = derivation_of_softmax.dJ_dA(A, Y, dJ_dL)
    stacked = derivation_of_softmax.dJ_dZ_stacked(dJ_dA, A)
    close(derivation_of_softmax.dJ_dZ(dJ_dA, A), stacked)
    close(derivation_of_softmax.dJ_dZ_fused(A, Y, dJ_dL), stacked)
    close((dJ_dL * LOSS.dL_dZ(Z, Y)).T, stacked)


def test_the_papers_diag_inv_would_be_wrong_here(case):
    _, Y, dJ_dL, A = case
    dJ_dA = derivation_of_softmax.dJ_dA(A, Y, dJ_dL)
    diagonal = jnp.concatenate(
        [derivation.diag_inv(derivation_of_softmax.dAi_dZi(A[:, i : i + 1])).T for i in range(5)]
    )
    right = derivation_of_softmax.dJ_dZ(dJ_dA, A)
    assert abs(dJ_dA * diagonal - right).max() > 0.05 * abs(right).max()
