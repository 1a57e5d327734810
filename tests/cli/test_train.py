"""`mlp-jax train`, `check` and `info` as a stranger runs them."""

import json
import re
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pyarrow
import pyarrow.csv
import pyarrow.parquet
import pytest
from click.testing import CliRunner

import mlp_jax
from mlp_jax.cli.main import commands
from mlp_jax.cli.options import check_model_name, check_writable
from mlp_jax.processes import kept_programs, memory
from tests.cli.tables import PLAIN, columns, csv, run


def test_train_without_arguments_trains_on_the_bundled_table(tmp_path):
    done = run(tmp_path, "train", "--epochs", 30, "--learning-rate", 0.5, *PLAIN)
    assert done.exit_code == 0, done.output
    assert "network 30-64-32-16-1, 455 samples to train on, 114 held out" in done.output
    assert "gradient Right in every layer." in done.output
    accuracy = float(done.output.split("held out accuracy ")[1].split(",")[0])
    assert accuracy > 0.9
    model = mlp_jax.load_model(tmp_path / "m.safetensors")
    assert model.classes == ("malignant", "benign")
    assert len(model.encoding.columns) == 30
    assert model.notes["held_out"]["accuracy"] == pytest.approx(accuracy, abs=1e-4)
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
    model = mlp_jax.load_model(tmp_path / "m.safetensors")
    assert model.classes == ("no", "yes")
    assert [column.name for column in model.encoding.columns] == ["a", "b"]


def test_the_saved_model_predicts_raw_rows(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text(csv(columns()))
    done = run(tmp_path, "train", path, "--target", "kind", "--epochs", 300)
    assert done.exit_code == 0, done.output
    model = mlp_jax.load_model(tmp_path / "m.safetensors")
    table = columns()
    X = np.stack([table["a"], table["b"]], axis=1)
    assert (model.predict(X) == np.array(table["kind"])).mean() > 0.9


def test_check_prints_the_certificate_and_writes_nothing(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text(csv(columns()))
    done = run(tmp_path, "check", path, "--target", "kind", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["passed"]
    assert list(tmp_path.iterdir()) == [path]


def test_train_takes_gaps_categories_and_any_target(trained):
    kind, _, folder, done = trained
    told = json.loads(done.stdout)
    # The inputs: age and whether it is missing, two colours and that, flag.
    assert "column 'one' is the same in every row and left out" in done.stderr
    assert told["sizes"] == [6, 8, 4 if kind == "four" else 1]
    if kind == "number":
        assert told["held_out"]["r2"] > 0.8
        assert told["classes"] is None
    else:
        assert told["held_out"]["accuracy"] > 0.7
        assert told["classes"] == ([0, 1, 2, 3] if kind == "four" else ["high", "low"])
    model = mlp_jax.load_model(folder / "m.safetensors")
    assert model.encoding.inputs()[:3] == ["age", "flag", "age is missing"]


def test_columns_become_inputs_as_the_options_say(tmp_path):
    table = {"a": [0, 5, 9] * 24, "b": ["x", "y"] * 36, "y": range(72)}
    (tmp_path / "t.csv").write_text(csv(table))
    words = ["train", tmp_path / "t.csv", "--target", "y", "--epochs", 3, "--learning-rate", 0.01]
    done = run(tmp_path, *words, "--scaling", "robust", "--bins", 2, "--binary-as-one")
    assert done.exit_code == 0, done.output
    model = mlp_jax.load_model(tmp_path / "m.safetensors")
    assert model.encoding.inputs() == ["a", "a from 0 to 5", "a from 5 to 9", "b = y"]
    assert model.encoding.limit.tolist() == [1, 2, 2, 0]
    done = run(tmp_path, *words, *PLAIN)
    model = mlp_jax.load_model(tmp_path / "m.safetensors")
    assert model.encoding.inputs() == ["a", "b = x", "b = y"]
    assert model.encoding.limit.tolist() == [0, 0, 0]


def test_bins_may_be_left_to_the_rows(tmp_path):
    (tmp_path / "t.csv").write_text(csv({"a": range(800), "y": range(800)}))
    words = ["train", tmp_path / "t.csv", "--target", "y", "--epochs", 1, "--learning-rate", 1e-3]
    done = run(tmp_path, *words, "--bins", "auto")
    assert done.exit_code == 0, done.output
    # By hand: of 640 rows to train on, 150 a bin.
    assert len(mlp_jax.load_model(tmp_path / "m.safetensors").encoding.inputs()) == 1 + 4


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (["--bins", "-1"], "--bins': -1 is not in the range 0<=x<=256"),
        (["--bins", "many"], "--bins': 'many' is not a valid integer"),
        (["--scaling", "none"], "--scaling': 'none' is not one of 'standard', 'robust'"),
    ],
)
def test_inputs_that_cannot_be_made_are_refused(option, said, tmp_path):
    done = run(tmp_path, "train", *option)
    assert done.exit_code == 2
    assert said in done.stderr


def test_a_link_into_no_folder_is_seen_first(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "none" / "m")
    with pytest.raises(ValueError, match="none is no folder to write m to"):
        check_writable(tmp_path / "link")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "small.pkl",
            "small.pkl ends in .pkl, and a model is written as safetensors; type small.s",
        ),
        ("a.b.ONNX", "type a.b.safetensors, and mlp-jax export makes that of it"),
    ],
)
def test_a_model_is_not_written_to_a_file_that_is_named_as_another(name, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        check_model_name(Path(name))
    for fits in (None, Path("m"), Path("m.safetensors"), Path("v1.5")):
        check_model_name(fits)


@pytest.mark.parametrize("command", ["train", "sweep"])
def test_that_is_seen_before_anything_is_read(command):
    done = CliRunner().invoke(commands, [command, "no.csv", "--output", "m.pkl"])
    assert done.exit_code == 2
    assert "m.pkl ends in .pkl" in done.stderr


@pytest.mark.parametrize("command", ["train", "check"])
def test_a_network_larger_than_the_free_memory_is_refused(command, tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda: 1e7)
    done = run(tmp_path, command, "--hidden", "1000,1000", *PLAIN)
    assert done.exit_code == 2
    # By hand: 31 * 1000 + 1001 * 1000 + 1001 weights of 28 bytes.
    said = "--hidden makes a network of 1,033,001 weights, which take some 27.58 MiB; 9.54 MiB is"
    assert said in done.stderr


def test_info_says_what_a_model_is(trained):
    kind, _, folder, _ = trained
    model = str(folder / "m.safetensors")
    done = CliRunner().invoke(commands, ["info", model])
    assert done.exit_code == 0, done.output
    assert "predicts y: " in done.output
    assert not re.search(r"\d\.\d{8}", done.output)  # digits for people
    assert (
        "colour: 2 categories; inputs colour = blue, colour = red, colour is missing" in done.output
    )
    facts = json.loads(CliRunner().invoke(commands, ["info", model, "--json"]).stdout)
    assert facts["sizes"][0] == len(facts["inputs"]) == 6
    assert [column["name"] for column in facts["columns"]] == ["age", "colour", "flag"]
    assert ("r2" in facts["notes"]["held_out"]) == (kind == "number")


def test_help_imports_no_jax():
    code = (
        "import sys; from click.testing import CliRunner; from mlp_jax.cli.main import commands\n"
        "for words in ([], *([name] for name in commands.commands)):\n"
        "    done = CliRunner().invoke(commands, [*words, '--help'])\n"
        "    assert done.exit_code == 0 and 'Usage: ' in done.output, done.output\n"
        "print(len(commands.commands), 'jax' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "6 False\n"


@pytest.mark.parametrize(("words", "kept"), [([], 1), (["--no-cache"], 0)])
def test_programs_are_kept_unless_that_is_turned_off(words, kept, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(kept_programs, "keep_programs", lambda: asked.append(1))
    (tmp_path / "data.csv").write_text(csv(columns()))
    table = [tmp_path / "data.csv", "--target", "kind", "--hidden", 2]
    done = run(tmp_path, "check", *table, *words)
    assert done.exit_code == 0, done.output
    assert len(asked) == kept


def test_the_platform_is_chosen_before_jax_starts():
    words = [sys.executable, "-m", "mlp_jax", "--platform"]
    run = {"capture_output": True, "text": True, "check": False}
    here = subprocess.run([*words, "cpu", "check", "--json"], **run)
    assert here.returncode == 0, here.stderr
    for platform, name in (("tpu", "tpu"), ("cuda", "gpu")):
        if name in {device.platform for device in jax.devices()}:
            continue
        there = subprocess.run([*words, platform, "check", "--json"], **run)
        assert there.returncode == 2
        assert there.stderr.splitlines()[-1] == (
            f"mlp-jax: JAX cannot compute on {platform} here: type --platform cpu, or install JAX "
            f"for {platform}"
        )
