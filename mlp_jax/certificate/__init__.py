r"""A gradient on trial: `certify` names the layer that is wrong, and says how.

The gradient by hand, or a backward function of yours, is compared entry by entry and in float64
with `jax.grad` of the cost and with central differences. Where a ReLU changes sign within the step,
the difference means nothing, and the entry is left out.

>>> import jax, mlp_jax
>>> X = jax.random.normal(jax.random.key(0), (2, 50))
>>> Y = X[:1] * X[1:] > 0
>>> params = mlp_jax.init(jax.random.key(1), (2, 8, 1))
>>> def off_by_a_sign(params, X, Y):
...     first, last = mlp_jax.gradient(params, X, Y)
...     return [(-first.W, first.b), last]
>>> certificate = mlp_jax.certify(params, X, Y, gradient=off_by_a_sign)
>>> certificate.passed, certificate.layer
(False, 1)
>>> print(certificate.diagnosis)
Wrong from layer 1 down. W[1]: the true one with its sign turned at [...], while b[1] is right.
Look at dJ/dW[1] = (dJ/dZ[1])ᵀ A[0]ᵀ: 3.1.6 and 3.2.

`certificate.leaves` has the figures of every W[l] and b[l], `to_json()` is for programs, and
`mlp-jax check` prints the certificate of the gradient by hand on a table. Every loss with every
activation has its certificate with weights, with L2, with dropout, the cross-entropies with label
smoothing, and with all of these, by `experiments/certificates.py`.

Files: `certificate` is the door; `gather` brings the three gradients together, `differences` takes
the central differences, `rounding` measures what rounding may do to every entry, `kinks` knows the
other values at a kink; `evidence` is what is known of one W[l] or b[l], `verdicts` what that
amounts to, `remarks` what an error looks like in a student's terms.
"""

from typing import TYPE_CHECKING

from mlp_jax import _page_of

if TYPE_CHECKING:
    from mlp_jax.certificate.certificate import Certificate as Certificate
    from mlp_jax.certificate.certificate import certify as certify

__getattr__ = _page_of("certificate")
