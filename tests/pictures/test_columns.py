"""The picture of the importance of columns."""

import numpy as np
import pytest

from mlp_jax import pictures
from mlp_jax.pictures.input import BLUE, GREY
from tests.pictures.drawn import PNG, ticks


def colours(axes):
    return [to_hex(bar.get_facecolor()) for bar in axes.patches]


def to_hex(colour):
    return "#" + "".join(f"{round(255 * part):02x}" for part in colour[:3])


def test_a_bar_a_column_the_most_important_on_top(axes):
    pictures.importance(
        axes, ["age", "town", "x"], [0.1, 0.5, -0.1], [0.05, 0.4, -0.3], [0.15, 0.6, 0.1]
    )
    assert ticks(axes.yaxis) == ["town", "age", "x"]
    assert [bar.get_width() for bar in axes.patches] == [0.5, 0.1, -0.1]
    at = [bar.get_y() + bar.get_height() / 2 for bar in axes.patches]
    np.testing.assert_allclose(at, [0, 1, 2])
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # downwards


def test_intervals_are_drawn_over_their_bars(axes):
    pictures.importance(axes, ["age", "town"], [0.1, 0.5], [0.05, 0.4], [0.15, 0.6])
    segments = axes.collections[0].get_segments()
    np.testing.assert_allclose(segments, [[[0.4, 0], [0.6, 0]], [[0.05, 1], [0.15, 1]]])


def test_a_column_whose_interval_has_0_is_grey(axes):
    pictures.importance(axes, "abc", [0.3, 0.2, 0.1], [0.1, 0.0, -0.1], [0.5, 0.4, 0.3])
    assert colours(axes) == [BLUE, GREY, GREY]


def test_of_many_columns_the_most_important_are_drawn(axes):
    rise = np.arange(45.0)
    pictures.importance(axes, [f"c{k}" for k in range(45)], rise, rise, rise, measure="log loss")
    assert ticks(axes.yaxis) == [f"c{k}" for k in range(44, 24, -1)]
    assert axes.get_title() == "the first 20 of 45 columns"
    assert axes.get_xlabel() == "rise of the log loss (lines: 95 %)"


def test_a_name_of_a_column_is_drawn_to_the_letter(axes):
    pictures.importance(axes, ["$\\frac$", "b" * 50], [2, 1], [2, 1], [2, 1])
    assert ticks(axes.yaxis)[0] == "\\$\\frac\\$"
    assert len(ticks(axes.yaxis)[1]) == 28
    assert pictures.png(axes.figure).startswith(PNG)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["a"], [1.0], [2.0], [1.5]), r"low\[0\] is 2 and high\[0\] 1.5; exchange them"),
        ((["a", "b"], [1.0], [1.0], [1.0]), "names has length 2 and rise 1; expected the same"),
        ((["a"], [1.0], [1.0, 2.0], [1.0]), "low has length 2 and rise 1; expected the same"),
        ((["a"], [np.nan], [1.0], [1.0]), r"rise\[0\] is nan; expected finite numbers"),
    ],
)
def test_what_cannot_be_drawn_is_an_error(axes, arguments, message):
    with pytest.raises(ValueError, match=message):
        pictures.importance(axes, *arguments)
