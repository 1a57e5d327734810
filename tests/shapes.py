"""Sizes of networks, all different and all equal, and how far gradients are apart."""

import jax

import mlp_jax

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


def relative(ours, theirs):
    """Largest difference of a leaf, relative to the leaf's largest entry."""
    pairs = zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True)
    return max(float(abs(a - b).max() / max(abs(b).max(), 1e-300)) for a, b in pairs)
