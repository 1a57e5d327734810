"""What is drawn, and what is read off it."""

import numpy as np

PNG = b"\x89PNG\r\n\x1a\n"


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def ticks(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(3, 8)), np.array([[0, 1] * 4])
PLANE = np.array([[-1.0, -1.0], [1.0, 1.0], [1.0, -1.0], [-1.0, 1.0]])
