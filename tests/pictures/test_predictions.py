"""Calibration, confusion, and numbers predicted over true ones."""

import numpy as np
import pytest

from mlp_jax import pictures
from tests.pictures.drawn import PNG, legend, ticks


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_a_dot_of_calibration_is_the_share_of_its_bin(axes):
    y = [0, 1, 1, 1, 0]
    pictures.calibration(axes, y, [0.62, 0.64, 0.66, 0.68, 0.1], name="yes")
    (line,) = [line for line in axes.get_lines() if line.get_marker() == "o"]
    np.testing.assert_allclose(line.get_xydata(), [[0.1, 0], [0.65, 0.75]])
    assert axes.get_xlabel() == "probability of yes"


def test_the_strip_has_the_rows_of_every_bin(axes):
    pictures.calibration(axes, [0, 1, 1, 1, 0], [0.62, 0.64, 0.66, 0.68, 0.1])
    low, high = axes.patches
    assert texts(axes) == ["1", "4"]
    assert high.get_height() == pytest.approx(4 * low.get_height())
    assert low.get_x() + low.get_width() / 2 == pytest.approx(0.15)
    assert high.get_y() + high.get_height() < 0


def test_how_far_off_is_the_mean_over_the_rows(axes):
    pictures.calibration(axes, [1, 1, 0], [0.95, 0.95, 0.25])
    # (2 * |1 - 0.95| + |0 - 0.25|) / 3
    assert "as it is: off by 0.117" in legend(axes)


def test_a_thin_bin_has_a_wider_interval():
    spans = []
    for count in (3, 300):
        axes = pictures.figure()[1][0]
        pictures.calibration(axes, [0, 1, 1] * count, [0.66] * 3 * count)
        low, high = axes.collections[0].get_segments()[0][:, 1]
        spans.append(high - low)
    assert spans[0] > 3 * spans[1]
    # Wilson's interval of 6 of 9 by hand: centre (6 + 1.9208) / (9 + 3.8416) = 0.6168,
    # half 1.96 sqrt(6 * 3 / 9 + 0.9604) / (9 + 3.8416) = 0.2626
    assert spans[0] == pytest.approx(2 * 0.2626, abs=1e-3)


def test_a_probability_of_1_is_in_the_last_bin(axes):
    pictures.calibration(axes, [1, 1], [1.0, 0.95])
    assert texts(axes) == ["2"]


def test_confusion_counts_true_rows_and_predicted_columns(axes):
    pictures.confusion(axes, [0, 0, 0, 1], [0, 1, 1, 1], ["cat", "dog"])
    drawn = {text.get_position(): text.get_text() for text in axes.texts}
    assert drawn == {(0, 0): "1\n33%", (1, 0): "2\n67%", (1, 1): "1\n100%"}  # (column, row)
    np.testing.assert_allclose(axes.images[0].get_array(), [[1 / 3, 2 / 3], [0, 1]])
    assert ticks(axes.yaxis) == ticks(axes.xaxis) == ["cat", "dog"]


def test_confusion_takes_names_for_numbers(axes):
    pictures.confusion(axes, ["dog", "cat"], ["dog", "dog"], ["cat", "dog"])
    assert {text.get_position() for text in axes.texts} == {(1, 1), (1, 0)}


def test_a_class_without_rows_has_no_share(axes):
    pictures.confusion(axes, [0, 0], [0, 1], ["a", "b"])
    np.testing.assert_array_equal(axes.images[0].get_array()[1], [0, 0])


def test_of_many_classes_the_share_found_stands_at_the_row(axes):
    y = np.repeat(np.arange(12), 4)
    predicted = np.where(np.arange(48) == 1, 5, y)
    pictures.confusion(axes, y, predicted, [f"c{i}" for i in range(12)])
    assert ticks(axes.yaxis)[:2] == ["c0  75%", "c1  100%"]
    assert sorted(set(texts(axes))) == ["1", "3", "4"]


def test_of_too_many_classes_the_most_confused_are_shown_and_no_row_is_lost(axes):
    rng = np.random.default_rng(3)
    y = np.concatenate([np.arange(40).repeat(5), np.full(30, 33)])
    predicted = np.concatenate([np.arange(40).repeat(5), rng.integers(0, 40, 30)])
    pictures.confusion(axes, y, predicted, [f"c{i}" for i in range(40)])
    names = ticks(axes.xaxis)
    assert len(names) == 20
    assert "c33" in names
    assert names[-1] == "21 others"
    assert axes.get_title() == "the 19 most confused of 40 classes"
    assert sum(int(text) for text in texts(axes)) == 230


def test_a_long_name_is_cut_and_a_dollar_is_no_formula(axes):
    pictures.confusion(axes, [0, 1], [0, 1], ["$\\frac$ " + "x" * 50, "<b>&\n$2$"])
    assert ticks(axes.xaxis) == ["\\$\\frac\\$ xxxxxxxxx…", "<b>& \\$2\\$"]
    assert pictures.png(axes.figure).startswith(PNG)  # matplotlib raises on $\frac$


def test_predicted_is_drawn_over_true(axes):
    pictures.predicted_and_true(axes, [1, 2, 3], [1.5, 2.0, 2.5], name="price")
    np.testing.assert_array_equal(axes.collections[0].get_offsets(), [[1, 1.5], [2, 2.0], [3, 2.5]])
    assert axes.get_xlim() == axes.get_ylim()
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("true price", "predicted price")
    assert axes.get_title() == "3 rows, R² 0.750"  # 1 - 0.5 / 2


def test_many_rows_are_counted_in_cells(axes):
    y = np.random.default_rng(0).normal(size=4000)
    pictures.predicted_and_true(axes, y, y)
    assert axes.collections[0].get_array().sum() == 4000


def test_equal_numbers_have_room_around_them(axes):
    pictures.predicted_and_true(axes, [2, 2], [2, 2])
    assert axes.get_xlim() == (1, 3)
    assert axes.get_title() == "2 rows"


def test_the_band_has_the_rows_whose_true_number_is_within_its_half_width(axes):
    pictures.predicted_and_true(axes, [0.0, 1, 2, 10], [0.5, 2.0, 4.0, 10.0], half_width=1.0)
    assert legend(axes) == ["± 1: 75.0% of the rows"]
    corners = axes.collections[-1].get_paths()[0].vertices
    np.testing.assert_allclose(np.unique(np.abs(corners[:, 1] - corners[:, 0]).round(9)), [1])
    without = pictures.predicted_and_true(pictures.figure()[1][0], [1, 2], [1, 2])
    assert without.get_legend() is None


@pytest.mark.parametrize("half_width", [-1.0, np.inf, np.nan])
def test_a_band_of_no_width_that_can_be_drawn_is_an_error(axes, half_width):
    with pytest.raises(ValueError, match=r"half_width is .*; expected a number from 0, or None"):
        pictures.predicted_and_true(axes, [1, 2], [1, 2], half_width=half_width)
