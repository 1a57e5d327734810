"""The house in order: imports go down, the API page is true, README and CI agree, tools pass."""

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import mlp_jax

ROOT = Path(__file__).parents[1]
FLOORS = {
    -1: {
        "array_files",
        "batch_order",
        "compiled_programs",
        "encoding",
        "roll_call",
        "numpy_forward",
        "picture_input",
        "table_files",
        "metrics",
        "progress",
        "sharded_examples",
        "sweeps.distributions",
        "sweeps.progress",
        "sweeps.halving",
    },
    0: {
        "checkpoint_folders",
        "joined_processes",
        "parameters",
        "activations",
        "losses",
        "verdicts",
        "model_files",
        "preprocessing",
        "table_columns",
    },
    1: {"dropout", "forward_propagation", "labels", "optimizers", "tables"},
    2: {"cost_function", "kinks", "table_options", "trained_models"},
    3: {
        "exports",
        "sweeps.shard_processes",
        "table_models",
        "derivation",
        "derivation_of_softmax",
        "back_propagation",
        "finite_differences",
    },
    4: {"model_commands", "trial", "descent"},
    5: {"certificate", "epochs", "pictures_of_predictions", "pictures_of_regions"},
    6: {
        "training_checkpoints",
        "training_loop",
        "pictures_of_training",
        "training_input",
        "prediction",
    },
    7: {
        "pictures",
        "sweeps.fitted",
        "sweeps.selection",
        "training_segments",
        "sweeps.program",
        "sweeps.space",
        "sweeps.space_files",
        "estimators.settings",
    },
    8: {"sweeps.folds", "sweeps.task_labels", "training", "training_commands"},
    9: {"sweeps.task", "estimators.solvers"},
    10: {"sweeps.members", "sweeps.shards", "sweeps.trainings", "estimators.mlp"},
    11: {
        "sweeps.buckets",
        "sweeps.costs",
        "sweeps.programs",
        "estimators.classifier",
        "estimators.regressor",
        "estimators.search_tables",
        "estimators.together",
        "sweeps.standings",
    },
    12: {
        "estimators.search_input",
        "estimators.to_model",
        "sweeps.grouping",
        "sweeps.places",
        "sweeps.chunks",
    },
    13: {"sweeps.plan"},
    14: {"sweeps.waves", "sweeps.schedule"},
    15: {"sweeps.draws", "sweeps.result", "sweeps.outcome_arrays"},
    16: {
        "tensorboard_logs",
        "sweeps.report_pictures",
        "sweeps.result_files",
        "sweeps.checkpoint_files",
    },
    17: {"sweeps.report", "sweeps.checkpoints"},
    18: {"sweeps.peers"},
    19: {"sweeps.work"},
    20: {"sweeps.run", "sweeps.shard_options"},
    21: {"sweeps.command", "estimators.trained_candidates"},
    22: {"cli", "estimators.search_results"},
    23: {"__main__", "estimators.search"},
}
FLOOR_OF = {module: floor for floor, modules in FLOORS.items() for module in modules}


def imports_of(source):
    """Modules of mlp_jax imported by `source`, in functions too."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mlp_jax"):
            parts = node.module.split(".")
            inside = ".".join(parts[1:])
            found |= {inside} if inside else {alias.name for alias in node.names}
        if isinstance(node, ast.Import):
            found |= {a.name[8:] for a in node.names if a.name.startswith("mlp_jax.")}
    return found


def breaches(module, source):
    return {other for other in imports_of(source) if FLOOR_OF.get(other, 99) >= FLOOR_OF[module]}


@pytest.mark.parametrize("module", sorted(FLOOR_OF))
def test_imports_go_down(module):
    assert breaches(module, (ROOT / f"mlp_jax/{module.replace('.', '/')}.py").read_text()) == set()


def test_an_import_sideways_would_be_seen():
    assert breaches("losses", "from mlp_jax.activations import relu") == {"activations"}
    assert breaches("losses", "def f():\n    import mlp_jax.training") == {"training"}


def test_every_module_has_a_floor():
    package = ROOT / "mlp_jax"
    files = (path.relative_to(package).with_suffix("") for path in package.rglob("*.py"))
    modules = {".".join(file.parts) for file in files if file.name != "__init__"}
    assert modules == set(FLOOR_OF)


def test_the_api_page_names_what_exists():
    page = (ROOT / "mlp_jax/__init__.py").read_text()
    typed = set(re.findall(r"from mlp_jax\.([\w.]+) import (\w+) as \2\n", page))
    assert typed == {(home, name) for name, home in mlp_jax._HOMES.items()}
    for name, home in mlp_jax._HOMES.items():
        assert getattr(mlp_jax, name) is getattr(importlib.import_module(f"mlp_jax.{home}"), name)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'gradients'"):
        _ = mlp_jax.gradients


def test_ci_runs_the_test_command_of_readme():
    command = (ROOT / ".ci/run").read_text().splitlines()[-1]
    assert command in (ROOT / "README.md").read_text().splitlines()
    assert "pytest" in command


@pytest.mark.parametrize(
    "arguments",
    [["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]],
    ids=["ruff-check", "ruff-format", "mypy"],
)
def test_tools_pass(arguments):
    run = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
