"""Every experiment runs in its small form, and what README says of the large form is committed."""

import json
import os
import runpy
import subprocess
import sys
import warnings
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import jax
import pytest

ROOT = Path(__file__).parents[1]
BENCHMARKS = ROOT / "experiments/benchmarks"


@pytest.fixture
def run(monkeypatch):
    """A function that runs a script in this process as `python script ...` does in its own.

    It returns what the script prints.
    """

    def in_process(script, *arguments):
        monkeypatch.setattr(sys, "argv", [str(script), *map(str, arguments)])
        monkeypatch.syspath_prepend(script.parent)
        printed = StringIO()
        with (
            jax.enable_x64(False),
            jax.numpy_rank_promotion("allow"),
            warnings.catch_warnings(),
            redirect_stdout(printed),
        ):
            warnings.simplefilter("default")
            try:
                runpy.run_path(str(script), run_name="__main__")
            except SystemExit as end:
                if end.code:  # click says 0 where all went well
                    raise
        return printed.getvalue()

    return in_process


def run_alone(script, *arguments):
    """The same in a process of its own, as a user compiles: where bytes and FLOPs are looked at."""
    done = subprocess.run(
        [sys.executable, script, *map(str, arguments)],
        env=os.environ | {"XLA_FLAGS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_old_and_new_times_two_versions_by_the_same_work(run):
    title, row = run(BENCHMARKS / "old_and_new.py", ROOT, "--small").splitlines()
    assert title.split() == ["old", "ms", "new", "ms", "new", "to", "old"]
    old, new, ratio, *_ = row.removeprefix("30-64-32-16-1, sgd").split()
    assert float(old) > 0 < float(new)
    assert float(ratio) > 0


def test_gradient_vs_autodiff_measures_both(tmp_path):
    printed = run_alone(BENCHMARKS / "gradient_vs_autodiff.py", "--small", "--output", tmp_path)
    [row] = json.loads((tmp_path / "gradient_vs_autodiff.json").read_text())["rows"]
    assert row["time_ratio"] > 0
    assert row["temporary_bytes"]["by hand"] <= row["temporary_bytes"]["jax.grad"]
    assert abs(row["flops_ratio"] - 1) < 0.01
    assert "| 30-64-32-16-1, 64 |" in printed


def test_agreement_finds_both_gradients_as_close_as_their_dtype_allows(tmp_path, run):
    printed = run(ROOT / "experiments/agreement.py", "--small", "--output", tmp_path)
    rows = json.loads((tmp_path / "agreement.json").read_text())["rows"]
    limits = {"float64": 1e-12, "float32": 1e-4, "bfloat16": 1.0}
    assert {row["dtype"] for row in rows} == set(limits)
    for row in rows:
        assert 0 < row["by_autodiff"] < limits[row["dtype"]]
        assert row["dtype"] != "float64" or 0 < row["by_differences"] < 1e-6
    assert "| float32 | 2 | 4 |" in printed
    assert (tmp_path / "agreement.png").stat().st_size > 10_000


def test_false_alarms_finds_none(tmp_path, run):
    run(ROOT / "experiments/false_alarms.py", "--small", "--output", tmp_path)
    result = json.loads((tmp_path / "false_alarms.json").read_text())
    assert result["networks"] == 8
    assert result["false_alarms"] == 0
    assert result["false_alarms_on_a_student_in_float32"] == 0
    assert result["largest_relative_error"]["autodiff"] > 0


def test_commands_that_end_early_do_so_with_their_own_exit_codes(tmp_path, run):
    printed = run(ROOT / "experiments/early_ends.py", "--small", "--output", tmp_path)
    result = json.loads((tmp_path / "early_ends.json").read_text())
    assert result["wrong"] == []
    assert {(row["how"], row["code"]) for row in result["counts"]} == {
        ("a mistake", 2),
        ("gone", 1),
        ("Ctrl-C", 130),
    }
    assert "5 of 5 with their own exit code" in printed


def test_all_commands_ended_early_with_their_own_exit_codes_under_load():
    result = json.loads((ROOT / "experiments/results/early_ends.json").read_text())
    assert result["ends"] == 200
    assert result["wrong"] == []
    commands = {row["command"] for row in result["counts"]}
    assert commands == {"check", "train", "sweep", "predict", "info", "export"}


def test_planted_faults_are_named_in_their_layer(tmp_path, run):
    printed = run(ROOT / "experiments/planted_faults.py", "--small", "--output", tmp_path)
    rows = json.loads((tmp_path / "planted_faults.json").read_text())["rows"]
    assert all(row["named"] == row["layer"] for row in rows)
    assert printed == "14 faults, 0 not named; 0 right gradients accused\n"


def test_paper_network_learns_the_breast_cancer_table(tmp_path, run):
    printed = run(ROOT / "experiments/paper_network.py", "--small", "--output", tmp_path)
    [row] = json.loads((tmp_path / "paper_network.json").read_text())["rows"]
    assert row["accuracy"]["mean"] > 0.93
    assert "| breast cancer | 569 x 30 |" in printed


def test_certificates_pass(tmp_path, run):
    printed = run(ROOT / "experiments/certificates.py", "--small", "--output", tmp_path)
    rows = json.loads((tmp_path / "certificates.json").read_text())["rows"]
    assert len(rows) == 2
    assert all(row["right"] for row in rows)
    assert "| pinball(0.1, 0.5, 0.9) | 1 | 1 |" in printed


def test_scikit_learn_scores_are_compared(tmp_path, run):
    run(ROOT / "experiments/scikit_learn_scores.py", "--small", "--output", tmp_path)
    rows = json.loads((tmp_path / "scikit_learn_scores.json").read_text())["rows"]
    assert [row["data"] for row in rows] == ["breast cancer", "diabetes"]
    assert rows[0]["mean"]["ours"] > 0.93


def test_training_vs_plain_measures_both(tmp_path, run):
    run(BENCHMARKS / "training_vs_plain.py", "--small", "--output", tmp_path)
    [row] = json.loads((tmp_path / "training_vs_plain.json").read_text())["rows"]
    assert set(row["time"]) == {"ours", "columns", "rows"}
    assert row["time_ratios"]["columns"][1] > 0


def test_the_planner_is_measured_against_two_others(run):
    printed = run(BENCHMARKS / "sweep_planner.py", "--n", 2, "--rows", 90, "--epochs", 1)
    lines = printed.splitlines()
    assert [line[:10] for line in lines[2:]] == ["the plan  ", "one progra", "one progra"]


def test_halving_is_measured_against_the_full_sweep(run):
    printed = run(BENCHMARKS / "halving.py", "--small")
    assert printed.splitlines()[-1].startswith("iris")


def test_the_costs_of_a_sweep_are_fitted(run):
    printed = run(BENCHMARKS / "sweep_costs.py", "--n", 12, "--rows", 900, "--epochs", 1)
    assert printed.count("now ") == 4


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="reads Linux's /proc")
def test_the_memory_of_a_sweep_is_measured_beside_its_plan():
    printed = run_alone(BENCHMARKS / "sweep_memory.py", "--small")
    ratios = [float(line.split()[-1]) for line in printed.splitlines()[2:]]
    assert len(ratios) == 3
    assert all(0.5 < ratio < 2 for ratio in ratios), printed


def test_one_model_does_the_same_work_as_its_peers(tmp_path, run):
    run(BENCHMARKS / "one_model.py", "--small", "--output", tmp_path)
    [row] = json.loads((tmp_path / "one_model.json").read_text())["rows"]
    assert set(row["seconds"]) == {"mlp_jax", "scikit-learn"}
    assert row["costs"]["mlp_jax"] == pytest.approx(row["costs"]["scikit-learn"], rel=0.05)


def test_a_sweep_of_equal_shapes_does_the_same_work_as_its_peers(tmp_path, run):
    printed = run(BENCHMARKS / "equal_shapes.py", "--small", "--output", tmp_path)
    [row] = json.loads((tmp_path / "equal_shapes.json").read_text())["rows"]
    assert {"mlp_jax", "`jit(vmap)`", "scikit-learn, joblib"} < set(row["seconds"])
    for name, (cost, _) in row["costs"].items():
        assert cost == pytest.approx(row["costs_of_ours_on_the_same"][name], rel=0.05)
    assert "left out of the small form: `torch.func.vmap`" in printed
    assert "| `jit(vmap)`, times ours |" in printed


def test_the_sweep_is_measured_against_a_jitted_loop(tmp_path, run):
    printed = run(BENCHMARKS / "never_slower.py", "--small", "--output", tmp_path)
    rows = json.loads((tmp_path / "never_slower.json").read_text())["rows"]
    assert [row["members"] for row in rows] == [1, 32]
    assert all(row["speed_up"][1] > 0 for row in rows)
    assert "of 2 sizes below 0.95" in printed


def test_a_search_over_mixed_shapes_is_measured_beside_its_peers(tmp_path, run):
    run(BENCHMARKS / "mixed_shapes.py", "--small", "--output", tmp_path)
    result = json.loads((tmp_path / "mixed_shapes.json").read_text())
    for name in ("scikit-learn", "jitted loop"):
        seconds, error = result["seconds"][name]
        assert seconds > 0
        assert error > 0
    assert result["useful"]["sweep, cold"] > 0


def test_on_an_accelerator_every_part_is_measured_and_kept(tmp_path, run):
    script = BENCHMARKS / "on_accelerator.py"
    printed = run(script, "--small", "--output", tmp_path)
    found = json.loads((tmp_path / "on_accelerator.json").read_text())
    assert found["equal"][0]["ratios"]["`jit(vmap)`"][1] > 0
    seconds = found["mixed"]["seconds"]
    assert set(seconds) >= {"sweep, cold", "sweep, halving, warm", "scikit-learn"}
    # Which is the larger depends on what else the machine does.
    assert found["limit"]["rows"][0]["flops_per_second"][1] > 0
    assert min(found["limit"]["products"].values()) > 0
    again = run(script, "--part", "none", "--output", tmp_path)  # the same tables, from the file
    assert again.strip() in printed


def test_the_limit_is_measured(tmp_path, run):
    run(BENCHMARKS / "limit.py", "--small", "--output", tmp_path)
    result = json.loads((tmp_path / "limit.json").read_text())
    [row] = result["sustained"]
    assert row["flops_per_second"][1] > 0
    assert row["useful_share_of_flops"] == pytest.approx(1)
    assert [row["members"] for row in result["growing"]] == [2, 8]


def test_the_start_is_timed_in_processes_of_its_own(tmp_path, run):
    printed = run(BENCHMARKS / "start_up.py", "--small", "--output", tmp_path)
    result = json.loads((tmp_path / "start_up.json").read_text())
    assert set(result["first"]) == {"fit, a step", "fit, a step, warm cache"}
    assert result["compilations"]["sweep"]["cold"]["1"][1] > 0
    assert "| jax, optax, chex |" in printed
    result = json.loads((tmp_path / "first_prediction.json").read_text())
    assert set(result["milliseconds"]) > {"NumPy alone", "a model file", "joblib and scikit-learn"}
    assert result["difference"] < 1e-12


def test_a_search_is_laid_beside_randomized_search(tmp_path, run):
    before = json.loads((BENCHMARKS / "results/search_cv.json").read_text())["rows"]
    (tmp_path / "search_cv.json").write_text(json.dumps({"rows": before}))
    again = "--data", "breast cancer"
    run(BENCHMARKS / "search_cv.py", "--small", *again, "--output", tmp_path)
    row, *others = json.loads((tmp_path / "search_cv.json").read_text())["rows"]
    assert row["data"] == "breast cancer"
    assert row != before[0]
    assert others == before[1:]  # those that were not measured anew
    assert set(row["seconds"]) == {"cold", "warm", "halving", "scikit-learn"}
    assert min(row["best"].values()) > 0.9
    assert row["programs"] > 0


def test_ensembles_are_laid_beside_the_best_network(tmp_path, run):
    run(ROOT / "experiments/ensembles.py", "--small", "--output", tmp_path)
    [row] = json.loads((tmp_path / "ensembles.json").read_text())["rows"]
    assert set(row["means"]) == {"best", "ensemble", "eight best"}
    assert all(0 < score <= 1 and loss > 0 for score, loss in row["means"].values())


def test_scaling_is_measured_and_worked_out(tmp_path, run):
    page = tmp_path / "scale.md"
    run(ROOT / "experiments/scale.py", "--small", "--output", tmp_path, "--page", page)
    found = json.loads((tmp_path / "scale.json").read_text())
    assert [row["layout"] for row in found["strong"]] == [row["layout"] for row in found["weak"]]
    assert found["strong"][0]["speed"] == 1
    assert all(row["seconds"] > 0 for row in found["strong"] + found["weak"])
    said = page.read_text()
    assert "## A million networks" in said
    assert "## A billion rows" in said
    assert f"| one core | {found['strong'][0]['seconds']:.2f} | 1.00 |" in said
    where = ("--small", "--output", tmp_path, "--page", page)
    run(ROOT / "experiments/scale.py", "--part", "weak", *where)
    again = json.loads((tmp_path / "scale.json").read_text())
    assert again["weak"] != found["weak"]
    assert (again["strong"], again["checkpoint"]) == (found["strong"], found["checkpoint"])


def test_the_scores_on_the_page_are_the_committed_ones_and_none_is_worse():
    path = ROOT / "experiments/results/scikit_learn_scores.json"
    rows, page = json.loads(path.read_text())["rows"], (ROOT / "experiments/README.md").read_text()
    assert len(rows) == 6
    for row in rows:
        ours, theirs = (f"{row['mean'][who]:.3f} ± " for who in ("ours", "theirs"))
        assert f"| {row['score']} | {ours}" in page
        assert f"| {theirs}" in page
        assert row["not_worse"]


def test_every_combination_has_its_certificate():
    rows = json.loads((ROOT / "experiments/results/certificates.json").read_text())["rows"]
    assert len(rows) == 8 * 12 * 4
    assert all(row["right"] for row in rows)
    assert max(row["autodiff"] for row in rows) <= 1e-10
    assert max(row["differences"] for row in rows) <= 1e-6


def test_what_the_page_says_of_the_experiments_is_committed():
    results, page = ROOT / "experiments/results", (ROOT / "experiments/README.md").read_text()
    rows = json.loads((results / "paper_network.json").read_text())["rows"]
    assert [row["data"] for row in rows] == ["breast cancer", "banana", "fair"]
    for row in rows:
        score = row["accuracy"]
        assert f"| {score['mean']:.3f} ± {score['spread']:.3f} | {score['minimum']:.3f}" in page
    assert rows[0]["accuracy"]["mean"] >= 0.95
    faults = json.loads((results / "planted_faults.json").read_text())["rows"]
    assert all(row["named"] == row["layer"] for row in faults)
    assert all(row["passed"] for row in faults if row["fault"] == "none")
    assert f"names the layer of all {sum(row['layer'] is not None for row in faults)}" in page
    alarms = json.loads((results / "false_alarms.json").read_text())
    assert f"{alarms['false_alarms']} in {alarms['networks']:,} random networks" in page


def test_the_table_of_the_loop_is_the_committed_result():
    rows = json.loads((BENCHMARKS / "results/training_vs_plain.json").read_text())["rows"]
    page = (BENCHMARKS / "README.md").read_text()
    assert len(rows) == 6
    for row in rows:
        low, middle, high = row["time_ratios"]["columns"]
        assert f"| {middle:.2f} ({low:.2f} to {high:.2f}) |" in page


def test_the_table_of_the_gradient_is_the_committed_result():
    rows = json.loads((BENCHMARKS / "results/gradient_vs_autodiff.json").read_text())["rows"]
    page = (BENCHMARKS / "README.md").read_text()
    assert len(rows) == 3
    for row in rows:
        assert f"| {row['time_ratio']:.2f} (" in page
        assert f"| {row['flops_ratio']:.3f} |" in page


def test_the_table_of_speed_in_readme_is_that_of_the_committed_results(run):
    printed = run(BENCHMARKS / "summary.py")
    table = printed.strip()
    assert len(table.splitlines()) <= 2 + 8
    assert table in (ROOT / "README.md").read_text(encoding="utf-8")


def test_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 250
