"""Settings that do not fit are said in scikit-learn's words."""

import numpy as np
import pytest

from mlp_jax import MLPClassifier, MLPRegressor
from tests.estimators.small_table import NAMES, X

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_a_split_without_weight_is_said_of_sample_weight():
    weights = (np.arange(150) == 0) * 1.0  # so that one side has none
    with pytest.raises(ValueError, match=r"samples to .* have a sample_weight of 0; type another"):
        MLPClassifier(early_stopping=True).fit(X, NAMES, weights)


def test_activations_may_be_one_a_layer_in_scikit_learns_words():
    fit = {"hidden_layer_sizes": (5, 4), "max_iter": 2, "random_state": 0}
    ours = MLPClassifier(activation=["logistic", "tanh"], **fit).fit(X, NAMES)
    plain = MLPClassifier(activation=("sigmoid", "tanh"), **fit).fit(X, NAMES)
    np.testing.assert_array_equal(ours.coefs_[0], plain.coefs_[0])


BAD = [
    ({"hidden_layer_sizes": (8, 0)}, r"hidden_layer_sizes must be > 0, got \(8, 0\)"),
    ({"hidden_layer_sizes": 2.5}, "hidden_layer_sizes must be > 0, got 2.5"),
    ({"activation": "rleu"}, "did you mean 'relu'"),
    ({"init": "gloriot"}, "init is 'gloriot'; expected one of 'he', .*did you mean 'glorot'"),
    ({"solver": "adan"}, "solver is 'adan'; expected one of 'sgd', 'adam'"),
    ({"alpha": -1}, "alpha is -1; expected a number, 0 or more"),
    ({"learning_rate_init": 0.0}, "learning_rate_init is 0.0; expected a number, more than 0"),
    ({"batch_size": 0}, "batch_size is 0; expected an integer from 1 up or 'auto'"),
    ({"max_iter": 1.5}, "max_iter is 1.5; expected an integer"),
    ({"momentum": 1.0}, "momentum is 1.0; expected a number, 0 or more and less than 1"),
    ({"learning_rate": "falling"}, "learning_rate is 'falling'; expected one of 'constant'"),
    ({"schedule": "cos"}, "schedule is 'cos'; expected one of None, 'cosine'"),
    ({"schedule": "cosine", "learning_rate": "adaptive"}, "leave one out"),
    ({"shuffle": "yes"}, "shuffle is 'yes'; expected True or False"),
    ({"n_iter_no_change": 0}, "n_iter_no_change is 0; expected an integer from 1 up or numpy.inf"),
    ({"clip_norm": 0}, "clip_norm is 0; expected a number, more than 0"),
    (
        {"solver": "lbfgs", "dropout": 0.5},
        "lbfgs takes no dropout; leave it out, or type solver='adam'",
    ),
    ({"class_weight": "balance"}, "class_weight"),
    ({"label_smoothing": 1.0}, "label_smoothing is 1.0"),
]


@pytest.mark.parametrize(("settings", "said"), BAD)
def test_bad_settings_are_said(settings, said):
    mlp = MLPClassifier(**settings)
    with pytest.raises(ValueError, match=said):
        mlp.fit(X, NAMES)
    assert not hasattr(mlp, "coefs_")


def test_a_loss_of_classes_is_not_for_numbers():
    with pytest.raises(ValueError, match="which is of classes: use MLPClassifier"):
        MLPRegressor("binary_cross_entropy").fit(X, X[:, 0])


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_labels_are_those_of_the_loss(solver):
    with pytest.raises(ValueError, match=r"Y has labels from .*; poisson expects 0 to inf"):
        MLPRegressor("poisson", solver=solver).fit(X, X[:, 0])
