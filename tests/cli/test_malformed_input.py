"""Malformed tables, options and files get one clear line and an exit code, and leave nothing."""

import hashlib
import json
import os

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import safetensors.numpy
from click.testing import CliRunner

from mlp_jax.cli.main import commands
from mlp_jax.models import model_file as model_files
from mlp_jax.models.encoding import numbers
from mlp_jax.models.model import Model, ModelNetwork
from mlp_jax.storage.array_files import packed
from tests.cli.tables import ROWS, columns, csv
from tests.test_malformed_calls import CALLS

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
    "one class": (spoil(kind=["yes"] * ROWS), "the target 'kind' has 1 value, 'yes'"),
    "a class for every row": (
        spoil(kind=[f"k{i}" for i in range(ROWS)]),
        "has 40 values in 40 rows, such as 'k0', too many for classes",
    ),
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
    "no feature": ("kind\nyes\nno\n", "has no feature column"),
    "features that do not vary": (
        spoil(a=[7] * ROWS, b=[""] * ROWS),
        "has no feature column that varies",
    ),
    "a ragged line": (csv(columns()) + "1,2\n", "cannot be read"),
    "a huge number": (cell("a", 5, "1e300"), "line 7, column 'a': 1e+300 is too large"),
    "a target of dates": (spoil(kind=DATES), "column 'kind' is of dates or times"),
}
TABLES |= {
    "a table without header": (
        "1.5,2,3\n4,5,6\n",
        "has no header, for line 1 has numbers: type --no-header, which names the columns 0, 1,",
    ),
    "dates that could be others": (
        spoil(a=[f"{i % 12 + 1}/{i % 11 + 1}/2024" for i in range(ROWS)]),
        "line 13, column 'a': '12/1/2024' may be 2024-01-12 or 2024-12-01, and so may all dates",
    ),
    "two currencies": (
        spoil(a=[f"{'$€'[i % 2]}{i}" for i in range(ROWS)]),
        "line 3, column 'a': '€1' is not written as '$0' is; write all numbers in one way, or type",
    ),
    "a target of dates in texts": (
        spoil(kind=US_DATES),
        "the target 'kind' is of dates, such as '1/1/2024'; make numbers of them",
    ),
    "no label at all": (spoil(kind=["?"] * ROWS), "the target 'kind' is missing in every row"),
    "one class and gaps": (
        spoil(kind=["yes", ""] * (ROWS // 2)),
        "the target 'kind' has 1 value, 'yes'; expected two classes or more",
    ),
    "nothing but names": (
        spoil(a=[f"row {i}" for i in range(ROWS)], b=[7] * ROWS),
        "beside 'kind'; left out 'a': 40 different texts in 40 rows; --categorical 'a' keeps it",
    ),
    "a workbook by another name": (
        b"PK\x03\x04" + bytes(100),
        "data.csv cannot be read: it is no whole zip file",
    ),
}
# What is refused by --strict alone.
STRICT = {
    "an infinite cell": (cell("b", 3, "inf"), "line 5, column 'b': inf is not finite"),
    "a missing label": (cell("kind", 1, ""), "line 3: the target 'kind' is missing"),
    "a class of one row": (cell("kind", 1, "maybe"), "the class 'maybe' has 1 sample, too few"),
    "two columns of a name": (csv(columns()).replace("a,b,", "a,a,"), "two columns named 'a'"),
    "too few rows": (csv({k: v[:3] for k, v in columns().items()}), "too few to hold out"),
    "dates": (spoil(a=DATES), "column 'a' is of dates or times, which a network cannot take"),
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


@pytest.mark.parametrize("case", [*TABLES, *STRICT])
def test_a_malformed_table(tmp_path, case):
    content, said = (TABLES | STRICT)[case]
    path = tmp_path / "data.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    outputs = ["--picture", str(tmp_path / "m.png"), "--output", str(tmp_path / "m.safetensors")]
    arguments = ["train", str(path), "--target", "kind", "--epochs", "20", *outputs]
    arguments += ["--strict"] if case in STRICT else []
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
    "a workbook": (
        ["train", "{}/book.xlsx", "--target", "kind"],
        'book.xlsx is no CSV or Parquet file; make one of it: python -c "import pandas; pandas.',
    ),
    "lines of JSON": (
        ["sweep", "{}/lines.jsonl", "--target", "kind"],
        "lines=True).to_csv(",
    ),
    "a target by its place": (["train", "{}/data.csv", "--target", "2"], "no column '2'; it has a"),
    "no header of no file": (["train", "--no-header"], "--no-header speaks of a file"),
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
    (tmp_path / "book.xlsx").write_bytes(b"PK")
    (tmp_path / "lines.jsonl").write_text("{}")
    there = files_of(tmp_path)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(commands, [word.format(tmp_path) for word in arguments])
    assert said in one_line(done)
    assert files_of(tmp_path) == there


def model():
    layers = ((np.ones((2, 1), np.float32), np.zeros((1, 1), np.float32)),)
    return Model(
        (ModelNetwork(layers, ()),),
        "binary_cross_entropy",
        numbers(["a", "b"]),
        ("kind",),
        ("no", "yes"),
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
    "no networks": (packed(model_files.FORMAT, {}, {}), "does not hold together: 'networks'"),
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


def test_there_are_sixty_cases_and_more():
    assert sum(map(len, (TABLES, STRICT, OPTIONS, FILES, ROWS_OF_PREDICT, CALLS))) >= 60


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
