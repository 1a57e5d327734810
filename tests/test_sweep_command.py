"""`mlp-jax sweep` as a stranger runs it: prints, page, model, mistakes in one line."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

import mlp_jax
from mlp_jax.cli import commands
from mlp_jax.sweeps import command
from mlp_jax.sweeps.space_files import read_space


def run(*arguments):
    return CliRunner().invoke(commands, ["sweep", *map(str, arguments)])


def test_a_sweep_prints_its_plan_its_best_and_writes_page_and_model(tmp_path):
    page, model = tmp_path / "page.html", tmp_path / "model.safetensors"
    run_ = run("--n", 6, "--epochs", 8, "--report", page, "--output", model)
    assert run_.exit_code == 0, run_.output
    assert "18 members in" in run_.output
    assert re.search(r"rank +accuracy +spread", run_.output)
    held_out = float(re.search(r"accuracy (\d\.\d+), .* on the 114 held out", run_.output)[1])
    assert held_out > 0.8
    html = page.read_text()
    assert html.count("<img") == len(re.findall("data:image/png;base64,", html)) == 10
    assert not re.search(r"(src|href)=[\"']?http", html)
    assert "How often it is benign where" in html
    loaded = mlp_jax.load_model(model)
    assert loaded.classes == ("malignant", "benign")


INTERRUPTED = """
import dataclasses
import mlp_jax.sweeps.run as run
whole = run.run
run.run = lambda *how, **more: dataclasses.replace(whole(*how, **more), interrupted=True)
"""


@pytest.mark.parametrize(("before", "code"), [("", 1), (INTERRUPTED, 130)])
@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_reader_that_has_gone_costs_no_files(before, code, more, tmp_path):
    page, model = tmp_path / "page.html", tmp_path / "model.safetensors"
    words = ["sweep", "--n", 2, "--epochs", 2, "--report", page, "--output", model, *more]
    program = f"{before}\nfrom mlp_jax.__main__ import main\nmain()"
    process = subprocess.Popen(
        [sys.executable, "-c", program, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    if not more:
        process.stdout.readline()  # of the plan
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait() == code, said
    assert "Error" not in said
    assert mlp_jax.load_model(model).classes == ("malignant", "benign")
    assert page.read_text().startswith("<!doctype html>")


@pytest.mark.parametrize("broken", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_what_was_found_is_shown_where_no_file_can_be_written(broken, monkeypatch, tmp_path):
    def fails(*_):
        raise broken

    monkeypatch.setattr(command, "_written", fails)
    run_ = run("--n", 2, "--epochs", 2, "--output", tmp_path / "model.safetensors")
    assert run_.exit_code == (130 if broken is KeyboardInterrupt else 2)
    assert re.search(r"rank +accuracy +spread", run_.output)
    assert "6 of 6 members in" in run_.output


def test_a_space_in_a_file(tmp_path):
    space = tmp_path / "space.toml"
    space.write_text('hidden = [[3], [4, 2]]\nactivation = ["gelu"]\nlearning_rate = [0.01]\n')
    run_ = run("--space", space, "--epochs", 3, "--folds", 2, "--halving", 2)
    assert run_.exit_code == 0, run_.output
    assert "4 members in 2 programs" in run_.output


def test_toml_and_json_say_the_same(tmp_path):
    toml, listed = tmp_path / "a.toml", tmp_path / "a.json"
    toml.write_text("width = {int_uniform = [8, 64]}\nl2 = [0.1, 0]")
    listed.write_text(json.dumps({"width": {"int_uniform": [8, 64]}, "l2": [0.1, 0]}))
    one, other = read_space(toml), read_space(listed)
    assert one["l2"] == other["l2"]
    draws = [s["width"].draw(np.random.default_rng(3)) for s in (one, other)]
    assert draws[0] == draws[1]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.toml", "width = 3 4", "is no toml"),
        ("a.json", "{", "is no json"),
        ("a.json", "3", "holds a int"),
        ("a.txt", "", "expected .toml or .json"),
        ("a.toml", "l2 = {normal = [0, 1]}", "expected one of uniform, log_uniform"),
        ("a.toml", "l2 = {log_uniform = [0, 1]}", "l2: "),
        ("a.toml", "witdh = [3]", "did you mean 'width'"),
    ],
)
def test_mistakes_in_a_space_are_one_line(tmp_path, name, text, message):
    path = tmp_path / name
    path.write_text(text)
    run_ = run("--space", path)
    assert run_.exit_code == 2
    assert message in run_.output
    assert len(run_.output.strip().splitlines()) == 1


def test_a_missing_folder_is_seen_first(tmp_path):
    run_ = run("--report", tmp_path / "none" / "page.html")
    assert run_.exit_code == 2
    assert "no folder" in run_.output
