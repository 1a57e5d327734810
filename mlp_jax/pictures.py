"""Pictures, as PNG bytes, so that nothing is written until everything is ready."""

import io

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

COLOURS = "#c44e52", "#4c72b0"


def picture_of_training(
    *,
    cost: np.ndarray,
    y: np.ndarray,
    predicted: np.ndarray,
    probability: np.ndarray | None = None,
    classes: tuple[str, ...] | None = None,
) -> bytes:
    """The cost by epoch, and what was predicted of the held-out samples.

    Args:
      cost: J, one an epoch.
      y: the labels, places of classes or numbers, one a held-out sample.
      predicted: what was predicted of each.
      probability: of the second of two classes; they are then drawn by it.
      classes: their names, or None for numbers.
    """
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    curve, axes = figure.subplots(1, 2)
    curve.plot(np.arange(len(cost)), cost, color=COLOURS[1])
    curve.set(yscale="log", xlabel="epoch", ylabel="cost J (nats)", title="Training")
    curve.grid(alpha=0.3, which="both")
    if classes is None:
        axes.scatter(y, predicted, s=10, alpha=0.5, color=COLOURS[1])
        axes.axline((float(y.mean()), float(y.mean())), slope=1, color="black", linewidth=1)
        axes.set(xlabel="true", ylabel="predicted", title="Samples held out")
    elif probability is not None:
        for label in (0, 1):
            name = f"{classes[label]} ({int((y == label).sum())})"
            at = probability[y == label]
            axes.hist(at, np.linspace(0, 1, 31), color=COLOURS[label], alpha=0.7, label=name)
        axes.set(xlabel=f"probability of {classes[1]}", ylabel="held-out samples")
        axes.legend()
    else:
        right = [float((predicted[y == k] == k).mean()) for k in range(len(classes))]
        axes.bar(range(len(classes)), right, color=COLOURS[1])
        axes.set_xticks(range(len(classes)), classes)
        axes.set(ylabel="share predicted rightly", title="Samples held out")
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=120)
    return file.getvalue()
