"""The estimators begin as those of scikit-learn that they replace, however they are trained."""

import numpy as np
import pytest
import sklearn.neural_network
from scipy.stats import ks_2samp
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import scale

import mlp_jax
from mlp_jax.activations import own_activation
from mlp_jax.estimators import mlp as estimators
from mlp_jax.estimators.initial_layers import scheme_of

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 40))
TARGETS = {"MLPRegressor": RNG.normal(size=(60, 30)), "MLPClassifier": np.arange(60) % 30}
STILL = {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 1e-300, "max_iter": 1}


def first_numbers(home, name, **choices):
    """(weights, biases) of every layer of a network that has not moved, of two seeds."""
    found = []
    for seed in (2, 3):
        one = getattr(home, name)(hidden_layer_sizes=(100, 100), random_state=seed, **STILL)
        one.set_params(**choices).fit(X, TARGETS[name])
        found.append([np.ravel(part) for part in (*one.coefs_, *one.intercepts_)])
    return [np.concatenate(parts) for parts in zip(*found, strict=True)]


def least_likely(ours, theirs):
    """The smallest p of Kolmogorov and Smirnov that both are of one distribution."""
    return min(ks_2samp(*pair).pvalue for pair in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("activation", ["relu", "logistic"])
@pytest.mark.parametrize("name", TARGETS)
def test_weights_and_biases_are_drawn_as_scikit_learn_draws_them(name, activation):
    theirs = first_numbers(sklearn.neural_network, name, activation=activation)
    ours = first_numbers(mlp_jax, name, activation=activation)
    assert least_likely(ours, theirs) > 1e-3
    largest = [[abs(numbers).max() for numbers in found] for found in (ours, theirs)]
    np.testing.assert_allclose(*largest, rtol=0.05)
    others = [first_numbers(mlp_jax, name, activation=activation, init="he")]
    # The factor of the other activation.
    other = "tanh" if activation == "logistic" else "logistic"
    others.append(first_numbers(mlp_jax, name, activation=other))
    for found in others:
        assert least_likely(found, theirs) < 1e-12


@pytest.mark.parametrize(
    ("activation", "scheme"),
    [
        ("relu", "glorot"),
        ("sigmoid", "glorot_sigmoid"),
        (("sigmoid", "sigmoid"), "glorot_sigmoid"),
        (("sigmoid", "tanh"), "glorot"),
        ((), "glorot"),
        (own_activation(np.tanh, np.cos), "glorot"),
    ],
)
def test_glorots_factor_is_that_of_the_hidden_layers(activation, scheme):
    network = mlp_jax.Network(activation)
    assert scheme_of("glorot", network) == scheme
    assert scheme_of("he", network) == "he"


def test_the_first_epoch_on_a_real_table_costs_what_it_costs_scikit_learn():
    table, y = load_diabetes(return_X_y=True)
    table, y = scale(table), scale(y)

    def costs(home, **choices):
        fits = (
            home.MLPRegressor(max_iter=1, random_state=seed, **choices).fit(table, y)
            for seed in range(12)
        )
        return np.array([fitted.loss_ for fitted in fits])

    theirs = costs(sklearn.neural_network)

    def apart(ours):
        """In standard errors."""
        return (ours.mean() - theirs.mean()) / np.sqrt((ours.var() + theirs.var()) / 11)

    assert abs(apart(costs(mlp_jax))) < 3
    assert apart(costs(mlp_jax, init="he")) > 4


def test_however_it_is_trained_it_begins_with_the_same_layers(monkeypatch):
    how = {"hidden_layer_sizes": (4,), "random_state": 3, "init": "lecun"}
    y = X[:, 0] > 0
    fitted = mlp_jax.MLPClassifier(**how, **STILL).fit(X, y)
    begun = {
        "a part": mlp_jax.MLPClassifier(**how, **STILL).partial_fit(X, y, classes=[False, True]),
        "warm": mlp_jax.MLPClassifier(**how, **STILL, warm_start=True).fit(X, y),
    }
    for other in begun.values():
        np.testing.assert_array_equal(other.coefs_[0], fitted.coefs_[0])
        np.testing.assert_array_equal(other.intercepts_[0], fitted.intercepts_[0])
    begun = []

    def note(settings, network, params, data):
        begun.append(params)
        raise KeyboardInterrupt

    monkeypatch.setattr(estimators, "solve_by_lbfgs", note)
    with pytest.raises(KeyboardInterrupt):
        mlp_jax.MLPClassifier(**how, solver="lbfgs").fit(X, y)
    np.testing.assert_array_equal(begun[0][0].W, fitted.coefs_[0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_candidate_of_a_search_begins_as_fit_begins(dtype):
    space = {"init": ["glorot", "he"], "activation": ["relu", "logistic"]}
    space["hidden_layer_sizes"] = [(3,), (5,)]
    table, y = X.astype(dtype), X[:, 0] > 0
    one = mlp_jax.MLPClassifier(random_state=4, **STILL)
    search = mlp_jax.SweepCV(one, space, n_iter=None, cv=2, refit=False).fit(table, y)
    members = search.sweep_results_[0].members[::2]
    first = []
    for candidate, member in zip(search.cv_results_["params"], members, strict=True):
        alone = clone(one).set_params(**candidate).fit(table, y)
        for (W, b), own, biases in zip(member.params, alone.coefs_, alone.intercepts_, strict=True):
            np.testing.assert_array_equal(W, own)
            np.testing.assert_allclose(b[:, 0], biases, rtol=0, atol=1e-290)
        first.append(float(abs(member.params[1].W).max()))
    assert len(set(first)) == 6  # he's are the same for both activations
