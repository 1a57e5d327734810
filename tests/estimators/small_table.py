"""A small table with classes."""

import numpy as np

RNG = np.random.default_rng(0)
X = RNG.normal(size=(150, 3))
Y = X[:, 0] * X[:, 1] > 0
NAMES = np.array(["no", "yes"])[Y.astype(int)]
