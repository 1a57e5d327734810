"""The command line as a stranger types it: it trains, it checks, and it refuses in one line."""

import json
import subprocess
import sys

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from click.testing import CliRunner

from mlp_jax import model_files
from mlp_jax.cli import commands

ROWS = 40


def columns():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, ROWS))
    kind = np.where(a + b > 0, "yes", "no")
    return {"a": a.tolist(), "b": b.tolist(), "kind": kind.tolist()}


def csv(table):
    lines = [
        ",".join(table),
        *(",".join(map(str, row)) for row in zip(*table.values(), strict=True)),
    ]
    return "\n".join(lines) + "\n"


def run(folder, *arguments):
    outputs = ["--output", folder / "m.safetensors", "--picture", folder / "m.png"]
    if arguments[0] == "check":
        outputs = []
    return CliRunner().invoke(commands, [str(a) for a in (*arguments, *outputs)])


def test_train_without_arguments_trains_on_the_bundled_table(tmp_path):
    done = run(tmp_path, "train", "--epochs", 30, "--learning-rate", 0.5)
    assert done.exit_code == 0, done.output
    assert "network 30-64-32-16-1, 455 samples to train on, 114 held out" in done.output
    assert "Right in every layer." in done.output
    accuracy = float(done.output.split("held-out accuracy ")[1].split(",")[0])
    assert accuracy > 0.9
    model = model_files.load(tmp_path / "m.safetensors")
    assert model.classes == ("malignant", "benign")
    assert len(model.features) == 30
    assert (tmp_path / "m.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_train_reads_a_user_s_file(tmp_path, kind):
    path = tmp_path / f"data.{kind}"
    if kind == "csv":
        path.write_text(csv(columns()))
    else:
        pyarrow.parquet.write_table(pyarrow.table(columns()), path)
    done = run(tmp_path, "train", path, "--target", "kind", "--epochs", 21, "--batch-size", 9)
    assert done.exit_code == 0, done.output
    model = model_files.load(tmp_path / "m.safetensors")
    assert model.classes == ("no", "yes")
    assert model.features == ("a", "b")


def test_the_saved_model_predicts_raw_rows(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text(csv(columns()))
    done = run(tmp_path, "train", path, "--target", "kind", "--epochs", 300)
    assert done.exit_code == 0, done.output
    model = model_files.load(tmp_path / "m.safetensors")
    table = columns()
    X = np.stack([table["a"], table["b"]], axis=1)
    said = np.array(model.classes)[(model_files.predict(model, X)[:, 0] > 0.5).astype(int)]
    assert (said == np.array(table["kind"])).mean() > 0.9


def test_check_prints_the_certificate_and_writes_nothing(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text(csv(columns()))
    done = run(tmp_path, "check", path, "--target", "kind", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.output.splitlines()[-1])["passed"]
    assert list(tmp_path.iterdir()) == [path]


def spoil(**changes):
    return csv(columns() | changes)


def cell(name, row, value):
    column = columns()[name]
    column[row] = value
    return spoil(**{name: column})


BAD = {
    "a cell that is no number": (
        cell("a", 5, "abc"),
        [],
        "line 7, column 'a': 'abc' is not a number",
    ),
    "an empty cell": (cell("b", 0, ""), [], "line 2, column 'b': the cell is empty"),
    "a cell of nan": (cell("b", 3, "nan"), [], "line 5, column 'b'"),
    "an infinite cell": (cell("b", 3, "inf"), [], "line 5, column 'b': inf is not finite"),
    "a missing label": (cell("kind", 1, ""), [], "line 3: the target 'kind' is missing"),
    "one class": (spoil(kind=["yes"] * ROWS), [], "the target 'kind' has 1 value,"),
    "three classes": (cell("kind", 1, "maybe"), [], "has 3 values, such as 'maybe'"),
    "a constant column": (spoil(a=[7] * ROWS), [], "column 'a' is constant (7): leave it out"),
    "a table without rows": ("a,b,kind\n", [], "has no rows"),
    "an empty file": ("", [], "is empty"),
    "two columns of a name": (csv(columns()).replace("a,b,", "a,a,"), [], "two columns named 'a'"),
    "no feature": ("kind\nyes\nno\n", [], "has no feature column"),
    "a ragged line": (csv(columns()) + "1,2\n", [], "cannot be read"),
    "too few of a class": (
        csv({k: v[:3] for k, v in columns().items()}),
        [],
        "too few to hold out",
    ),
    "a missing column": (spoil(), ["--target", "kin"], "no column 'kin'; did you mean 'kind'?"),
    "a missing column to drop": (spoil(), ["--drop", "id"], "no column 'id'"),
    "odd hidden layers": (spoil(), ["--hidden", "8,x"], "--hidden is '8,x'"),
    "a rate too large": (spoil(), ["--learning-rate", "1e30"], "training diverged in epoch"),
    "no such folder": (spoil(), ["--output", "/nowhere/m.safetensors"], "is no folder to write"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_one_line_and_leaves_no_file(tmp_path, case):
    content, options, said = BAD[case]
    path = tmp_path / "data.csv"
    path.write_text(content)
    outputs = ["--picture", str(tmp_path / "m.png"), "--output", str(tmp_path / "m.safetensors")]
    arguments = ["train", str(path), "--target", "kind", "--epochs", "20", *outputs, *options]
    done = CliRunner().invoke(commands, arguments)
    assert done.exit_code == 2, done.output
    [line] = [line for line in done.stderr.splitlines() if line.startswith("mlp-jax: ")]
    assert said in line
    assert "Traceback" not in done.output
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train", "nowhere.csv", "--target", "y"], "nowhere.csv does not exist"),
        (["train", "nowhere.csv"], "type --target NAME"),
        (["train", "--target", "y"], "--target and --drop speak of a file"),
        (["train", "--seed", str(2**32)], "not in the range"),
        (["train", "/", "--target", "y"], "is not a file that ends in .csv or .parquet"),
    ],
)
def test_arguments_that_do_not_fit_get_exit_code_2(arguments, said):
    done = CliRunner().invoke(commands, arguments)
    assert done.exit_code == 2
    assert said in done.output


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["check", "--help"]])
def test_help_imports_no_jax(arguments):
    code = (
        "import sys; from mlp_jax.__main__ import main; sys.argv = ['mlp-jax', *sys.argv[1:]]\n"
        "try: main()\nexcept SystemExit as done: assert done.code == 0\n"
        "assert 'jax' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Usage: mlp-jax" in done.stdout
