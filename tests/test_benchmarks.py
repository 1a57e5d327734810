"""Every benchmark runs in its small form, and the tables on its page are those it kept."""

import json
from pathlib import Path

import pytest

from tests.scripts import BENCHMARKS, ROOT, run, run_alone


def test_old_and_new_times_two_versions_by_the_same_work():
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


def test_training_vs_plain_measures_both(tmp_path):
    run(BENCHMARKS / "training_vs_plain.py", "--small", "--output", tmp_path)
    [row] = json.loads((tmp_path / "training_vs_plain.json").read_text())["rows"]
    assert set(row["time"]) == {"ours", "columns", "rows"}
    assert row["time_ratios"]["columns"][1] > 0


def test_planning_is_timed_and_its_programs_are_counted():
    printed = run(BENCHMARKS / "planning.py", "--small").splitlines()
    rows = [line.split() for line in printed if line[:7].strip().isdigit()]
    assert [row[0] for row in rows] == ["50", "50", "100"]
    assert all(0 < int(row[3]) <= 32 and 0 < float(row[5]) <= 1 for row in rows)


def test_the_planner_is_measured_against_two_others():
    printed = run(BENCHMARKS / "sweep_planner.py", "--n", 2, "--rows", 90, "--epochs", 1)
    lines = printed.splitlines()
    assert [line[:10] for line in lines[2:]] == ["the plan  ", "one progra", "one progra"]


def test_narrow_programs_are_measured_beside_others(tmp_path):
    printed = run(BENCHMARKS / "narrow_programs.py", "--small", "--output", tmp_path)
    [row] = json.loads((tmp_path / "narrow_programs.json").read_text())["rows"]
    assert set(row["micros"]) == set(row["compiling"]) == {"its own", "padded", "narrow"}
    assert min(middle for _, middle, _ in row["micros"].values()) > 0
    assert "| 9-33, 64 |" in printed


def test_halving_is_measured_against_the_full_sweep():
    printed = run(BENCHMARKS / "halving.py", "--small")
    assert printed.splitlines()[-1].startswith("iris")


def test_the_costs_of_a_sweep_are_fitted():
    printed = run(BENCHMARKS / "sweep_costs.py", "--n", 12, "--rows", 900, "--epochs", 1)
    fitted = ("compiling", "FLOPS_PER_SECOND", "FLOPS_OF_UPDATE", "SECONDS_OF_UNIT", "QUICK")
    assert [constant for constant in fitted if constant not in printed] == []
    assert printed.count("now ") == len(fitted), printed


def test_pythons_share_of_a_network_is_measured_part_by_part():
    printed = run(BENCHMARKS / "python_a_network.py", "--small").splitlines()
    rows = (line.rsplit(maxsplit=1) for line in printed if line[-2:-1] == ".")
    values = {name.strip(): float(value) for name, value in rows}
    assert {"sweep", "ranking and to_pandas", "save_sweep"} < set(values)
    assert all(value > 0 for value in values.values())


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="reads Linux's /proc")
def test_the_memory_of_a_sweep_is_measured_beside_its_plan():
    printed = run_alone(BENCHMARKS / "sweep_memory.py", "--small")
    ratios = [float(line.split()[-1]) for line in printed.splitlines()[2:]]
    assert len(ratios) == 3
    assert all(0.5 < ratio < 2 for ratio in ratios), printed


def test_one_model_does_the_same_work_as_its_peers(tmp_path):
    run(BENCHMARKS / "one_model.py", "--small", "--output", tmp_path)
    [row] = json.loads((tmp_path / "one_model.json").read_text())["rows"]
    assert set(row["seconds"]) == {"mlp_jax", "scikit-learn"}
    assert row["costs"]["mlp_jax"] == pytest.approx(row["costs"]["scikit-learn"], rel=0.05)


def test_a_sweep_of_equal_shapes_does_the_same_work_as_its_peers(tmp_path):
    printed = run(BENCHMARKS / "equal_shapes.py", "--small", "--output", tmp_path)
    [row] = json.loads((tmp_path / "equal_shapes.json").read_text())["rows"]
    assert {"mlp_jax", "`jit(vmap)`", "scikit-learn, joblib"} < set(row["seconds"])
    for name, (cost, _) in row["costs"].items():
        assert cost == pytest.approx(row["costs_of_ours_on_the_same"][name], rel=0.05)
    assert "left out of the small form: `torch.func.vmap`" in printed
    assert "| `jit(vmap)`, times ours |" in printed


def test_the_sweep_is_measured_against_a_jitted_loop(tmp_path):
    printed = run(BENCHMARKS / "never_slower.py", "--small", "--output", tmp_path)
    rows = json.loads((tmp_path / "never_slower.json").read_text())["rows"]
    assert [row["members"] for row in rows] == [1, 32]
    assert all(row["speed_up"][1] > 0 for row in rows)
    assert "of 2 sizes below 0.95" in printed


def test_a_search_over_mixed_shapes_is_measured_beside_its_peers(tmp_path):
    run(BENCHMARKS / "mixed_shapes.py", "--small", "--output", tmp_path)
    result = json.loads((tmp_path / "mixed_shapes.json").read_text())
    for name in ("scikit-learn", "jitted loop"):
        seconds, error = result["seconds"][name]
        assert seconds > 0
        assert error > 0
    assert result["useful"]["sweep, cold"] > 0


def test_on_an_accelerator_every_part_is_measured_and_kept(tmp_path):
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


def test_the_limit_is_measured(tmp_path):
    run(BENCHMARKS / "limit.py", "--small", "--output", tmp_path)
    result = json.loads((tmp_path / "limit.json").read_text())
    [row] = result["sustained"]
    assert row["flops_per_second"][1] > 0
    assert row["useful_share_of_flops"] == pytest.approx(1)
    assert [row["members"] for row in result["growing"]] == [2, 8]


def test_the_start_is_timed_in_processes_of_its_own(tmp_path):
    printed = run(BENCHMARKS / "start_up.py", "--small", "--output", tmp_path)
    result = json.loads((tmp_path / "start_up.json").read_text())
    assert set(result["first"]) == {"fit, a step", "fit, a step, warm cache"}
    assert result["compilations"]["sweep"]["cold"]["1"][1] > 0
    assert "| jax, optax, chex |" in printed
    result = json.loads((tmp_path / "first_prediction.json").read_text())
    assert set(result["milliseconds"]) > {"NumPy alone", "a model file", "joblib and scikit-learn"}
    assert result["difference"] < 1e-12
    result = json.loads((tmp_path / "command_line.json").read_text())
    [(name, seconds)] = [(k, v) for k, v in result.items() if k not in ("jax", "device", "cores")]
    assert seconds["now"].keys() == {"first", "next"}
    assert f"| {name} |" in printed


def test_the_default_answer_is_timed(tmp_path):
    printed = run(BENCHMARKS / "default_answer.py", "--small", "--output", tmp_path)
    result = json.loads((tmp_path / "default_answer.json").read_text())
    assert result["fits"]["numbers"]["configurations"] == 2
    assert set(result["milliseconds"]) > {"NumPy alone", "the ensemble of numbers, 100 rows"}
    assert "| from the start of a process | milliseconds |" in printed


def test_a_search_is_laid_beside_randomized_search(tmp_path):
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


def test_the_table_of_speed_in_readme_is_that_of_the_committed_results():
    printed = run(BENCHMARKS / "summary.py")
    table = printed.strip()
    assert len(table.splitlines()) <= 2 + 8
    assert table in (ROOT / "README.md").read_text(encoding="utf-8")


def test_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 250


def test_a_sweep_with_a_limit_is_timed(tmp_path):
    run(BENCHMARKS / "seconds.py", "--small", "--seconds", 10_000, "--output", tmp_path)
    result = json.loads((tmp_path / "seconds.json").read_text())
    found = result["calls"]["`sweep`, one, tiny"]
    assert (found["configurations"], found["finished"], found["programs"]) == (1, 1, 1)
    assert found["wall"] < 10_000
