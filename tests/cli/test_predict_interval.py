"""`mlp-jax predict --interval`, and what `info` says of intervals and of importance."""

import json
from dataclasses import replace

import numpy as np
import pyarrow.csv
import pytest
from click.testing import CliRunner

import mlp_jax
from mlp_jax.cli.main import commands
from mlp_jax.models.encoding import numbers
from mlp_jax.models.model_file import write_model
from mlp_jax.models.networks import as_model
from mlp_jax.models.permutation import Importance
from mlp_jax.parameters import Layer

RESIDUALS = np.arange(1.0, 20.0)[:, None]  # of 19 the 18th is that of 0.9


def written(path, K=1, loss="squared_error", **about):
    """A model of one input x, whose output k is k * x; 19 residuals unless told otherwise."""
    params = (Layer(np.arange(1.0, K + 1)[None], np.zeros((K, 1))),)
    residuals = about.pop("residuals", RESIDUALS * np.arange(1, K + 1))
    about = {"encoding": numbers(["x"]), "targets": ["area", "price"][:K]} | about
    model = as_model([(params, mlp_jax.Network("tanh", loss))], **about)
    write_model(path, replace(model, residuals=residuals))
    return str(path)


def invoke(*arguments):
    return CliRunner().invoke(commands, list(map(str, arguments)))


@pytest.fixture
def table(tmp_path):
    (tmp_path / "t.csv").write_text("x,name\n1,a\n2,b\n")
    return tmp_path / "t.csv"


def test_low_and_high_stand_beside_the_prediction(table, tmp_path):
    model, out = written(tmp_path / "m"), tmp_path / "p.csv"
    done = invoke("predict", model, table, "--interval", 0.9, "--id", "name", "--output", out)
    assert done.exit_code == 0, done.output
    expected = {"name": ["a", "b"], "predicted area": [1, 2], "low area": [-17, -16]}
    assert pyarrow.csv.read_csv(out).to_pydict() == expected | {"high area": [19, 20]}
    plain = invoke("predict", model, table)
    assert plain.stdout.splitlines()[0] == '"predicted area"'


def test_json_has_the_ends_too(table, tmp_path):
    done = invoke("predict", written(tmp_path / "m"), table, "--interval", 0.5, "--json")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert rows[0] == {"predicted area": 1, "low area": -9, "high area": 11}  # the tenth
    low, high = mlp_jax.load_model(tmp_path / "m").interval({"x": [1, 2]}, 0.5)
    assert [(row["low area"], row["high area"]) for row in rows] == list(
        zip(low, high, strict=True)
    )


def test_several_targets_have_each_their_own(table, tmp_path):
    done = invoke("predict", written(tmp_path / "m", K=2), table, "--interval", 0.9, "--json")
    assert json.loads(done.stdout.splitlines()[1]) == {
        **{"predicted area": 2, "predicted price": 4},
        **{"low area": -16, "high area": 20, "low price": -32, "high price": 40},
    }
    low, high = mlp_jax.load_model(tmp_path / "m").interval({"x": [1, 2]})
    np.testing.assert_array_equal(low, [[-17, -34], [-16, -32]])
    np.testing.assert_array_equal(high, [[19, 38], [20, 40]])


@pytest.mark.parametrize(
    ("about", "level", "message"),
    [
        ({"residuals": None}, 0.9, "the model of area has no residuals, which an interval is made"),
        ({"residuals": None}, 0.9, "of: type mlp-jax sweep --output, or take a TableRegressor"),
        ({}, 0.96, "level is 0.96, for which 24 residuals or more are needed; the model has 19"),
        ({}, 90, "level is 90.0; expected the share of rows to be covered, above 0 and below 1: "),
        (
            {"loss": "binary_cross_entropy", "classes": ("no", "yes"), "residuals": None},
            *(0.9, "the model predicts area, no numbers: use its probabilities"),
        ),
    ],
)
def test_where_there_is_no_interval_the_error_says_why(about, level, message, table, tmp_path):
    done = invoke("predict", written(tmp_path / "m", **about), table, "--interval", level)
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1


def test_a_column_that_would_be_named_as_an_end_is_an_error(tmp_path):
    (tmp_path / "t.csv").write_text("x,low area\n1,a\n")
    arguments = ("predict", written(tmp_path / "m"), tmp_path / "t.csv", "--id", "low area")
    assert invoke(*arguments).exit_code == 0
    done = invoke(*arguments, "--interval", 0.9)
    assert "two columns would be named 'low area'; type another --id" in done.stderr


def found(columns):
    rise = np.arange(columns, 0.0, -1)
    names = tuple(f"c{k}" for k in range(columns))
    return Importance(names, rise, rise - 0.5, rise + 0.5, 0.25, "log loss", 1234, 5)


def test_info_says_how_wide_intervals_are(tmp_path):
    notes = {"interval": {"level": 0.9, "half_width": 18.0, "share_of_rows_held_out": 0.912}}
    printed = invoke("info", written(tmp_path / "m", notes=notes | {"samples": 5})).stdout
    assert "interval of 90%: ± 18; it has 91.2% of the rows held out\n" in printed
    assert "samples: 5\n" in printed
    assert "half width" not in printed
    printed = invoke("info", written(tmp_path / "m", K=2)).stdout
    assert "interval of 90%: ± 18 (area), ± 36 (price)\n" in printed
    few = written(tmp_path / "m", residuals=RESIDUALS[:8])
    assert "interval" not in invoke("info", few).stdout
    assert (
        "interval of 90%: ± 9\n"
        in invoke("info", written(tmp_path / "m", residuals=RESIDUALS[:9])).stdout
    )


def test_info_says_which_columns_decide(tmp_path):
    model = written(tmp_path / "m", notes={"importance": found(12).as_notes()})
    lines = invoke("info", model).stdout.splitlines()
    at = lines.index(
        "importance, by how much the log loss, 0.25 on 1,234 rows held out, rises where a column "
        "is permuted:"
    )
    assert lines[at + 1] == "  c0  12  (11.5 to 12.5)"
    assert lines[at + 10] == "  c9  3   (2.5 to 3.5)"
    assert lines[at + 11] == "  and 2 more, less important"
    noted = json.loads(invoke("info", model, "--json").stdout)["notes"]["importance"]
    assert noted == found(12).as_notes()
