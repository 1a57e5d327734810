"""Importance by permutation: which column decides, and that the intervals are honest."""

import json

import numpy as np
import pytest

import mlp_jax
from mlp_jax.models import permutation
from mlp_jax.models.encoding import MISSING, Column, Input, encoding_of_inputs, numbers
from mlp_jax.models.networks import as_model
from mlp_jax.models.permutation import (
    Importance,
    importance,
    importance_in,
    importance_of_inputs,
    mean_and_error,
)
from mlp_jax.parameters import Layer

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 3))
NOISE = 0.3 * RNG.normal(size=400)


def linear(W, loss="squared_error", *, encoding=None, targets=("y",), classes=None, **more):
    """A model without hidden layers, so that its losses can be told by hand."""
    W = np.array(W, float)
    encoding = numbers([f"x{k}" for k in range(1, len(W) + 1)]) if encoding is None else encoding
    params = (Layer(W, np.zeros((W.shape[1], 1))),)
    about = {"encoding": encoding, "targets": targets, "classes": classes} | more
    return as_model([(params, mlp_jax.Network("tanh", loss))], **about)


def of(found, name):
    k = found.names.index(name)
    return found.mean[k], found.low[k], found.high[k]


def test_the_column_that_decides_is_first_and_of_noise_the_interval_has_0():
    model = linear([[2.0], [0.05], [0.5]])
    found = importance(model, X, 2 * X[:, 0] + 0.5 * X[:, 2] + NOISE)
    assert [name for name, *_ in found.read()] == ["x1", "x3", "x2"]
    for name, weight in (("x1", 2.0), ("x3", 0.5)):
        _, low, high = of(found, name)
        assert 0 < low < 2 * weight**2 < high  # of a linear model: 2 w² var(x), here var(x) = 1
    _, low, high = of(found, "x2")
    assert low < 0 < high


def test_a_column_that_no_weight_leads_from_has_no_importance():
    found = importance(linear([[1.0], [0.0], [0.0]]), X, X[:, 0])
    assert of(found, "x2") == (0, 0, 0)


def test_the_rise_is_that_of_the_mean_loss_over_the_shifts():
    model = linear([[1.0], [2.0], [0.0]], mean=5.0, scale=10.0)
    y = 5 + 10 * (X @ [1.0, 2.0, 0.0]) + NOISE
    found = importance(model, X, y, repeats=2, seed=4)
    order = np.random.default_rng(4).permutation(400)
    asked, y = X[order], y[order]
    losses = []
    for shift in (0, 1, 2):
        moved = asked.copy()
        moved[:, 1] = np.roll(asked[:, 1], shift)
        losses.append(np.mean((y - model.predict(moved)) ** 2))
    assert found.loss == pytest.approx(losses[0])
    assert of(found, "x2")[0] == pytest.approx(np.mean(losses[1:]) - losses[0])
    assert (found.rows, found.repeats, found.measure) == (400, 2, "squared error")


def test_the_same_seed_gives_the_same_numbers():
    model, y = linear([[1.0], [2.0], [0.0]]), X[:, 0]
    first, same, other = (importance(model, X, y, seed=seed).mean for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)


def test_all_inputs_of_a_column_move_together():
    """One-hot inputs of which two were 1, or none, would say what no row can say."""
    columns = (Column("town", ("a", "b")), Column("age"))
    encoding = encoding_of_inputs(columns, [Input(0, 0), Input(1), Input(0, 1), Input(0, MISSING)])
    model = linear([[1.0], [0.0], [-1.0], [3.0]], encoding=encoding)
    towns = np.array(["a", "b", None] * 20, object)
    seen, own = [], type(model).outputs_of_inputs

    class Watched(type(model)):
        def outputs_of_inputs(self, X):
            seen.append(X.copy())
            return own(self, X)

    watched = Watched(**{name: getattr(model, name) for name in model.__dataclass_fields__})
    found = importance(watched, {"town": towns, "age": np.arange(60.0)}, np.zeros(60))
    assert found.names == ("town", "age")
    assert len(seen) == 1 + 2 * 5
    for moved in seen:
        assert (moved[:, [0, 2, 3]].sum(axis=1) == 1).all()
    assert of(found, "age") == (0, 0, 0)


def test_classes_have_the_log_loss():
    model = linear([[3.0], [0.0], [0.0]], "binary_cross_entropy", classes=("no", "yes"))
    y = np.where(X[:, 0] + NOISE > 0, "yes", "no")
    found = importance(model, X, y)
    P = model.predict_proba(X)
    by_hand = -np.log(np.where(y == "yes", P[:, 1], P[:, 0])).mean()
    assert found.measure == "log loss"
    assert found.loss == pytest.approx(by_hand)
    assert of(found, "x1")[1] > 0.5
    three = linear(np.eye(3), "softmax_cross_entropy", classes=(0, 1, 2))
    found = importance(three, X, X.argmax(axis=1))
    assert (found.low > 0).all()


def test_labels_quantiles_and_several_numbers_have_their_losses():
    labels = linear(np.eye(3)[:, :2], "binary_cross_entropy", targets=("a", "b"))
    found = importance(labels, X, (X[:, :2] > 0).astype(int))
    P = labels.predict_proba(X)
    assert found.loss == pytest.approx(-np.log(np.where(X[:, :2] > 0, P, 1 - P)).mean())
    quantiles = linear([[1.0, 1.0], [0, 0], [0, 0]], "pinball(0.1,0.9)")
    found = importance(quantiles, X, X[:, 0] + 1)
    assert (found.measure, found.loss) == ("pinball loss", pytest.approx((0.1 + 0.9) / 2))
    numbers = linear(np.eye(3)[:, :2], targets=("a", "b"))
    found = importance(numbers, X, X[:, :2] + [1.0, 3.0])
    assert found.loss == pytest.approx((1 + 9) / 2)


def test_of_much_work_a_sample_of_the_rows_is_asked(monkeypatch):
    model, y = linear([[1.0], [2.0], [0.0]]), X[:, 0]
    monkeypatch.setattr(permutation, "WORK", 3 * 3 * 6 * 250)
    assert importance(model, X, y).rows == 250
    monkeypatch.setattr(permutation, "WORK", 1)
    assert importance(model, X, y).rows == permutation.FEWEST
    assert importance(model, X[:100], y[:100]).rows == 100


def tried(rises_of, estimate, *, repeats=5, tables=300, m=300):
    """In how many of the tables the interval has the true rise."""
    rng, inside = np.random.default_rng(1), []
    for _ in range(tables):
        x, e = rng.normal(size=m), 0.5 * rng.normal(size=m)
        rises = np.stack([rises_of(x, np.roll(x, s), e) for s in range(1, repeats + 1)])
        mean, error = estimate(rises)
        inside.append(abs(mean - 2) < 1.96 * error)  # 2 var(x) of y = x + e
    return np.mean(inside)


def of_line(x, other, e):
    return (x + e - other) ** 2 - e**2


def test_intervals_of_95_percent_have_the_true_rise_in_95_percent_of_tables():
    share = tried(of_line, mean_and_error)
    assert abs(share - 0.95) < 3 * np.sqrt(0.95 * 0.05 / 300)


@pytest.mark.parametrize("axis", [0, 1], ids=["rows that receive alone", "permutations alone"])
def test_an_interval_of_less_than_rows_that_give_and_receive_would_be_seen(axis):
    def narrow(rises):
        means = rises.mean(axis=axis)
        return rises.mean(), means.std(ddof=1) / np.sqrt(len(means))

    assert tried(of_line, narrow) < 0.85


def test_permuting_the_neighbour_of_a_column_would_be_seen(monkeypatch):
    roll = np.roll
    model, y = linear([[2.0], [0.0], [0.0]]), 2 * X[:, 0] + NOISE
    assert importance(model, X, y).read()[0][0] == "x1"
    turned = X[:, [2, 0, 1]]  # what a place that is off by one would permute
    assert importance(model, turned, y).loss > importance(model, X, y).loss + 1
    monkeypatch.setattr(np, "roll", lambda a, shift, axis=None: roll(a, 0, axis))
    assert not importance(model, X, y).mean.any()  # nothing is permuted


def test_rows_and_inputs_give_the_same():
    model, y = linear([[2.0], [0.0], [1.0]], encoding=numbers("abc", mean=1.0, scale=2.0)), X[:, 0]
    frame = dict(zip("abc", X.T, strict=True))
    ours, theirs = importance(model, frame, y), importance_of_inputs(model, (X - 1) / 2, y)
    np.testing.assert_array_equal(ours.mean, theirs.mean)
    given = X.copy()
    importance_of_inputs(model, given, y)
    np.testing.assert_array_equal(given, X)  # and the caller's rows are as they were


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"rows": X[:2], "y": [0, 1]}, "there are 2 rows; expected 3 or more"),
        ({"y": np.zeros(4)}, r"y has shape \(4,\); expected \(400,\), the truth of every row"),
        ({"y": np.full(400, "a")}, "y holds <U1; expected finite numbers, as 'y' has"),
        ({"y": np.full(400, np.nan)}, "y holds float64; expected finite numbers"),
        ({"y": np.zeros(400), "repeats": 0}, "repeats is 0; expected a whole number from 1"),
    ],
)
def test_what_does_not_go_together_is_an_error(choices, message):
    with pytest.raises(ValueError, match=message):
        importance(linear([[1.0], [0.0], [0.0]]), **{"rows": X} | choices)


def test_a_class_that_the_model_has_not_is_an_error():
    model = linear([[1.0], [0], [0]], "binary_cross_entropy", classes=("no", "yes"))
    with pytest.raises(ValueError, match="y has 'maybe'; expected the classes of the model, 'no'"):
        importance(model, X, ["maybe"] * 400)


FOUND = Importance(
    *(("age", "town"), np.array([0.0, 21.0]), np.array([-1.0, 11.0]), np.array([3.0, 39.0])),
    *(25.0, "squared error", 200, 5),
)


def test_a_squared_error_is_read_by_its_root():
    """Sqrt(25 + 21) - 5, sqrt(25 + 11) - 5, sqrt(25 + 39) - 5; and of age."""
    (town, *of_town), (age, *of_age) = FOUND.read()
    assert (town, age) == ("town", "age")
    np.testing.assert_allclose(of_town, [46**0.5 - 5, 1, 3])
    np.testing.assert_allclose(of_age, [0, 24**0.5 - 5, 28**0.5 - 5])
    assert str(FOUND).splitlines() == [
        "the rise of the root mean squared error, 5 as it is, where a column is permuted",
        "town  1.782  (1 to 3)",
        "age   0      (-0.101 to 0.2915)",
    ]
    assert FOUND.lines(1) == ["town  1.782  (1 to 3)"]


def test_importance_comes_back_from_the_notes_of_a_model(monkeypatch):
    notes = json.loads(json.dumps({"importance": FOUND.as_notes()}))
    again = importance_in(notes)
    assert again.read() == FOUND.read()
    assert (again.rows, again.repeats, again.measure) == (200, 5, "squared error")
    monkeypatch.setattr(permutation, "NOTED", 1)
    assert FOUND.as_notes()["names"] == ["town"]


@pytest.mark.parametrize(
    "notes",
    [{}, {"importance": 3}, {"importance": {"names": ["a"]}}]
    + [{"importance": FOUND.as_notes() | more} for more in ({"names": ["a"]}, {"loss": np.nan})],
)
def test_notes_of_another_kind_have_no_importance(notes):
    assert importance_in(notes) is None
