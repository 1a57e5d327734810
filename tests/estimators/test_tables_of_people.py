"""Frames as people have them, and targets with gaps, in TableClassifier and TableRegressor."""

import warnings

import numpy as np
import pandas
import pytest
from sklearn.model_selection import KFold

from mlp_jax import TableClassifier, TableRegressor

SPACE = {"hidden": [(4,)], "learning_rate": [0.03], "batch_size": [16]}
FEW = {"space": SPACE, "cv": 2, "epochs": 2, "random_state": 0}
ROWS = np.arange(60)
FRAME = pandas.DataFrame(
    {
        "name": [f"Ann {i}" for i in ROWS],
        "size": [f"{1000 + i:,}" if i % 7 else "?" for i in ROWS],
        "sold": pandas.date_range("2024-01-01", periods=60, freq="31h").strftime("%d/%m/%Y %H:%M"),
        "far": np.where(ROWS % 9, ROWS / 2, np.inf),
    }
)
KIND = np.where(ROWS % 3, "dear", "cheap").astype(object)
PRICE = 10.0 * ROWS
MISSING = ROWS % 20 == 3  # 3 rows


def fitted(estimator, X, y, *said, **more):
    with pytest.warns(UserWarning, match="left out") as warned:
        found = estimator.fit(X, y, **more)
    assert [str(one.message).partition(";")[0] for one in warned] == list(said)
    return found


NAMES = "left out 'name': 60 different texts in 60 rows"
FEWER = "left out 'name': 57 different texts in 57 rows"
GONE = "left out 3 of 60 rows, which have no 'target'"


def test_what_was_made_of_a_frame_is_in_its_notes_and_what_was_lost_is_warned_of():
    found = fitted(TableClassifier(**FEW), FRAME, KIND, NAMES)
    assert [note.partition(" (")[0] for note in found.notes_] == [
        f"{NAMES}; categorical=['name'] keeps it",
        "read as numbers: 'size'",
        "read as gaps: 'size'",
        "read as dates, whose year, month, weekday, hour and so on are inputs: 'sold'",
    ]
    assert "'far' ('inf' 7 times)" in found.notes_[2]
    assert [column.of for column in found.model_.encoding.columns if column.name == "sold: hour"]
    typed = FRAME.assign(
        sold=pandas.to_datetime(FRAME["sold"], dayfirst=True),
        far=FRAME["far"].replace(np.inf, np.nan),
        size=[1000.0 + i if i % 7 else None for i in ROWS],
    )
    np.testing.assert_array_equal(found.predict_proba(typed), found.predict_proba(FRAME))


def test_nothing_is_warned_of_where_nothing_is_lost():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        TableClassifier(**FEW).fit(FRAME.drop(columns="name"), KIND)


@pytest.mark.parametrize("gap", [None, np.nan, pandas.NA, "?", ""])
def test_rows_whose_class_is_missing_are_left_out(gap):
    y = KIND.copy()
    y[MISSING] = gap
    found = fitted(TableClassifier(**FEW), FRAME, y, GONE, FEWER)
    alone = fitted(TableClassifier(**FEW), FRAME[~MISSING], KIND[~MISSING], FEWER)
    np.testing.assert_array_equal(found.predict_proba(FRAME), alone.predict_proba(FRAME))
    assert found.classes_.tolist() == ["cheap", "dear"]
    assert found.notes_[0] == GONE


@pytest.mark.parametrize("kind", [list, np.asarray, pandas.Series])
def test_rows_whose_number_is_missing_are_left_out_with_their_weights(kind):
    y, weights = PRICE.copy(), 1.0 + ROWS
    y[MISSING], weights[MISSING] = np.nan, 1e9
    found = fitted(TableRegressor(**FEW), FRAME, kind(y), GONE, FEWER, sample_weight=weights)
    alone = fitted(
        *(TableRegressor(**FEW), FRAME[~MISSING], PRICE[~MISSING], FEWER),
        sample_weight=weights[~MISSING],
    )
    np.testing.assert_array_equal(found.predict(FRAME), alone.predict(FRAME))


def test_numbers_to_predict_may_be_written_as_people_do():
    y = [
        f"${price:,.2f}" if not gone else "n/a" for price, gone in zip(PRICE, MISSING, strict=True)
    ]
    found = fitted(TableRegressor(**FEW), FRAME, y, GONE, FEWER)
    alone = fitted(TableRegressor(**FEW), FRAME[~MISSING], PRICE[~MISSING], FEWER)
    np.testing.assert_array_equal(found.predict(FRAME), alone.predict(FRAME))


def test_folds_of_indices_do_not_go_with_rows_that_are_left_out():
    y = np.where(MISSING, np.nan, PRICE)
    pairs = list(KFold(2).split(FRAME))
    with pytest.raises(ValueError, match="y is missing in 3 rows, which would be left out, and cv"):
        TableRegressor(**(FEW | {"cv": pairs})).fit(FRAME, y)
    with pytest.raises(ValueError, match="y is missing in every row"):
        TableRegressor(**FEW).fit(FRAME, np.full(60, np.nan))
    fitted(TableRegressor(**(FEW | {"cv": KFold(2)})), FRAME, y, GONE, FEWER)


def test_strict_refuses_gaps_in_y_and_names():
    strict = FEW | {"strict": True}
    with pytest.raises(ValueError, match="NaN"):
        TableRegressor(**strict).fit(FRAME[["far"]], np.where(MISSING, np.nan, PRICE))
    with pytest.raises(ValueError, match="X: column 'name' has 60 different texts in 60 rows"):
        TableRegressor(**strict).fit(FRAME, PRICE)
    with pytest.raises(ValueError, match="X, row 1, column 'far': inf is not finite"):
        TableRegressor(**strict).fit(FRAME[["far"]], PRICE)


def test_columns_of_one_name_are_told_apart_in_fit_and_predict():
    X = FRAME[["far", "size"]].set_axis(["a", "a"], axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = TableRegressor(**FEW).fit(X, PRICE)
    assert found.notes_[0] == "columns have the same names: the second 'a' is 'a.1'"
    np.testing.assert_array_equal(found.predict(X), found.model_.predict(X))
