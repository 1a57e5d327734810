"""Malformed input gets one clear line and an exit code or a ValueError, and leaves nothing behind.

A case each: tables, options, model files, frames and parameters.
"""

import hashlib
import json
import os
import traceback

import numpy as np
import pandas
import pyarrow
import pyarrow.parquet
import pytest
import safetensors.numpy
from click.testing import CliRunner

import mlp_jax
from mlp_jax.cli.main import commands
from mlp_jax.models import model as model_files
from mlp_jax.models.encoding import numbers
from mlp_jax.storage.array_files import packed
from tests.cli.test_train import ROWS, columns, csv

DATES = [f"2024-01-{day % 28 + 1:02d}" for day in range(ROWS)]
US_DATES = [f"{day % 28 + 1}/1/2024" for day in range(ROWS)]


def spoil(**changes):
    return csv(columns() | changes)


def cell(name, row, value):
    column = columns()[name]
    column[row] = value
    return spoil(**{name: column})


TABLES = {
    "a cell that is no number": (cell("a", 5, "abc"), "line 7, column 'a': 'abc' is not a number"),
    "an infinite cell": (cell("b", 3, "inf"), "line 5, column 'b': inf is not finite"),
    "a missing label": (cell("kind", 1, ""), "line 3: the target 'kind' is missing"),
    "one class": (spoil(kind=["yes"] * ROWS), "the target 'kind' has 1 value, 'yes'"),
    "a class for every row": (
        spoil(kind=[f"k{i}" for i in range(ROWS)]),
        "has 40 values in 40 rows, such as 'k0', too many for classes",
    ),
    "a class of one row": (cell("kind", 1, "maybe"), "the class 'maybe' has 1 sample, too few"),
    "a table without rows": ("a,b,kind\n", "has no rows"),
    "an empty file": ("", "is empty"),
    "a file of zeros": ("\0" * 100, "the target 'kind'|no column 'kind'|cannot be read"),
    "bytes that are no text": (
        b"\xff\xfea,kind\n\xff,1\n\xfe,0\n",
        "cannot be read: it is no text in UTF-8",
    ),
    "a column that is not UTF-8": (
        spoil(a=["é", "è"] * (ROWS // 2)).encode("latin-1"),
        "column 'a' cannot be read: it is no text in UTF-8; save it as UTF-8, or type --drop 'a'",
    ),
    "a target that is not UTF-8": (
        spoil(kind=["é", "è"] * (ROWS // 2)).encode("latin-1"),
        "column 'kind' cannot be read: it is no text in UTF-8; save it as UTF-8; or choose",
    ),
    "two columns of a name": (csv(columns()).replace("a,b,", "a,a,"), "two columns named 'a'"),
    "no feature": ("kind\nyes\nno\n", "has no feature column"),
    "features that do not vary": (
        spoil(a=[7] * ROWS, b=[""] * ROWS),
        "has no feature column that varies",
    ),
    "a ragged line": (csv(columns()) + "1,2\n", "cannot be read"),
    "too few rows": (csv({k: v[:3] for k, v in columns().items()}), "too few to hold out"),
    "dates": (spoil(a=DATES), "column 'a' is of dates or times, which a network cannot take"),
    "a huge number": (cell("a", 5, "1e300"), "line 7, column 'a': 1e+300 is too large"),
    "a target of dates": (spoil(kind=DATES), "column 'kind' is of dates or times"),
    "decimal commas": (
        spoil(a=[f'"{i},5"' for i in range(ROWS)]),
        "line 2, column 'a': '0,5' is written with a decimal comma",
    ),
    "commas between thousands": (
        spoil(a=[f'"{i},234,567.8"' for i in range(ROWS)]),
        "'0,234,567.8' is written with a decimal comma, or with commas between thousands",
    ),
    "a target of decimal commas": (
        spoil(kind=[f'"{i % 5},5"' for i in range(ROWS)]),
        "line 2, column 'kind': '0,5' is written with a decimal comma",
    ),
    "dates as they are written in some places": (spoil(a=US_DATES), "column 'a' is of dates, such"),
    "a name for every row": (
        spoil(a=[f"row {i}" for i in range(ROWS)]),
        "column 'a' has 40 different texts in 40 rows, more names than categories",
    ),
}


def one_line(done, code=2):
    assert done.exit_code == code, done.output
    assert "Traceback" not in done.output
    [line] = [line for line in done.stderr.splitlines() if line.startswith("mlp-jax: ")]
    return line


@pytest.mark.parametrize("case", TABLES)
def test_a_malformed_table(tmp_path, case):
    content, said = TABLES[case]
    path = tmp_path / "data.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    outputs = ["--picture", str(tmp_path / "m.png"), "--output", str(tmp_path / "m.safetensors")]
    arguments = ["train", str(path), "--target", "kind", "--epochs", "20", *outputs]
    done = CliRunner().invoke(commands, arguments)
    matches(said, one_line(done))
    assert list(tmp_path.iterdir()) == [path]


def matches(said, line):
    assert any(part in line for part in said.split("|")), line


OPTIONS = {
    "no such file": (["train", "nowhere.csv", "--target", "y"], "nowhere.csv does not exist"),
    "a folder": (
        ["train", "{}", "--target", "y"],
        "is not a file that ends in .csv, .tsv or .parquet",
    ),
    "no target": (["train", "{}/data.csv"], "is to be predicted? type --target NAME; it has "),
    "no target and no file": (["sweep", "nowhere.csv"], "nowhere.csv does not exist"),
    "a misspelt target": (
        ["train", "{}/data.csv", "--target", "kin"],
        "no column 'kin'; did you mean 'kind'?",
    ),
    "a misspelt column": (
        ["train", "{}/data.csv", "--target", "kind", "--drop", "id"],
        "no column 'id'",
    ),
    "the target left out": (
        ["train", "{}/data.csv", "--target", "kind", "--drop", "kind"],
        "'kind' is the target",
    ),
    "a target of classes and of numbers": (
        ["train", "{}/data.csv", "--target=kind", "--categorical=kind", "--task=regression"],
        "--categorical 'kind' says that the target is of classes, --task regression",
    ),
    "an option without a file": (["train", "--target", "y"], "--target speaks of a file"),
    "words as numbers": (
        ["train", "{}/data.csv", "--target", "kind", "--task", "regression"],
        "column 'kind': 'no' is not a number",
    ),
    "odd hidden layers": (
        ["train", "{}/data.csv", "--target", "kind", "--hidden", "8,x"],
        "--hidden is '8,x'",
    ),
    "a rate too large": (
        ["train", "{}/data.csv", "--target", "kind", "--learning-rate", "1e30"],
        "training diverged in epoch",
    ),
    "a table beyond the budget": (
        ["train", "{}/large.parquet", "--target", "y", "--memory", "1"],
        "60,000 rows of 2 columns, which take some 4.58 MiB; the budget for a table is 1.00 MiB",
    ),
    "no folder for the page": (["sweep", "--report", "{}/none/page.html"], "is no folder to write"),
    "the data as output": (
        ["train", "{}/data.csv", "--target", "kind", "--output", "{}/data.csv"],
        "data.csv would be written over, and is needed: type another name",
    ),
    "model and picture in one file": (
        ["train", "{}/data.csv", "--target", "kind", "--output", "{}/m", "--picture", "{}/m"],
        "would be written over",
    ),
    "a pipe as output": (
        ["train", "{}/data.csv", "--target", "kind", "--output", "{}/pipe"],
        "is there, and no file that could be replaced",
    ),
    "a share that is none": (
        ["train", "{}/data.csv", "--target", "kind", "--held-out", "nan"],
        "--held-out is nan; expected a share",
    ),
    "a layer beyond all bounds": (
        ["train", "{}/data.csv", "--target", "kind", "--hidden", "9" * 20],
        "expected integers from 1 to 65536",
    ),
    "a misspelt optimizer": (["train", "--optimizer", "sdg"], "Invalid value for '--optimizer'"),
    "a misspelt command": (["trian"], "No such command 'trian'"),
    "a misspelt choice": (["sweep", "--space", "{}/space.toml"], "did you mean 'width'"),
    "a table that is no sweep's": (
        ["sweep", "{}/data.csv", "--target", "kind", "--task", "regression"],
        "'no' is not a number",
    ),
}


def files_of(folder):
    """What would show that a file was written to; not the time of the last reading."""
    states = {path: path.lstat() for path in folder.iterdir()}
    return {path: (s.st_ino, s.st_mode, s.st_size, s.st_mtime_ns) for path, s in states.items()}


@pytest.mark.parametrize("case", OPTIONS)
def test_options_that_do_not_fit(tmp_path, case, monkeypatch):
    arguments, said = OPTIONS[case]
    (tmp_path / "data.csv").write_text(csv(columns()))
    (tmp_path / "space.toml").write_text("witdh = [3]")
    large = pyarrow.table({"x": np.arange(60000.0), "y": np.arange(60000.0)})
    pyarrow.parquet.write_table(large, tmp_path / "large.parquet")
    os.mkfifo(tmp_path / "pipe")
    there = files_of(tmp_path)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(commands, [word.format(tmp_path) for word in arguments])
    assert said in one_line(done)
    assert files_of(tmp_path) == there


def model():
    layers = ((np.ones((2, 1), np.float32), np.zeros((1, 1), np.float32)),)
    return model_files.Model(
        layers, (), "binary_cross_entropy", numbers(["a", "b"]), ("kind",), ("no", "yes")
    )


def packed_header(text):
    """A file of no arrays, with this header and its SHA-256."""
    metadata = {"mlp_jax": text, "sha256": hashlib.sha256(text.encode()).hexdigest()}
    return safetensors.numpy.save({}, metadata=metadata)


CONTENT = model_files.to_bytes(model())
FILES = {
    "a file cut short": (CONTENT[:-3], "no whole safetensors file"),
    "an empty file": (b"", "no whole safetensors file"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(100), "no whole safetensors file"),
    "a changed weight": (CONTENT[:-1] + b"\x01", "its SHA-256 differs"),
    "a length beyond the file": (b"\xff" * 8 + CONTENT[8:], "no whole safetensors file"),
    "a format to come": (packed("mlp_jax.model/9", {}, {}), "has format 'mlp_jax.model/9'"),
    "a header that is no object": (packed_header("[1]"), "has a header that is no object"),
    "no sizes": (packed(model_files.FORMAT, {}, {}), "does not hold together: 'sizes'"),
}


@pytest.mark.parametrize("case", FILES)
@pytest.mark.parametrize("command", ["info", "predict"])
def test_a_malformed_model_file(tmp_path, case, command):
    content, said = FILES[case]
    path = tmp_path / "m.safetensors"
    path.write_bytes(content)
    (tmp_path / "data.csv").write_text(csv(columns()))
    data = [str(tmp_path / "data.csv"), "--output", str(tmp_path / "p.csv")]
    arguments = [command, str(path), *(data if command == "predict" else [])]
    line = one_line(CliRunner().invoke(commands, arguments))
    assert said in line
    assert "a model written by mlp_jax" in line
    assert not (tmp_path / "p.csv").exists()


ROWS_OF_PREDICT = {
    "a missing column": ("a\n1\n", [], "no column 'b', which the model was trained with"),
    "a word for a number": ("a,b\n1,2\n1,x\n", [], "line 3, column 'b': 'x' is not a number"),
    "a missing number": ("a,b\n1,2\n1,\n", [], "row 2: 'b' is missing"),
    "no such id": ("a,b\n1,2\n", ["--id", "name"], "no column 'name'; it has a, b"),
    "no rows": ("a,b\n", [], "has no rows"),
    "a number beyond 32 bits": ("a,b\n1,2\n1e50,2\n", [], "row 2: 'a' is 1e+50 when standardised"),
    "an id like a prediction": (
        "a,b,predicted kind\n1,2,3\n",
        ["--id", "predicted kind"],
        "two columns would be named 'predicted kind'",
    ),
    "an id like a probability": (
        "a,b,probability of yes\n1,2,3\n",
        ["--id", "probability of yes"],
        "two columns would be named 'probability of yes'",
    ),
    "an odd file to write": ("a,b\n1,2\n", ["--output", "p.txt"], "does not end in .csv or .parq"),
    "two places to write to": ("a,b\n1,2\n", ["--output", "p.csv", "--json"], "type one of them"),
}


@pytest.mark.parametrize("case", ROWS_OF_PREDICT)
def test_rows_that_a_model_cannot_take(tmp_path, case, monkeypatch):
    content, options, said = ROWS_OF_PREDICT[case]
    (tmp_path / "m").write_bytes(CONTENT)
    (tmp_path / "data.csv").write_text(content)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(commands, ["predict", "m", "data.csv", *options])
    assert said in one_line(done)
    assert not done.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"m", "data.csv"}


pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X = np.random.default_rng(0).normal(size=(20, 2))
Y = np.where(X[:, 0] > 0, "yes", "no")
SPACE = {"hidden_layer_sizes": [(2,), (3,)]}


def classifier(**parameters):
    return mlp_jax.MLPClassifier(**{"max_iter": 1, "random_state": 0} | parameters)


def spoilt(place, value):
    table = X.copy()
    table[place] = value
    return table


CALLS = {
    "a frame of words": (
        lambda: classifier().fit(pandas.DataFrame({"a": list("xy") * 10}), Y),
        "x",
    ),
    "a frame with a gap": (lambda: classifier().fit(spoilt((3, 1), np.nan), Y), "contains NaN"),
    "an infinite cell": (lambda: classifier().fit(spoilt((3, 1), np.inf), Y), "infinity"),
    "a single column as a row": (lambda: classifier().fit(X[:, 0], Y), "1D array"),
    "labels of another length": (lambda: classifier().fit(X, Y[:7]), r"\[20, 7\]"),
    "missing labels": (lambda: classifier().fit(X, np.full(20, np.nan)), "NaN"),
    "numbers as classes": (lambda: classifier().fit(X, X[:, 0]), "continuous"),
    "words as numbers": (lambda: mlp_jax.MLPRegressor().fit(X, Y), "could not convert|no"),
    "no units": (lambda: classifier(hidden_layer_sizes=(0,)).fit(X, Y), "hidden_layer_sizes"),
    "a misspelt activation": (lambda: classifier(activation="rleu").fit(X, Y), "rleu"),
    "a misspelt solver": (lambda: classifier(solver="adma").fit(X, Y), "solver is 'adma'"),
    "a negative penalty": (lambda: classifier(alpha=-1).fit(X, Y), "alpha is -1; expected"),
    "all of it dropped": (lambda: classifier(dropout=1.0).fit(X, Y), "dropout is 1.0; expected"),
    "weights below zero": (lambda: classifier().fit(X, Y, -np.ones(20)), "[Nn]egative"),
    "half a validation set": (lambda: classifier().fit(X, Y, X_val=X), "belong together"),
    "another width": (lambda: classifier().fit(X, Y).predict(X[:, :1]), "1 features"),
    "a search over an empty list": (
        lambda: mlp_jax.SweepCV(classifier(), {"alpha": []}).fit(X, Y),
        "alpha",
    ),
    "a search of no candidates": (
        lambda: mlp_jax.SweepCV(classifier(), SPACE, n_iter=0).fit(X, Y),
        "n_iter",
    ),
    "units beyond all bounds": (
        lambda: classifier(hidden_layer_sizes=(10**20,)).fit(X, Y),
        "hidden_layer_sizes",
    ),
    "a model file that is a folder": (
        lambda: mlp_jax.save_model(classifier().fit(X, Y), "/tmp"),
        "is no folder to write tmp to",
    ),
    "an export of an estimator": (
        lambda: mlp_jax.export_model(classifier(), "m"),
        "model is of type MLPClassifier; expected a Model: type mlp_jax.model_of",
    ),
    "a search over a misspelt name": (
        lambda: mlp_jax.SweepCV(classifier(), {"hiden_layer_sizes": [3, 4]}, n_iter=2).fit(X, Y),
        "hidden_layer_sizes",
    ),
    "more folds than samples": (
        lambda: mlp_jax.SweepCV(classifier(), SPACE, n_iter=None, cv=30).fit(X, Y),
        "n_splits=30",
    ),
    "a sweep of words": (
        lambda: mlp_jax.sweep([["a"], ["b"]], [0, 1], {"width": [2]}, epochs=1),
        "encode words as numbers",
    ),
    "a sweep of a table on its side": (
        lambda: mlp_jax.sweep(X.T, Y, {"width": [2]}, epochs=1),
        "rows are samples here: type X.T",
    ),
    "a sweep over a misspelt name": (
        lambda: mlp_jax.sweep(X, Y, {"widht": [2]}, epochs=1),
        "did you mean 'width'",
    ),
    "a rate of zero and less": (
        lambda: mlp_jax.sweep(X, Y, {"width": [2], "learning_rate": [-0.1]}, epochs=1),
        "learning_rate",
    ),
    "too little memory": (
        lambda: mlp_jax.sweep(X, Y, {"width": [2]}, epochs=1, memory=10),
        "memory",
    ),
    "rows for columns": (
        lambda: mlp_jax.fit(
            mlp_jax.init(0, (2, 1)), X, (Y == "yes")[None], optimizer="sgd", epochs=1
        ),
        "columns are examples|X.T",
    ),
    "labels beyond the loss": (
        lambda: mlp_jax.fit(
            mlp_jax.init(0, (2, 1)), X.T, np.full((1, 20), 3.0), optimizer="sgd", epochs=1
        ),
        "0 to 1|0 and 1",
    ),
    "a misspelt optimizer": (
        lambda: mlp_jax.fit(
            mlp_jax.init(0, (2, 1)), X.T, (Y == "yes")[None], optimizer="sdg", epochs=1
        ),
        "sgd",
    ),
    "a misspelt loss": (lambda: mlp_jax.Network(loss="mse"), "squared_error"),
}


@pytest.mark.parametrize("case", CALLS)
def test_a_call_that_does_not_fit(case):
    call, said = CALLS[case]
    with pytest.raises(ValueError, match=said) as error:
        call()
    deepest = traceback.extract_tb(error.value.__traceback__)[-1].filename
    assert "/jax/" not in deepest
    assert "/jaxlib/" not in deepest


X32, ONE, BELOW = X.astype(np.float32), np.int64(1), np.float64(-1.0)
GRID = {"folds": 2, "epochs": 2, "progress": False}
SCALARS = {  # a call that does not fit, and what it says of a NumPy number in it
    "one class": (
        lambda: mlp_jax.sweep(X, [ONE] * 20, {"width": 2}, **GRID),
        "y has the one class 1;",
    ),
    "a class_weight of a class that is none": (
        lambda: mlp_jax.sweep(X, np.arange(20) % 2, {"class_weight": {np.int64(7): 1.0}}, **GRID),
        r"class_weight names 7; the classes are \[0, 1\]",
    ),
    "a class_weight below 0": (
        lambda: mlp_jax.sweep(X, np.arange(20) % 2, {"class_weight": {ONE: BELOW}}, **GRID),
        "class_weight of 1 is -1.0;",
    ),
    "class weights": (
        lambda: mlp_jax.class_weights(np.array([[0, 1]]), {ONE: np.float32(2)}),
        r"class weights \{1: 2.0\} have none for class 0",
    ),
    "a class_weight in a search": (
        lambda: mlp_jax.SweepCV(
            mlp_jax.MLPClassifier((2,)), {"class_weight": [{np.int64(7): 1.0}]}, n_iter=None, cv=2
        ).fit(X, np.arange(20) % 2),
        r"class_weight names 7; the classes are \[0, 1\]",
    ),
    "classes of partial_fit": (
        lambda: (
            mlp_jax.MLPClassifier((2,))
            .partial_fit(X, np.arange(20) % 2, classes=[0, 1])
            .partial_fit(X, np.arange(20) % 2, classes=[ONE, np.int64(2)])
        ),
        r"`classes=\[1, 2\]` is not the same as",
    ),
    "alpha": (lambda: mlp_jax.MLPClassifier(alpha=BELOW).fit(X, Y), "alpha is -1.0;"),
    "hidden_layer_sizes": (
        lambda: mlp_jax.MLPClassifier((np.int64(0), 4)).fit(X, Y),
        r"hidden_layer_sizes must be > 0, got \(0, 4\);",
    ),
    "warm_start": (lambda: mlp_jax.MLPClassifier(warm_start=ONE).fit(X, Y), "warm_start is 1;"),
    "sizes": (lambda: mlp_jax.init(0, (np.int64(0), 1)), r"sizes is \(0, 1\);"),
    "a learning rate": (
        lambda: mlp_jax.optimizer("sgd", learning_rate=np.float32(-0.1)),
        "learning_rate is -0.1;",
    ),
    "l2": (
        lambda: mlp_jax.fit(
            mlp_jax.init(0, (2, 1)), X32.T, np.ones((1, 20)), optimizer="sgd", epochs=1, l2=BELOW
        ),
        "l2 is -1.0;",
    ),
    "a share": (
        lambda: mlp_jax.sweep(X, np.arange(20) % 2, {"width": 2}, validation=np.float64(1.5)),
        "validation is 1.5 of 20 examples",
    ),
    "folds": (
        lambda: mlp_jax.sweep(X, np.arange(20) % 2, {"width": 2}, folds=ONE),
        "folds is 1 for 20",
    ),
    "a uniform": (lambda: mlp_jax.uniform(ONE, BELOW), r"uniform\(1, -1.0\)"),
    "n": (lambda: mlp_jax.sweep(X, np.arange(20) % 2, {"width": 2}, n=np.int64(0)), "n is 0;"),
    "a shard": (
        lambda: mlp_jax.sweep(X, np.arange(20) % 2, {"width": 2}, shard=(np.int64(4), np.int64(4))),
        r"shard is \(4, 4\);",
    ),
    "a quantile": (lambda: mlp_jax.pinball(np.float32(1.5)), r"quantiles are \(1.5,\);"),
}


@pytest.mark.parametrize("case", SCALARS)
def test_a_numpy_number_is_said_as_it_is_typed(case):
    call, said = SCALARS[case]
    with pytest.raises(ValueError, match=said) as error:
        call()
    assert "np." not in str(error.value)


def test_a_candidate_that_diverged_is_said_as_it_is_typed():
    mlp = mlp_jax.MLPRegressor(hidden_layer_sizes=(), solver="sgd", n_iter_no_change=np.inf)
    space = {"learning_rate_init": np.array([1e9])}
    search = mlp_jax.SweepCV(mlp, space, n_iter=None, cv=2, error_score="raise")
    with pytest.raises(
        ValueError, match=r"candidate 0 diverged in fold 0: .*: 1000000000.0,"
    ) as error:
        search.fit(X, X[:, 0])
    assert "np." not in str(error.value)


def test_numbers_of_numpy_are_taken_where_pythons_are(tmp_path):
    y = np.arange(20) % 2
    choices = {"epochs": np.int64(1), "progress": False, "checkpoint": tmp_path / "sweep"}
    share, seconds = np.float32(0.5), np.int64(9)
    result = mlp_jax.sweep(
        X, y, {"width": 2}, validation=share, checkpoint_seconds=seconds, **choices
    )
    assert len(result.task.splits[0][1]) == 10
    params, labels = mlp_jax.init(0, (2, 1)), y[None] * 1.0
    _, info = mlp_jax.fit(
        params, X32.T, labels, optimizer="sgd", epochs=1, validation=np.float32(0.5), key=0
    )
    assert np.isfinite(info.validation_loss).all()


def test_there_are_fifty_cases_and_more():
    assert sum(map(len, (TABLES, OPTIONS, FILES, ROWS_OF_PREDICT, CALLS))) >= 50


def test_what_is_well_formed_is_taken(tmp_path):
    """The cases above fail for what is wrong with them, not for what they share."""
    path = tmp_path / "data.csv"
    path.write_text(csv(columns()))
    outputs = ["--picture", str(tmp_path / "m.png"), "--output", str(tmp_path / "m.safetensors")]
    arguments = ["train", str(path), "--target", "kind", "--epochs", "20", *outputs, "--json"]
    done = CliRunner().invoke(commands, arguments)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["classes"] == ["no", "yes"]
    (tmp_path / "m").write_bytes(CONTENT)
    arguments = ["predict", str(tmp_path / "m"), str(path), "--output", str(tmp_path / "p.csv")]
    assert CliRunner().invoke(commands, arguments).exit_code == 0
    assert (tmp_path / "p.csv").read_text().startswith('"predicted kind"')
