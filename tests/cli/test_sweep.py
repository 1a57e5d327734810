"""`mlp-jax sweep` as a stranger runs it: prints, page, model, mistakes in one line."""

import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

import mlp_jax
from mlp_jax import pictures
from mlp_jax.cli import sweep as command
from mlp_jax.cli import sweep_output
from mlp_jax.cli.main import commands
from mlp_jax.sweeps import run as running
from mlp_jax.sweeps.results.result import SweepResult
from mlp_jax.sweeps.space_files import read_space
from mlp_jax.tables import table as tables
from mlp_jax.tables.input_choices import OF_A_SEARCH

README = (Path(__file__).parents[2] / "README.md").read_text()


def run(*arguments):
    return CliRunner().invoke(commands, ["sweep", *map(str, arguments)])


@pytest.fixture
def asked(monkeypatch):
    """The tasks of sweeps that are interrupted before anything is trained."""
    tasks = []

    def interrupted(task, plan, **_):
        tasks.append(task)
        return SweepResult(task, plan, {}, 0.0, 0, interrupted=True, bucket_seconds={})

    monkeypatch.setattr(running, "run", interrupted)
    return tasks


@pytest.fixture
def table(tmp_path):
    """A file with a target of numbers, y, and one of classes, kind."""
    a, b = np.random.default_rng(0).normal(size=(2, 60))
    lines = [f"{a[i]},{b[i]},{500 + 100 * a[i]},{'yn'[int(b[i] > 0)]}" for i in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["a,b,y,kind", *lines]))
    return tmp_path / "t.csv"


@pytest.fixture
def small(tmp_path):
    """What makes a sweep small: three networks on each of two folds."""
    (tmp_path / "small.toml").write_text("width = [4, 6, 8]\nlearning_rate = [0.03]\n")
    return ["--space", tmp_path / "small.toml", "--folds", 2]


def test_a_sweep_prints_its_plan_its_best_and_writes_page_and_model(small, tmp_path):
    page, model = tmp_path / "page.html", tmp_path / "model.safetensors"
    run_ = run(*small, "--epochs", 8, "--report", page, "--output", model)
    assert run_.exit_code == 0, run_.output
    assert "6 members in" in run_.output
    assert re.search(r"rank +loss +spread.*\n +1 +0\.\d", run_.output)  # a loss, not minus it
    held = r": accuracy (\d\.\d+), .* on the 114 held out\n"
    together = re.search(rf"ensemble of (\d+) networks of \d configurations?{held}", run_.output)
    alone = re.search(rf"the best alone, trained on all 455 samples{held}", run_.output)
    assert min(float(together[2]), float(alone[1])) > 0.8
    assert int(together[1]) == len(mlp_jax.load_model(model).networks) > 1
    html = page.read_text()
    assert html.count("<img") == len(re.findall("data:image/png;base64,", html)) == 8
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
def test_a_reader_that_has_gone_costs_no_files(before, code, more, small, tmp_path):
    page, model = tmp_path / "page.html", tmp_path / "model.safetensors"
    words = ["sweep", *small, "--epochs", 2, "--report", page, "--output", model, *more]
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


@pytest.mark.parametrize("more", [[], ["--json"]])
@pytest.mark.parametrize("saved", [False, True])
def test_ctrl_c_before_anything_is_finished_is_said_in_a_line(more, saved, asked, tmp_path):
    page = tmp_path / "page.html"
    words = ["--n", 2, "--report", page, *more, *(["--checkpoint", tmp_path] if saved else [])]
    run_ = run(*words)
    assert run_.exit_code == 130
    said = "the same command goes on from where it stands" if saved else "with --checkpoint it"
    assert run_.stderr.count("\n") == 1
    assert f"no configuration is finished on all its folds: {said}" in run_.stderr
    assert not more or not run_.stdout
    assert not page.exists()


def test_a_file_whose_name_is_no_utf_8_is_named_too(monkeypatch, capsys):
    monkeypatch.setattr(sweep_output, "print_ranking", lambda result: None)
    result = SimpleNamespace(task=SimpleNamespace(X=np.zeros((2, 5))))
    best = SimpleNamespace(model=SimpleNamespace(networks=(1,)), found={"r2": 0.5})
    held = sweep_output.Held(1, best, best, SimpleNamespace(importance=None))
    sweep_output.tell(result, held, ["caf\udce9.html"], as_json=False)
    assert capsys.readouterr().out.splitlines()[-1] == "wrote caf\ufffd.html"


@pytest.mark.parametrize("broken", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_what_was_found_is_shown_where_no_file_can_be_written(broken, small, monkeypatch, tmp_path):
    def fails(*_):
        raise broken

    monkeypatch.setattr(command, "_write_files", fails)
    run_ = run(*small, "--epochs", 2, "--output", tmp_path / "model.safetensors")
    assert run_.exit_code == (130 if broken is KeyboardInterrupt else 2)
    assert re.search(r"rank +loss +spread", run_.output)
    assert "6 of 6 members in" in run_.output


def test_with_a_limit_of_time_it_says_how_many_it_tried(small, tmp_path):
    model = tmp_path / "model.safetensors"
    run_ = run(*small, "--epochs", 2, "--seconds", 10_000, "--output", model)
    assert run_.exit_code == 0, run_.output
    assert "3 configurations tried in" in run_.output
    assert "6 of 6 members in" in run_.output
    assert mlp_jax.load_model(model).classes == ("malignant", "benign")
    few = run(*small, "--epochs", 2, "--seconds", 10_000, "--n", 2, "--halving", 1, "--json")
    assert json.loads(few.output)["configurations"] == 2


def test_a_space_in_a_file(tmp_path):
    space = tmp_path / "space.toml"
    space.write_text('hidden = [[3], [4, 2]]\nactivation = ["gelu"]\nlearning_rate = [0.01]\n')
    run_ = run("--space", space, "--epochs", 3, "--folds", 2, "--halving", 2)
    assert run_.exit_code == 0, run_.output
    assert "4 members in 2 programs" in run_.output


@pytest.mark.parametrize(
    ("text", "more", "count"),
    [
        (re.search("```toml\n(.*?)```", README, re.DOTALL)[1], ("--epochs", 30), 1000),
        ("widths = [3, 4]", (), 1000),
        ("width = [3, 4]", (), 2),
        ("l2 = {uniform = [0, 1]}", ("--n", 7), 7),
    ],
    ids=["of README", "a width for every layer", "all that it lists", "as many as one likes"],
)
def test_as_many_are_drawn_as_the_help_says(text, more, count, asked, tmp_path):
    (tmp_path / "space.toml").write_text(text)
    run("--space", tmp_path / "space.toml", *more)
    assert len(asked[0].configurations) == count


def test_a_list_of_another_length_than_n_is_refused(tmp_path):
    (tmp_path / "space.json").write_text('[{"width": 3}, {"width": 4}]')
    run_ = run("--space", tmp_path / "space.json", "--n", 3)
    assert run_.exit_code == 2
    assert "--space lists 2 configurations and --n is 3: leave --n out" in run_.output


@pytest.mark.parametrize(
    ("target", "loss", "message"),
    [
        ("kind", "squared_error", "is of numbers and the target 'kind' of classes: leave"),
        ("y", "softmax_cross_entropy", "is of classes and the target 'y' of numbers: leave"),
        ("y", "poisson", "expects a target from 0 up, and tables are standardised"),
        ("y", "square", "loss is 'square'; expected one of"),
    ],
)
@pytest.mark.parametrize("space", ['{"loss": ["%s"]}', '[{"loss": "%s"}]'])
def test_a_loss_that_is_not_for_the_table_is_refused_first(
    target, loss, message, space, asked, table, tmp_path
):
    (tmp_path / "space.json").write_text(space % loss)
    run_ = run(table, "--target", target, "--space", tmp_path / "space.json", "--n", 1)
    assert run_.exit_code == 2
    assert message in run_.output
    assert len(run_.output.strip().splitlines()) == 1
    assert not asked


def test_numbers_and_their_quantiles_are_told_in_units_of_the_target(table, tmp_path, monkeypatch):
    drawn, own = [], pictures.predicted_and_true
    monkeypatch.setattr(
        pictures, "predicted_and_true", lambda *how: drawn.append(how[1:]) or own(*how)
    )
    (tmp_path / "space.toml").write_text('loss = ["pinball(0.1, 0.5, 0.9)"]\nwidth = [8]')
    page, path = tmp_path / "page.html", tmp_path / "m.safetensors"
    words = ["--space", tmp_path / "space.toml", "--report", page, "--output", path, "--json"]
    run_ = run(table, "--target", "y", "--epochs", 3, *words)
    assert run_.exit_code == 0, run_.output
    held_out = json.loads(run_.stdout)["held_out"]
    assert list(held_out) == ["pinball_loss", *(f"share_below_quantile_0.{i}" for i in (1, 5, 9))]
    parts = tables.split(tables.read(table, "y"), 0.2, 0, inputs=OF_A_SEARCH)
    true = parts.y_test * parts.scale + parts.mean
    model = mlp_jax.load_model(path)
    predicted = model.predicted(model.outputs_of_inputs(parts.X_test))
    assert held_out["share_below_quantile_0.9"] == (true <= predicted[:, 2]).mean()
    off = true[:, None] - predicted
    losses = np.maximum([0.1, 0.5, 0.9] * off, [-0.9, -0.5, -0.1] * off)
    assert held_out["pinball_loss"] == pytest.approx(losses.mean())
    ((y, _),) = drawn
    np.testing.assert_allclose(np.sort(y), np.sort(parts.y_train * parts.scale + parts.mean), 1e-6)


def test_a_weight_for_every_class_is_no_distribution(tmp_path):
    (tmp_path / "space.toml").write_text("class_weight = {yes = 2, no = 1}")
    assert read_space(tmp_path / "space.toml") == {"class_weight": {"yes": 2, "no": 1}}


def test_toml_and_json_say_the_same(tmp_path):
    toml, listed = tmp_path / "a.toml", tmp_path / "a.json"
    toml.write_text("width = {int_uniform = [8, 64]}\nl2 = [0.1, 0]")
    listed.write_text(json.dumps({"width": {"int_uniform": [8, 64]}, "l2": [0.1, 0]}))
    one, other = read_space(toml), read_space(listed)
    assert one["l2"] == other["l2"]
    draws = [s["width"].rvs(random_state=3) for s in (one, other)]
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
