"""`mlp-jax predict` and `export` of a model that `train` wrote."""

import json
import subprocess
import sys

import jax
import numpy as np
import onnxruntime
import pandas
import pyarrow
import pyarrow.csv
import pyarrow.parquet
import pytest
from click.testing import CliRunner

import mlp_jax
from mlp_jax.cli.main import commands
from mlp_jax.models.encoding import MISSING, VALUE, Column, Input, encoding_of_inputs, numbers
from mlp_jax.models.model import Model, ModelNetwork
from mlp_jax.models.model_file import write_model
from mlp_jax.tables import table as tables
from tests.cli.tables import csv, run


def test_predict_writes_ids_predictions_and_probabilities(trained):
    kind, table, folder, _ = trained
    model, out = folder / "m.safetensors", folder / "p.csv"
    arguments = ["predict", model, folder / "t.csv", "--id", "name", "--output", out]
    done = CliRunner().invoke(commands, list(map(str, arguments)))
    assert done.exit_code == 0, done.output
    found = pyarrow.csv.read_csv(out).to_pydict()
    assert found["name"] == table["name"]
    expected = mlp_jax.load_model(model).predict(table)
    if kind == "number":
        np.testing.assert_allclose(found["predicted y"], expected)
        assert np.corrcoef(found["predicted y"], table["y"])[0, 1] > 0.9
        assert list(found) == ["name", "predicted y"]
        return
    assert found["predicted y"] == expected.tolist()
    right = np.mean([a == b for a, b in zip(found["predicted y"], table["y"], strict=True)])
    assert right > 0.7
    chances = [found[name] for name in found if name.startswith("probability of ")]
    assert len(chances) == (4 if kind == "four" else 2)
    np.testing.assert_allclose(np.sum(chances, axis=0), 1, atol=1e-6)


def test_a_table_in_the_place_of_the_model_is_told(tmp_path):
    done = CliRunner().invoke(commands, ["predict", "new.csv", "m.safetensors"])
    assert done.exit_code == 2
    assert "the model comes first: type mlp-jax predict m.safetensors new.csv" in done.stderr


def test_predict_reads_standard_input_and_prints_json(trained):
    _, table, folder, _ = trained
    content = (folder / "t.csv").read_bytes()
    arguments = ["predict", str(folder / "m.safetensors"), "-", "--json", "--id", "name"]
    done = CliRunner().invoke(commands, arguments, input=content)
    assert done.exit_code == 0, done.output
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["name"] for row in rows] == table["name"]
    expected = mlp_jax.load_model(folder / "m.safetensors").predict(table)
    assert [row["predicted y"] for row in rows] == expected.tolist()


def test_a_table_of_a_spreadsheet_program_is_trained_on_and_predicted_as_any(trained):
    """The rows below are those of the plain table, whose model it is."""
    _, table, folder, _ = trained
    rows = [
        ["" if cell is None else str(cell) for cell in row]
        for row in zip(*table.values(), strict=True)
    ]
    text = "sep=;\nMeasured by Ann, Bob\n\n" + " ; ".join(table) + ";\n"
    text += "".join(";".join(row) + ";\n" for row in rows) + ";" * len(table) + "\n"
    (folder / "sheet.csv").write_bytes(text.encode("utf-16"))
    said = (
        "sheet.csv: it is in UTF-16; line 1 says that ';' separates the cells; the header is line "
        "4, and line 2 is left out; spaces around 6 names are taken off; a column without name and "
        "cells left out; an empty row at its end left out"
    )
    model = str(folder / "m.safetensors")
    plain = CliRunner().invoke(commands, ["predict", model, str(folder / "t.csv"), "--id", "name"])
    sheet = ["predict", model, str(folder / "sheet.csv"), "--id", "name"]
    done = CliRunner().invoke(commands, sheet)
    assert done.exit_code == 0, done.output
    assert done.stdout == plain.stdout
    assert done.stderr.splitlines() == [f"mlp-jax: {folder}/{said}"]
    raw = tables.read(folder / "sheet.csv", "y", drop=["name"])
    plain_table = tables.read(folder / "t.csv", "y", drop=["name"])
    pandas.testing.assert_frame_equal(*map(pandas.DataFrame, (raw.features, plain_table.features)))
    np.testing.assert_array_equal(raw.y, plain_table.y)
    assert raw.said()[0].endswith(said)


def test_predict_prints_csv_and_writes_parquet(trained):
    _, _, folder, _ = trained
    model, table, out = (str(folder / name) for name in ("m.safetensors", "t.csv", "p.parquet"))
    printed = CliRunner().invoke(commands, ["predict", model, table])
    wrote = CliRunner().invoke(commands, ["predict", model, table, "--output", out])
    assert (printed.exit_code, wrote.exit_code) == (0, 0)
    read = pyarrow.csv.read_csv(pyarrow.BufferReader(printed.stdout.encode()))
    assert read.column_names == pyarrow.parquet.read_table(out).column_names
    assert read.num_rows == pyarrow.parquet.read_table(out).num_rows == 120


def test_codes_keep_their_zeros_whatever_rows_they_come_with(tmp_path):
    codes, rng = ["007", "7", "1a"], np.random.default_rng(0)
    code = rng.choice(codes, 90).tolist()
    table = {"code": code, "x": rng.normal(size=90).tolist(), "y": [c == "007" for c in code]}
    (tmp_path / "t.csv").write_text(csv(table))
    options = ["--target", "y", "--categorical", "code", "--epochs", 100]
    assert run(tmp_path, "train", tmp_path / "t.csv", *options).exit_code == 0
    # In these rows all codes look like numbers.
    (tmp_path / "u.csv").write_text("code,x\n007,0\n7,0\n")
    arguments = ["predict", str(tmp_path / "m.safetensors"), str(tmp_path / "u.csv"), "--json"]
    done = CliRunner().invoke(commands, arguments)
    assert [json.loads(row)["predicted y"] for row in done.stdout.splitlines()] == [True, False]


def test_a_category_is_the_same_however_its_file_writes_it(tmp_path):
    grade = np.random.default_rng(0).choice(["7", "8"], 60).tolist()
    table = {"grade": grade, "x": list(range(60)), "y": [g == "7" for g in grade]}
    (tmp_path / "t.csv").write_text(csv(table))
    options = ["--target", "y", "--categorical", "grade", "--drop", "x", "--epochs", 50]
    assert run(tmp_path, "train", tmp_path / "t.csv", *options).exit_code == 0
    (tmp_path / "u.csv").write_text("grade\n7.0\n8.0\n7\n")
    arguments = ["predict", str(tmp_path / "m.safetensors"), str(tmp_path / "u.csv"), "--json"]
    done = CliRunner().invoke(commands, arguments)
    predicted = [json.loads(row)["predicted y"] for row in done.stdout.splitlines()]
    assert predicted == [True, False, True]


def test_a_column_may_name_the_rows_and_be_a_feature(tmp_path):
    encoding = encoding_of_inputs(
        (Column("size"), Column("colour", ("red",))),
        [Input(0, VALUE, 1.0), Input(0, MISSING), Input(1, 0), Input(1, MISSING)],
    )
    layers = ((np.array([[1.0], [20], [300], [4000]]), np.zeros((1, 1))),)
    write_model(
        tmp_path / "m", Model((ModelNetwork(layers, ()),), "squared_error", encoding, ("y",))
    )
    (tmp_path / "t.csv").write_text("size,colour\nNA,NA\n007,red\n2,null\n")
    for ids in ([], ["size", "colour"]):
        named = [word for name in ids for word in ("--id", name)]
        arguments = ["predict", str(tmp_path / "m"), str(tmp_path / "t.csv"), "--json", *named]
        done = CliRunner().invoke(commands, arguments)
        assert done.exit_code == 0, done.output
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        assert [row["predicted y"] for row in rows] == [4021, 307, 4002]
    assert [row["size"] for row in rows] == ["NA", "007", "2"]
    assert [row["colour"] for row in rows] == ["NA", "red", "null"]


def number_model(path, loss="squared_error", quantiles=1, **more):
    """Of one input x; output k is k * x."""
    layers = ((np.arange(1.0, quantiles + 1)[None], np.zeros((quantiles, 1))),)
    more = {"encoding": numbers(["x"]), "targets": ("area",)} | more
    write_model(path, Model((ModelNetwork(layers, ()),), loss, **more))
    return str(path)


def test_predict_writes_a_column_a_quantile(tmp_path):
    model = number_model(tmp_path / "m", "pinball(0.1, 0.5, 0.9)", 3)
    (tmp_path / "t.csv").write_text("x\n1\n2\n")
    done = CliRunner().invoke(commands, ["predict", model, str(tmp_path / "t.csv"), "--json"])
    assert done.exit_code == 0, done.output
    names = [f"predicted area at {quantile}" for quantile in (0.1, 0.5, 0.9)]
    expected = [dict(zip(names, [x, 2 * x, 3 * x], strict=True)) for x in (1, 2)]
    assert [json.loads(line) for line in done.stdout.splitlines()] == expected


def test_what_json_has_no_number_for_is_null(tmp_path):
    model = number_model(tmp_path / "m")
    table = {"x": [1.0, 2], "id": [np.nan, 0.5], "ids": [[np.inf], [1.0]]}
    pyarrow.parquet.write_table(pyarrow.table(table), tmp_path / "t.parquet")
    arguments = ["predict", model, str(tmp_path / "t.parquet"), "--json", "--id=id", "--id=ids"]
    done = CliRunner().invoke(commands, arguments)
    assert done.exit_code == 0, done.output
    rows = [json.loads(line, parse_constant=pytest.fail) for line in done.stdout.splitlines()]
    assert [(row["id"], row["ids"]) for row in rows] == [(None, [None]), (0.5, [1.0])]


def test_info_and_predict_know_an_average_of_networks(tmp_path):
    hidden = ((np.ones((1, 2)), np.zeros((2, 1))), (np.ones((2, 1)), np.zeros((1, 1))))
    networks = [
        ModelNetwork(((np.array([[2.0]]), np.ones((1, 1))),), ()),
        ModelNetwork(hidden, ("relu",)),
        ModelNetwork(hidden, ("relu",)),
    ]
    about = (numbers(["x"]), ("area",))
    model = Model(tuple(networks), "squared_error", *about, weights=np.array([0.25, 0.5, 0.25]))
    write_model(tmp_path / "m", model)
    done = CliRunner().invoke(commands, ["info", str(tmp_path / "m")])
    assert done.stdout.splitlines()[:5] == [
        "average of 3 networks, by their weight together:",
        "  0.7500    2 of 1-2-1, relu",
        "  0.2500    1 of 1-1, linear",
        "loss     squared_error",
        "predicts area: numbers",
    ]
    facts = json.loads(CliRunner().invoke(commands, ["info", str(tmp_path / "m"), "--json"]).stdout)
    assert facts["networks"] == [
        {"sizes": [1, 1], "activations": [], "weight": 0.25},
        {"sizes": [1, 2, 1], "activations": ["relu"], "weight": 0.5},
        {"sizes": [1, 2, 1], "activations": ["relu"], "weight": 0.25},
    ]
    assert "sizes" not in facts
    (tmp_path / "t.csv").write_text("x\n1\n-2\n")
    done = CliRunner().invoke(commands, ["predict", str(tmp_path / "m"), str(tmp_path / "t.csv")])
    expected = [0.25 * (2 * x + 1) + 0.75 * 2 * max(x, 0) for x in (1, -2)]
    assert [float(line) for line in done.stdout.splitlines()[1:]] == expected


def test_export_writes_a_program(trained):
    _, _, folder, _ = trained
    arguments = ["export", str(folder / "m.safetensors"), str(folder / "program")]
    done = CliRunner().invoke(commands, arguments)
    assert done.exit_code == 0, done.output
    program = jax.export.deserialize(bytearray((folder / "program").read_bytes()))
    assert program.in_avals[0].shape[1] == 3


@pytest.mark.parametrize(
    ("about", "name"),
    [
        ({"encoding": numbers(["x"], mean=1.7e9, scale=1e3)}, "x"),
        ({"mean": 1.7e9, "scale": 1e3}, "area"),
    ],
)
def test_what_float32_has_too_few_digits_for_is_exported_in_float64(about, name, tmp_path):
    arguments = ["export", number_model(tmp_path / "m", **about), str(tmp_path / "program")]
    done = CliRunner().invoke(commands, arguments)
    assert done.exit_code == 2
    assert f"'{name}' has mean 1.7e+09 and scale 1000, of which float32" in done.stderr
    done = CliRunner().invoke(commands, [*arguments, "--dtype", "float64"])
    assert done.exit_code == 0, done.output
    program = jax.export.deserialize(bytearray((tmp_path / "program").read_bytes()))
    rows = np.array([[1.7e9 + 500]])
    expected = mlp_jax.load_model(tmp_path / "m").predict(rows)
    np.testing.assert_allclose(program.call(rows)[:, 0], expected, rtol=1e-12)


def test_a_model_predicts_and_is_exported_to_onnx_in_another_process_without_jax(trained):
    _, table, folder, _ = trained
    code = (
        "import sys; from mlp_jax.__main__ import main\n"
        "model, table, graph = sys.argv[1:]\n"
        "for words in (['predict', model, table], ['export', model, graph]):\n"
        "    sys.argv = ['mlp-jax', *words]\n"
        "    try: main()\n"
        "    except SystemExit as done: assert not done.code\n"
        "assert 'jax' not in sys.modules and 'sklearn' not in sys.modules"
    )
    model, graph = folder / "m.safetensors", folder / "graph.onnx"
    command = [sys.executable, "-c", code, model, folder / "t.csv", graph]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith('"predicted y"')
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    frame = pandas.DataFrame(table)[[one.name for one in session.get_inputs()]]
    fed = {
        "age": frame[["age"]].to_numpy(np.float32),
        "colour": frame[["colour"]].astype(object).fillna("").to_numpy(object),
        "flag": frame[["flag"]].to_numpy(np.float32),
    }
    expected = mlp_jax.load_model(model).predict(frame)
    predicted = session.run(None, {name: fed[name] for name in frame})[0]
    if expected.dtype.kind == "f":
        np.testing.assert_allclose(predicted[:, 0], expected, rtol=1e-6)
    else:
        np.testing.assert_array_equal(predicted, expected)


def test_the_format_of_an_export_may_be_typed(tmp_path):
    paths = number_model(tmp_path / "m"), str(tmp_path / "program")
    done = CliRunner().invoke(commands, ["export", *paths, "--format", "onnx"])
    assert done.exit_code == 0, done.output
    session = onnxruntime.InferenceSession(tmp_path / "program")
    assert session.get_inputs()[0].shape == ["samples", 1]
    done = CliRunner().invoke(commands, ["export", *paths, "--format", "pmml"])
    assert done.exit_code == 2
    assert "'pmml' is not one of 'onnx', 'stablehlo'" in done.stderr
