"""scikit-learn's own tests of its networks, run on ours.

They are taken out of the installed package: every function of `test_mlp` with our classes in place
of theirs. Left out are those that look at private names, and what they test is tested elsewhere.
"""

import types

import pytest
import sklearn.neural_network
from sklearn.neural_network.tests import test_mlp as theirs

import mlp_jax

OURS = {
    sklearn.neural_network.MLPClassifier: mlp_jax.MLPClassifier,
    sklearn.neural_network.MLPRegressor: mlp_jax.MLPRegressor,
}
LEFT_OUT = {
    "test_gradient": "calls _loss_grad_lbfgs; the certificate is our test of the gradient",
    "test_learning_rate_warmstart": "reads _optimizer; see test_inverse_scaling_is_that_of_...",
    "test_adaptive_learning_rate": "reads _optimizer; see test_the_adaptive_rate_goes_on_...",
    "test_n_iter_no_change": "reads _no_improvement_count; see test_patience_is_counted_...",
    "test_n_iter_no_change_inf": "reads _no_improvement_count; see test_patience_is_counted_...",
}

pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # as in scikit-learn's own runs
]


@pytest.fixture
def global_random_seed():
    """scikit-learn's fixture of this name, of its default."""
    return 42


def replaced(value):
    """The value with our classes in place of theirs, in lists of a parametrisation too."""
    if isinstance(value, list | tuple):
        return type(value)(replaced(one) for one in value)
    return OURS.get(value, value) if isinstance(value, type) else value


def on_ours(function):
    """The same function, whose global names are ours."""
    names = {name: replaced(value) for name, value in vars(theirs).items()}
    ours = types.FunctionType(
        function.__code__, names, function.__name__, function.__defaults__, function.__closure__
    )
    marks = getattr(function, "pytestmark", [])
    ours.pytestmark = [
        pytest.Mark(mark.name, tuple(replaced(list(mark.args))), mark.kwargs, _ispytest=True)
        for mark in marks
    ]
    return ours


TESTS = [name for name in vars(theirs) if name.startswith("test_")]
for _name in TESTS:
    if _name not in LEFT_OUT:
        globals()[_name] = on_ours(vars(theirs)[_name])


def test_what_is_left_out_is_there():
    assert set(LEFT_OUT) <= set(TESTS)
    assert len(TESTS) > 40


def test_the_tests_are_of_our_classes():
    assert test_alpha.__globals__["MLPClassifier"] is mlp_jax.MLPClassifier  # noqa: F821
    assert vars(theirs)["MLPClassifier"] is sklearn.neural_network.MLPClassifier


@pytest.mark.parametrize("allowed", [2, 10])
def test_patience_is_counted_as_in_scikit_learn(allowed):
    """n_iter_no_change epochs may go by without improvement; the next one ends it."""
    X, y = theirs.X_digits_binary[:100], theirs.y_digits_binary[:100]
    mlp = mlp_jax.MLPClassifier(
        tol=0.01, max_iter=3000, solver="sgd", n_iter_no_change=allowed, random_state=0
    ).fit(X, y)
    losses = mlp.loss_curve_
    worse = [loss > min(losses[:epoch]) - 0.01 for epoch, loss in enumerate(losses) if epoch > 0]
    assert all(worse[-allowed - 1 :])
    runs = "".join("x" if one else "." for one in worse[:-1]).split(".")
    assert max(map(len, runs)) <= allowed
