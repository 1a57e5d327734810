"""A small table and the space of a search of it."""

import numpy as np
from scipy.stats import loguniform

from mlp_jax import MLPClassifier

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3))
Y = X[:, 0] * X[:, 1] > 0
NAMES = np.array(["no", "yes"])[Y.astype(int)]
MLP = MLPClassifier((8,), max_iter=12, learning_rate_init=0.02, random_state=3)
SPACE = {"hidden_layer_sizes": [(4,), (9,)], "alpha": loguniform(1e-5, 1e-1)}


def split_scores(search, name="test_score"):
    folds = range(search.n_splits_)
    return np.stack([search.cv_results_[f"split{fold}_{name}"] for fold in folds], axis=1)
