"""The table that the command line takes where nobody names one, read without scikit-learn's code.

`sklearn.datasets` takes seconds to import, for a file of 120 kB.
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from mlp_jax.tables.table import Table

CLASSES = ("malignant", "benign")
_MEASURES = (
    *("radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity"),
    *("concave points", "symmetry", "fractal dimension"),
)
FEATURES = (  # of every nucleus' measures the mean, the error of the mean, and the largest
    *(f"mean {measure}" for measure in _MEASURES),
    *(f"{measure} error" for measure in _MEASURES),
    *(f"worst {measure}" for measure in _MEASURES),
)


def breast_cancer() -> Table:
    """The Wisconsin breast-cancer table that scikit-learn ships: 569 samples, 30 features.

    Raises:
      ModuleNotFoundError: scikit-learn is not installed.
    """
    found = find_spec("sklearn")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("No module named 'sklearn'", name="sklearn")
    path = Path(found.origin).parent / "datasets" / "data" / "breast_cancer.csv"
    rows = np.loadtxt(path, delimiter=",", skiprows=1)
    columns = {name: rows[:, place].copy() for place, name in enumerate(FEATURES)}
    return Table(columns, FEATURES, (), "class", CLASSES, rows[:, -1].astype(int))
