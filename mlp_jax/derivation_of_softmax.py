"""Extension 4: the output layer with softmax and categorical cross-entropy, line by line.

To be read and checked, never trained with. The Jacobian of the softmax is dense, so the paper's
"product with a diagonal matrix = Hadamard product" of 3.1.3 does not hold, and its diag⁻¹ gives
a wrong answer (errata 26). What survives is 3.1.5's stacking of examples, with products in place of
Hadamard products. Below the output nothing changes: `derivation.dJ_dW` and the rest of 3.1.6.

Letters: A = A[L] and Y are (K, m), dJ_dL is the row dJ/dLᵀ, (1, m).
"""

import chex
import jax.numpy as jnp
from jax import Array


def L_of_A(A: Array, Y: Array) -> Array:
    """Extension 4. L = -1ᵀ (Y ∘ log A), shape (1, m)."""
    chex.assert_equal_shape([A, Y])
    return -jnp.sum(Y * jnp.log(A), axis=0, keepdims=True)


def dJ_dA(A: Array, Y: Array, dJ_dL: Array) -> Array:
    """Extension 4. Row i is (dJ/dL(i)) (-(y(i) ⊘ a(i)))ᵀ, shape (m, K)."""
    chex.assert_equal_shape([A, Y])
    return (dJ_dL * -(Y / A)).T


def dAi_dZi(a: Array) -> Array:
    """Extension 4. [∂/∂z₁, ..., ∂/∂z_K] ⊗ [a₁; ...; a_K] = diag(a) - a aᵀ, shape (K, K).

    Dense, symmetric, of rank K - 1: its rows sum to 0.

    Args:
      a: the outputs of one example, a column (K, 1).
    """
    chex.assert_shape(a, (None, 1))
    return jnp.diag(a[:, 0]) - a @ a.T


def dA_dZ(A: Array) -> Array:
    """3.1.5, for the softmax. The rank-4 dA/dZ, entry [k, i, p, j] = δ_ij (δ_kp a_k - a_k a_p).

    Block diagonal over the examples, shape (K, m, K, m).
    """
    m = A.shape[1]
    blocks = jnp.stack([dAi_dZi(A[:, i : i + 1]) for i in range(m)])  # (m, K, K)
    return jnp.einsum("ikp,ij->kipj", blocks, jnp.eye(m, dtype=A.dtype))


def contraction(dJ_dA: Array, dA_dZ: Array) -> Array:
    """3.1.5. tr(dJ/dA dA/dZ dZ): dJ/dZ[j, p] = Σ_ki dJ/dA[i, k] dA/dZ[k, i, p, j], (m, K)."""
    return jnp.einsum("ik,kipj->jp", dJ_dA, dA_dZ)


def dJ_dZ_stacked(dJ_dA: Array, A: Array) -> Array:
    """Extension 4. The stack of dJ/dA(i) (diag a(i) - a(i) a(i)ᵀ), example over example, (m, K)."""
    chex.assert_shape(dJ_dA, A.shape[::-1])
    return jnp.concatenate([dJ_dA[i : i + 1] @ dAi_dZi(A[:, i : i + 1]) for i in range(A.shape[1])])


def dJ_dZ(dJ_dA: Array, A: Array) -> Array:
    """Extension 4. dJ/dZ = Aᵀ ∘ (dJ/dA - ((dJ/dA ∘ Aᵀ) 1) 1ᵀ), shape (m, K); no (K, K) matrix."""
    chex.assert_shape(dJ_dA, A.shape[::-1])
    inner = jnp.sum(dJ_dA * A.T, axis=1, keepdims=True)  # (dJ/dA ∘ Aᵀ) 1, (m, 1)
    return A.T * (dJ_dA - inner)


def dJ_dZ_fused(A: Array, Y: Array, dJ_dL: Array) -> Array:
    """Extension 4. Row i is (dJ/dL(i)) ((1ᵀ y(i)) a(i) - y(i))ᵀ, shape (m, K).

    It cancels as a nears y; `cross_entropies.softmax_cross_entropy_error` is the form that does
    not, whose rows are these, transposed.
    """
    return (dJ_dL * (jnp.sum(Y, axis=0, keepdims=True) * A - Y)).T
