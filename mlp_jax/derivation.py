"""The paper, sections 3.1.1 to 3.2, line by line: to be read and checked, never trained with.

The network is the paper's own: four layers, ReLU, one sigmoid output, binary cross-entropy. Every
derivative is in numerator layout: dJ/dM has the shape of Mᵀ, and dJ = tr(dJ/dM dM). The (m, m)
diagonals and the rank-4 tensor are formed as the paper forms them, which takes m² and (n m)² of
memory (errata 25).

Read it with the paper in the other hand. Names are the paper's: `dJ_dzT` is dJ/d(z[4])ᵀ,
`diag_inv` is diag⁻¹, `ones_row(m)` is the all-ones 1_(1,m), which the paper also prints as I_(1,m)
(errata 4). "Errata n" is a known slip of the paper; where one touches a line, the line says which
statement holds. `back_propagation.py` is the same result as one fused pass.
"""

from typing import Any, NamedTuple

import chex
import jax.numpy as jnp
from jax import Array
from jax.nn import sigmoid

from mlp_jax.dtypes import narrowed_like, widened
from mlp_jax.examples import as_examples, as_labels
from mlp_jax.forward_propagation import Trace, forward_trace
from mlp_jax.network import PAPER
from mlp_jax.parameters import Layer, as_layers


def ones_row(m: int, dtype: Any = None) -> Array:
    """1_(1,m), the row of m ones of section 2. Times b it has the effect of broadcasting."""
    return jnp.ones((1, m), dtype)


# --- 2 Forward propagation ------------------------------------------------------------------------


def L_of_a(a: Array, y: Array) -> Array:
    """2, line 3. L = -y ∘ log(ŷ) - (1 - y) ∘ log(1 - ŷ), the row of losses, shape (1, m).

    Printed as plain products; they are Hadamard products of (1, m) rows and log is natural
    (errata 3). Infinite or NaN once a rounds to 0 or 1 (errata 28); `losses.py` has the form in z
    that is not.
    """
    chex.assert_equal_shape([a, y])
    return -y * jnp.log(a) - (1 - y) * jnp.log(1 - a)


def J_of_L(L: Array) -> Array:
    """2, line 4. J = (1/m) L 1_(m,1), shape (1, 1)."""
    m = L.shape[1]
    return (1 / m) * L @ ones_row(m, L.dtype).T


# --- 3.1.1 dJ/dLᵀ ---------------------------------------------------------------------------------


def dJ_dLT(m: int, dtype: Any = None) -> Array:
    """3.1.1. dJ/dLᵀ = (1/m) (1_(m,1))ᵀ, shape (1, m).

    The only 1/m: every later Jacobian already has it (errata 24).
    """
    return (1 / m) * ones_row(m, dtype)


# --- 3.1.2 dJ/d(a[4])ᵀ ----------------------------------------------------------------------------


def kronecker_expansion(derivatives: Array) -> Array:
    """3.1.2. [∂/∂x(1), ..., ∂/∂x(m)] ⊗ [y(1); ...; y(m)] for a y that is elementwise in x.

    The row of operators meets every entry of the column, so entry (i, j) is ∂y(i)/∂x(j): 0 for
    i ≠ j, since y(i) does not depend on x(j). That a row times a column is the same as the column
    times the row leaves the order without meaning; what makes it numerator layout is that the
    denominator is the row (errata 9). Entry (2, 2) is ∂L(2)/∂a(2), not ∂L(3)/∂a(2) (errata 1).

    Args:
      derivatives: the entries ∂y(i)/∂x(i), a row of shape (1, m).

    Returns:
      The diagonal matrix, shape (m, m).
    """
    m = derivatives.shape[1]
    chex.assert_shape(derivatives, (1, m))
    every_pair = jnp.kron(ones_row(m, derivatives.dtype), derivatives.T)  # (1, m) ⊗ (m, 1)
    depends = jnp.eye(m, dtype=derivatives.dtype)  # y(i) depends on x(j) for i = j alone
    return every_pair * depends


def dL_da(a: Array, y: Array) -> Array:
    """3.1.2, an entry. ∂L(i)/∂a(i) = (a - y) / (a (1 - a)), shape (1, m); not printed (errata 14).

    Overflows as a nears 0 or 1, while da/dz vanishes (errata 30): the fused form of
    `losses.py` is what holds there.
    """
    return (a - y) / (a * (1 - a))


def dLT_daT(a: Array, y: Array) -> Array:
    """3.1.2, second display. dLᵀ/d(a[4])ᵀ, the diagonal matrix of the ∂L(i)/∂a(i), shape (m, m)."""
    return kronecker_expansion(dL_da(a, y))


def dJ_daT(dJ_dLT: Array, dLT_daT: Array) -> Array:
    """3.1.2. dJ/d(a[4])ᵀ = dJ/dLᵀ dLᵀ/d(a[4])ᵀ = (1/m) [∂L(1)/∂a(1), ..., ∂L(m)/∂a(m)], (1, m)."""
    m = dJ_dLT.shape[1]
    chex.assert_shape(dLT_daT, (m, m))
    return dJ_dLT @ dLT_daT  # (1, m) (m, m)


# --- 3.1.3 dJ/d(z[4])ᵀ ----------------------------------------------------------------------------


def da_dz(z: Array) -> Array:
    """3.1.3, an entry. ∂a(i)/∂z(i) = s(z) s(-z) for the sigmoid, shape (1, m) (errata 14)."""
    return sigmoid(z) * sigmoid(-z)


def daT_dzT(z: Array) -> Array:
    """3.1.3, second display. d(a[4])ᵀ/d(z[4])ᵀ, the diagonal matrix of the ∂a(i)/∂z(i), (m, m)."""
    return kronecker_expansion(da_dz(z))


def diag_inv(D: Array) -> Array:
    """3.1.3. diag⁻¹(D): the diagonal of D as a column, shape (m, 1); not an inverse (errata 15).

    Taken first and transposed after: a row times diag⁻¹(Dᵀ) broadcasts to (m, m) without a word.
    """
    return jnp.diagonal(D)[:, None]


def dJ_dzT_as_product(dJ_daT: Array, daT_dzT: Array) -> Array:
    """3.1.3, second line. dJ/d(z[4])ᵀ = dJ/d(a[4])ᵀ d(a[4])ᵀ/d(z[4])ᵀ, shape (1, m)."""
    return dJ_daT @ daT_dzT  # (1, m) (m, m)


def dJ_dzT(dJ_daT: Array, daT_dzT: Array) -> Array:
    """3.1.3. dJ/d(z[4])ᵀ = dJ/d(a[4])ᵀ ∘ diag⁻¹(d(a[4])ᵀ/d(z[4])ᵀ)ᵀ, shape (1, m).

    The product with a diagonal matrix, rewritten as a Hadamard product. In the trace above it ∘
    binds tighter than the matrix product (errata 16).
    """
    m = dJ_daT.shape[1]
    chex.assert_shape(daT_dzT, (m, m))
    return dJ_daT * diag_inv(daT_dzT).T  # (1, m) ∘ (1, m)


# --- 3.1.4 dJ/dW[4], dJ/db[4], dJ/dA[3] -----------------------------------------------------------


def dzT(dA: Array, A: Array, dW: Array, W: Array, db: Array) -> Array:
    """3.1.4. d(z[4])ᵀ = d(A[3])ᵀ W[4] + (A[3])ᵀ dW[4] + (1_(1,m))ᵀ d(b[4])ᵀ, shape (m, 1)."""
    m = A.shape[1]
    return dA.T @ W + A.T @ dW + ones_row(m, A.dtype).T @ db.T


def dJ_dW4(dJ_dzT: Array, A3: Array) -> Array:
    """3.1.4. dJ/dW[4] = dJ/d(z[4])ᵀ (A[3])ᵀ, shape (1, n[3])."""
    return dJ_dzT @ A3.T  # (1, m) (m, n3)


def dJ_db4(dJ_dzT: Array) -> Array:
    """3.1.4. dJ/db[4] = 1_(1,m) (dJ/d(z[4])ᵀ)ᵀ, shape (1, 1)."""
    return ones_row(dJ_dzT.shape[1], dJ_dzT.dtype) @ dJ_dzT.T  # (1, m) (m, 1)


def dJ_dA3(dJ_dzT: Array, W4: Array) -> Array:
    """3.1.4. dJ/dA[3] = (dJ/d(z[4])ᵀ)ᵀ (W[4])ᵀ, shape (m, n[3]).

    The row dJ/d(z[4])ᵀ is the transpose of the general dJ/dZ[4], (m, 1), of which 3.1.6 speaks;
    the two agree at m = 1, where a test would not tell (errata 8 and 21).
    """
    return dJ_dzT.T @ W4.T  # (m, 1) (1, n3)


# --- 3.1.5 dJ/dZ[3] -------------------------------------------------------------------------------


def da_dz_hidden(z: Array) -> Array:
    """3.1.5, an entry. ∂a/∂z of ReLU: 1 for z > 0, else 0; taken as 0 at z = 0 (errata 17)."""
    return (z > 0).astype(z.dtype)


def dAi_dZi(z_i: Array) -> Array:
    """3.1.5. dA[3](i)/dZ[3](i) of one example, diagonal, shape (n[3], n[3]).

    The n of the display is n[3], and (i) is the example (errata 7). Diagonal because ReLU is
    elementwise; softmax is not (errata 26).

    Args:
      z_i: Z[3] of example i, a column of shape (n, 1).
    """
    return kronecker_expansion(da_dz_hidden(z_i).T)


def dA_dZ(Z: Array) -> Array:
    """3.1.5. dA[3]/dZ[3], the rank-4 tensor, entry [k, i, p, j] = ∂A[k, i] / ∂Z[p, j].

    Shape (n, m, n, m); zero unless k = p and i = j. For the reader: (n m)² numbers (errata 25).
    """
    n, m = Z.shape
    same_unit, same_example = jnp.eye(n, dtype=Z.dtype), jnp.eye(m, dtype=Z.dtype)
    return jnp.einsum("kp,ij,pj->kipj", same_unit, same_example, da_dz_hidden(Z))


def contraction(dJ_dA: Array, dA_dZ: Array) -> Array:
    """3.1.5, first line. dJ/dZ[j, p] = Σ_(i,k) dJ/dA[i, k] ∂A[k, i]/∂Z[p, j], shape (m, n).

    Printed as tr(dJ/dA dA/dZ dZ), a matrix product that does not exist for a rank-4 factor; the
    contraction over both indices of A is what is meant (errata 5).
    """
    return jnp.einsum("ik,kipj->jp", dJ_dA, dA_dZ)


def stack_of_diag_inv(Z: Array) -> Array:
    """3.1.5, last display. The rows diag⁻¹(dA(i)/dZ(i))ᵀ, one an example, shape (m, n).

    It is f'(Z)ᵀ: with n = m the untransposed f'(Z) would fit as well, and be wrong (errata 22).
    """
    m = Z.shape[1]
    return jnp.concatenate([diag_inv(dAi_dZi(Z[:, i : i + 1])).T for i in range(m)])


def dJ_dZ(dJ_dA: Array, Z: Array) -> Array:
    """3.1.5, and 3.1.6 for layer l. dJ/dZ[l] = dJ/dA[l] ∘ [diag⁻¹(dA(i)/dZ(i))ᵀ]ᵢ, shape (m, n).

    The section says that the stack gives dA[3]/dZ[3]; what it gives is the product
    dJ/dA[3] dA[3]/dZ[3], that is dJ/dZ[3], which the section never writes (errata 6).

    Args:
      dJ_dA: shape (m, n).
      Z: shape (n, m).
    """
    chex.assert_equal_shape([dJ_dA, Z.T])
    return dJ_dA * stack_of_diag_inv(Z)


# --- 3.1.6 dJ/dW[l], dJ/db[l], dJ/dA[l-1]: layer 3, and by generalisation every layer l -----------


def dZ(dW: Array, W: Array, dA_prev: Array, A_prev: Array, db: Array) -> Array:
    """3.1.6. dZ[3] = d(W[3])ᵀ A[2] + (W[3])ᵀ dA[2] + db[3] 1_(1,m), shape (n, m)."""
    m = A_prev.shape[1]
    return dW.T @ A_prev + W.T @ dA_prev + db @ ones_row(m, A_prev.dtype)


def dJ_dW(dJ_dZ: Array, A_prev: Array) -> Array:
    """3.1.6, layer l. The Jacobian dJ/dW[l] = (dJ/dZ[l])ᵀ (A[l-1])ᵀ.

    Args:
      dJ_dZ: Jacobian of the cost to Z[l], shape (m, n).
      A_prev: activations of the layer below, shape (n_prev, m).

    Returns:
      Shape (n, n_prev): numerator layout; its transpose is shaped like W[l].
    """
    return dJ_dZ.T @ A_prev.T


def dJ_db(dJ_dZ: Array) -> Array:
    """3.1.6, layer l. The Jacobian dJ/db[l] = 1_(1,m) dJ/dZ[l], shape (1, n)."""
    return ones_row(dJ_dZ.shape[0], dJ_dZ.dtype) @ dJ_dZ


def dJ_dA_prev(dJ_dZ: Array, W: Array) -> Array:
    """3.1.6, layer l. dJ/dA[l-1] = dJ/dZ[l] (W[l])ᵀ, shape (m, n_prev).

    Holds for every width, 1 included (errata 10). W[l] is the one that forward used, before any
    update (errata 20).
    """
    return dJ_dZ @ W.T


# --- 3.2 Jacobian or gradient? --------------------------------------------------------------------


def grad_W(A_prev: Array, dJ_dZ: Array) -> Array:
    """3.2. ∇W[l] = (dJ/dW[l])ᵀ = A[l-1] dJ/dZ[l], shaped like W[l], (n_prev, n)."""
    return A_prev @ dJ_dZ


def grad_b(dJ_dZ: Array) -> Array:
    """3.2. ∇b[l] = (dJ/db[l])ᵀ = (dJ/dZ[l])ᵀ (1_(1,m))ᵀ, shaped like b[l], (n, 1)."""
    return dJ_dZ.T @ ones_row(dJ_dZ.shape[0], dJ_dZ.dtype).T


def descend(layer: Layer, grad: Layer, learning_rate: Any) -> Layer:
    """3. W[l] := W[l] - α ∇W[l] and b[l] := b[l] - α ∇b[l].

    Printed with the Jacobians dJ/dW[l] and dJ/db[l]. With them a non-square W[l] raises, a square
    one runs and can ascend, and b[l] - dJ/db[l] broadcasts to (n, n); the gradients of 3.2 are
    what holds (errata 2).
    """
    chex.assert_trees_all_equal_shapes(layer, grad)
    return Layer(layer.W - learning_rate * grad.W, layer.b - learning_rate * grad.b)


# --- The derivation from end to end ---------------------------------------------------------------


class Jacobians(NamedTuple):
    """dJ/dZ[l], dJ/dW[l] and dJ/db[l] for l = 1, ..., L, in numerator layout."""

    dJ_dZ: tuple[Array, ...]  # (m, n[l])
    dJ_dW: tuple[Array, ...]  # (n[l], n[l-1])
    dJ_db: tuple[Array, ...]  # (1, n[l])


def output_jacobian(z: Array, y: Array) -> Array:
    """3.1.1 to 3.1.3. dJ/d(z[L])ᵀ of the one sigmoid output, from z[L] and y, shape (1, m)."""
    a = sigmoid(z)
    to_L = dJ_dLT(z.shape[1], z.dtype)
    to_a = dJ_daT(to_L, dLT_daT(a, y))
    return dJ_dzT(to_a, daT_dzT(z))


def jacobians(params: Any, X: Any, Y: Any) -> Jacobians:
    """3.1.1 to 3.1.6 in the paper's order, for its network of any depth with one output.

    Layer L by 3.1.4, on the row dJ/d(z[L])ᵀ; every layer below by the general formulas of 3.1.6.

    Args:
      params: a sequence of (W, b) pairs.
      X: shape (n[0], m).
      Y: shape (1, m).

    Raises:
      ValueError: shapes that do not fit, or more than one output.
    """
    layers, trace, Y = _forward(params, X, Y)
    row = output_jacobian(trace.Z[-1], Y)
    to_Z = [row.T]  # (dJ/d(z[L])ᵀ)ᵀ = dJ/dZ[L], (m, 1)
    to_W, to_b = [dJ_dW4(row, trace.A[-1])], [dJ_db4(row)]
    to_A = dJ_dA3(row, layers[-1].W)
    for l in reversed(range(len(layers) - 1)):
        to_Z.append(dJ_dZ(to_A, trace.Z[l]))
        to_W.append(dJ_dW(to_Z[-1], trace.A[l]))
        to_b.append(dJ_db(to_Z[-1]))
        to_A = dJ_dA_prev(to_Z[-1], layers[l].W)
    return Jacobians(tuple(to_Z[::-1]), tuple(to_W[::-1]), tuple(to_b[::-1]))


def gradient_of_the_paper(params: Any, X: Any, Y: Any) -> Any:
    """3.2 after 3.1: the gradients, a pytree like params. `mlp_jax.gradient` gives the same.

    Example:
      >>> import jax
      >>> from mlp_jax.parameters import init
      >>> params = init(jax.random.key(0), (4, 3, 2, 2, 1))
      >>> grads = gradient_of_the_paper(params, jnp.ones((4, 5)), jnp.ones((1, 5)))
      >>> [grad.W.shape for grad in grads]
      [(4, 3), (3, 2), (2, 2), (2, 1)]
    """
    _, trace, _ = _forward(params, X, Y)
    to_Z = jacobians(params, X, Y).dJ_dZ
    grads = [Layer(grad_W(A, to), grad_b(to)) for A, to in zip(trace.A, to_Z, strict=True)]
    return narrowed_like(params, grads)


def _forward(params: Any, X: Any, Y: Any) -> tuple[tuple[Layer, ...], Trace, Array]:
    layers = widened(as_layers(params))
    if layers[-1].W.shape[1] != 1:
        raise ValueError(
            f"the network has {layers[-1].W.shape[1]} outputs; the paper's has 1: "
            "for more type mlp_jax.gradient(params, X, Y)"
        )
    X = as_examples(layers, X)
    return layers, forward_trace(layers, X, PAPER), as_labels(layers, X, Y)
