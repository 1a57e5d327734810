"""Pictures, as PNG bytes, so that nothing is written until everything is ready."""

import io

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

COLOURS = "#c44e52", "#4c72b0"


def training_picture(
    cost: np.ndarray, scores: np.ndarray, labels: np.ndarray, classes: tuple[str, str]
) -> bytes:
    """The cost by epoch, and the held-out decision scores of the two classes.

    Args:
      cost: J, one an epoch.
      scores: z[L] of the held-out samples; the decision is z > 0.
      labels: 0 or 1, one a held-out sample.
      classes: names of label 0 and label 1.
    """
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    curve, histogram = figure.subplots(1, 2)
    curve.plot(np.arange(len(cost)), cost, color=COLOURS[1])
    curve.set(yscale="log", xlabel="epoch", ylabel="cost J (nats)", title="Training")
    curve.grid(alpha=0.3, which="both")
    edges = np.histogram_bin_edges(scores, bins=30)
    for label in (0, 1):
        histogram.hist(
            scores[labels == label],
            bins=edges,
            color=COLOURS[label],
            alpha=0.7,
            label=f"{classes[label]} ({int((labels == label).sum())})",
        )
    histogram.axvline(0, color="black", linewidth=1, linestyle="--", label="decision, z = 0")
    histogram.set(xlabel="score z", ylabel="held-out samples", title="Decision scores")
    histogram.legend()
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=120)
    return file.getvalue()
