"""Every experiment runs in its small form, and what README says of the large form is committed."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
BENCHMARKS = ROOT / "experiments/benchmarks"


def run(script, *arguments):
    done = subprocess.run(
        [sys.executable, script, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_gradient_vs_autodiff_measures_both(tmp_path):
    printed = run(BENCHMARKS / "gradient_vs_autodiff.py", "--small", "--output", tmp_path)
    [row] = json.loads((tmp_path / "gradient_vs_autodiff.json").read_text())["rows"]
    assert row["time_ratio"] > 0
    assert row["temporary_bytes"]["by hand"] <= row["temporary_bytes"]["jax.grad"]
    assert abs(row["flops_ratio"] - 1) < 0.02
    assert "| 30-64-32-16-1, 64 |" in printed


def test_the_table_in_readme_is_the_committed_result():
    rows = json.loads((BENCHMARKS / "results/gradient_vs_autodiff.json").read_text())["rows"]
    readme = (ROOT / "README.md").read_text()
    assert len(rows) == 3
    for row in rows:
        assert f"| {row['time_ratio']:.2f} (" in readme
        assert f"| {row['flops_ratio']:.3f} |" in readme
