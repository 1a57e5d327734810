"""From the same weights, with the same batches, scikit-learn's own MLP takes the same steps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sklearn.neural_network
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.neural_network._base import squared_loss

import mlp_jax
from tests.nets import random_net

STEPS, BATCH, M = 50, 10, 50
SOLVERS = {
    "sgd": ({"solver": "sgd", "momentum": 0.0}, {"name": "sgd"}),
    "momentum": (
        {"solver": "sgd", "momentum": 0.9, "nesterovs_momentum": False},
        {"name": "sgd", "momentum": 0.9},
    ),
    "nesterov": (
        {"solver": "sgd", "momentum": 0.9, "nesterovs_momentum": True},
        {"name": "sgd", "momentum": 0.9, "nesterov": True},
    ),
    # scikit-learn adds epsilon before it corrects for the start, so that an epsilon of 1e-8 differs
    # where a gradient is as small; with 1e-13 neither has one.
    "adam": ({"solver": "adam", "epsilon": 1e-13}, {"name": "adam", "eps": 1e-13}),
}


def problem(kind):
    params, X, Y = random_net(0, (6, 8, 5, 3 if kind == "multiclass" else 1), M, scale=0.7)
    rng = np.random.default_rng(1)
    labels = {
        "binary": lambda: (X[0] * X[1] > 0).astype(int),
        "multiclass": lambda: rng.integers(0, 3, M),
        "regression": lambda: X[0] * X[1] + rng.normal(size=M),
    }[kind]()
    loss = {
        "binary": "binary_cross_entropy",
        "multiclass": "softmax_cross_entropy",
        "regression": "squared_error",
    }[kind]
    Y = np.asarray(mlp_jax.one_hot(labels, 3)) if kind == "multiclass" else labels[None] * 1.0
    return params, X, labels, Y, loss


def theirs(kind, activation, params, X, labels, alpha, **choices):
    base = MLPRegressor if kind == "regression" else MLPClassifier

    class FromGivenWeights(base):
        def _init_coef(self, fan_in, fan_out, dtype):
            W, b = next(self.given)
            assert W.shape == (fan_in, fan_out)
            return W.copy(), b[:, 0].copy()

    model = FromGivenWeights(
        hidden_layer_sizes=(8, 5),
        activation=activation,
        alpha=alpha,
        batch_size=BATCH,
        learning_rate_init=0.01,
        max_iter=STEPS * BATCH // M,
        shuffle=False,
        tol=0,
        n_iter_no_change=1000,
        **choices,
    )
    model.given = iter(params)
    with pytest.warns(ConvergenceWarning):  # it always warns when it has done max_iter epochs
        model.fit(X.T, labels)
    return [(W, b[:, None]) for W, b in zip(model.coefs_, model.intercepts_, strict=True)]


def ours(activation, params, X, Y, loss, alphas, **choices):
    """The parameters after as many steps, of each alpha; one program takes all of them."""
    optimizer = mlp_jax.optimizer(learning_rate=0.01, **choices)
    network = mlp_jax.Network(activation, loss)

    @jax.jit
    def step(state, batch, l2):
        return mlp_jax.step(
            state, X[:, batch], Y[:, batch], optimizer=optimizer, network=network, l2=l2
        )[0]

    X, Y = jnp.asarray(X), jnp.asarray(Y)
    batches = np.arange(M).reshape(-1, BATCH)  # in order, as it takes them without shuffling
    for alpha in alphas:
        state = mlp_jax.start(params, optimizer)
        for number in range(STEPS):
            state = step(state, batches[number % len(batches)], alpha / BATCH)
        yield state.params


def distance(a, b):
    pairs = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    return max(float(abs(x - y).max()) for x, y in pairs)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_the_parameters_after_50_steps_are_the_same(kind, solver, activation):
    for_sklearn, for_us = SOLVERS[solver]
    params, X, labels, Y, loss = problem(kind)
    a = theirs(kind, activation, params, X, labels, 1e-3, **for_sklearn)
    b, without_penalty = ours(activation, params, X, Y, loss, (1e-3, 0.0), **for_us)
    assert distance(a, b) < 1e-6
    assert distance(a, params) > 1e-3  # it moved
    assert distance(a, without_penalty) > 1e-6  # the comparison can tell


def test_scikit_learns_gradient_of_several_outputs_is_not_that_of_its_loss_and_ours_is():
    params, X, _ = random_net(0, (6, 8, 5, 3), M, scale=0.7)
    Y = np.random.default_rng(1).normal(size=(3, M))
    network = mlp_jax.Network("tanh", "squared_error")
    sgd = {"solver": "sgd", "momentum": 0.0}
    a = theirs("regression", "tanh", params, X, Y.T, 0.0, **sgd)
    (b,) = ours("tanh", params, X, Y, "squared_error", (0.0,), name="sgd")
    assert distance(a, b) < 1e-12  # the same steps, ...
    their_loss = np.mean((np.asarray(mlp_jax.forward(params, X, network=network)) - Y) ** 2) / 2
    our_cost = float(mlp_jax.cost(params, X, Y, network=network))
    assert our_cost == pytest.approx(3 * their_loss)  # ... down a cost of which it reports a third
    assert squared_loss(Y.T, np.zeros((M, 3))) == pytest.approx(np.mean(Y**2) / 2)
    assert mlp_jax.certify(params, X, Y, network=network).passed


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("assigned", [False, True])
def test_coefs_are_the_parameters_that_predict_uses(solver, assigned):
    _, X, labels, _, _ = problem("multiclass")
    for home in (sklearn.neural_network, mlp_jax):
        mlp = home.MLPClassifier((3,), solver=solver, max_iter=2, random_state=0)
        with pytest.warns(ConvergenceWarning):
            mlp.fit(X.T, labels)
        assert np.ptp(mlp.predict_proba(X.T), axis=0).max() > 1e-3
        if assigned:  # of whole numbers, too
            mlp.coefs_ = [np.zeros(W.shape, int) for W in mlp.coefs_]
            mlp.intercepts_ = [np.zeros(3), np.array([0, 0, 1])]
        else:
            for W in mlp.coefs_:
                W[:] = 0
            mlp.intercepts_[0][:] = 0
            mlp.intercepts_[1][:] = 0, 0, 1
        expected = np.broadcast_to(np.exp([0, 0, 1]) / np.exp([0, 0, 1]).sum(), (M, 3))
        np.testing.assert_allclose(mlp.predict_proba(X.T), expected, rtol=1e-12)


def test_whole_numbers_as_coefs_do_not_round_the_features():
    _, X, labels, _, _ = problem("regression")
    predicted = []
    for home in (sklearn.neural_network, mlp_jax):
        mlp = home.MLPRegressor(hidden_layer_sizes=(), solver="sgd", max_iter=1)
        with pytest.warns(ConvergenceWarning):
            mlp.fit(X.T, labels)
        mlp.coefs_, mlp.intercepts_ = [np.arange(6)[:, None]], [np.array([0.5])]
        predicted.append(mlp.predict(X.T))
    np.testing.assert_allclose(*predicted, rtol=1e-12)


def both_from(params, name, X, y, **choices):
    """(scikit-learn's estimator, ours) fitted from the same weights."""
    hidden = tuple(W.shape[1] for W, _ in params[:-1])
    base = getattr(sklearn.neural_network, name)

    class FromGivenWeights(base):
        def _init_coef(self, fan_in, fan_out, dtype):
            W, b = next(self.given)
            return W.copy(), b[:, 0].copy()

    theirs = FromGivenWeights(hidden_layer_sizes=hidden, **choices)
    theirs.given = iter(params)
    ours = getattr(mlp_jax, name)(hidden_layer_sizes=hidden, max_iter=1).fit(X, y)
    ours.set_params(warm_start=True, **choices)
    ours.coefs_, ours.intercepts_ = [W for W, _ in params], [b[:, 0] for _, b in params]
    ours.loss_curve_ = []
    return theirs.fit(X, y), ours.fit(X, y)


LABELS = {
    "a number": ("MLPRegressor", (M,), {}),
    "numbers": ("MLPRegressor", (M, 3), {}),
    "a count": ("MLPRegressor", (M,), {"loss": "poisson"}),
    "counts": ("MLPRegressor", (M, 3), {"loss": "poisson"}),
    "labels": ("MLPClassifier", (M, 3), {}),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("kind", LABELS)
def test_the_loss_is_on_scikit_learns_scale_and_tol_means_the_same(kind):
    name, shape, choices = LABELS[kind]
    params, X, _ = random_net(0, (6, 4, shape[-1] if len(shape) == 2 else 1), M, scale=0.5)
    rng = np.random.default_rng(1)
    y = rng.integers(0, 2 if name == "MLPClassifier" else 4, shape)
    theirs, ours = both_from(
        *(params, name, X.T, y),
        solver="sgd",
        momentum=0.0,
        learning_rate_init=0.02,
        alpha=3.0,  # so that the penalty is a good part of the loss
        batch_size=10,
        shuffle=False,
        max_iter=60,
        tol=2e-3,
        n_iter_no_change=2,
        **choices,
    )
    assert 4 < theirs.n_iter_ < 60  # it is tol that ended it
    assert ours.n_iter_ == theirs.n_iter_
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-12)
    assert ours.best_loss_ == pytest.approx(theirs.best_loss_, rel=1e-12)
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-12)


def test_the_loss_of_lbfgs_is_on_that_scale_too():
    X, y = random_net(0, (6, 1), M)[1].T, np.random.default_rng(1).normal(size=(M, 3))
    mlp = mlp_jax.MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=2.0, random_state=0)
    mlp.set_params(tol=1e-9).fit(X, y)
    penalty = 2.0 / 2 / M * np.sum(mlp.coefs_[0] ** 2)
    assert mlp.loss_ == pytest.approx(squared_loss(y, mlp.predict(X)) + penalty, rel=1e-12)
    # Of the gradient by which both descend the minimum is that of the sum over the outputs. scipy
    # ends where an iteration wins less than 2e-9 of the loss, some 1e-6 away from it.
    exact = np.linalg.solve(
        np.c_[X, np.ones(M)].T @ np.c_[X, np.ones(M)] + 2.0 * np.diag([1.0] * 6 + [0.0]),
        np.c_[X, np.ones(M)].T @ y,
    )
    np.testing.assert_allclose(mlp.coefs_[0], exact[:-1], atol=1e-5)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("early_stopping", [True, False])
@pytest.mark.parametrize(("tol", "epochs"), [(0.0, 20), (1e-9, 4)])
def test_a_tie_counts_as_in_scikit_learn(early_stopping, tol, epochs):
    """With a tol of 0 what is as good as the best is no loss; with any other it is one."""
    params, X, labels, _, _ = problem("binary")
    still = {"solver": "sgd", "learning_rate_init": 1e-300, "max_iter": 20, "n_iter_no_change": 3}
    still |= {"early_stopping": early_stopping, "tol": tol, "shuffle": False}
    theirs, ours = both_from(params, "MLPClassifier", X.T, labels, **still)
    assert theirs.n_iter_ == (epochs if tol == 0 else 5)
    assert ours.n_iter_ == theirs.n_iter_
