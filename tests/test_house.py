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
    0: {
        "activations",
        "array_files",
        "batch_order",
        "compiled_programs",
        "derivation_of_softmax",
        "evidence",
        "numpy_forward",
        "progress",
        "roll_call",
        "sharded_examples",
        "sweeps.progress",
        "table_sources",
        "wording",
    },
    1: {
        "checkpoint_folders",
        "encoding",
        "joined_processes",
        "parameters",
        "picture_input",
        "remarks",
        "sweeps.distributions",
        "sweeps.halving",
        "table_texts",
    },
    2: {
        "dropout",
        "metrics",
        "model_files",
        "optimizers",
        "pictures_of_predictions",
        "pictures_of_regions",
        "preprocessing",
        "sweeps.space_files",
        "table_files",
        "verdicts",
    },
    3: {
        "losses",
        "table_columns",
    },
    4: {
        "forward_propagation",
        "labels",
        "tables",
    },
    5: {
        "cost_function",
        "derivation",
        "kinks",
        "prediction",
        "table_options",
        "trained_models",
    },
    6: {
        "back_propagation",
        "estimators.together",
        "exports",
        "finite_differences",
        "rounding",
        "sweeps.fitted",
        "sweeps.selection",
        "sweeps.shard_processes",
        "table_models",
    },
    7: {
        "descent",
        "model_commands",
        "trial",
    },
    8: {
        "certificate",
        "epochs",
    },
    9: {
        "pictures_of_training",
        "sweeps.program",
        "training_checkpoints",
        "training_input",
        "training_loop",
    },
    10: {
        "estimators.settings",
        "pictures",
        "sweeps.folds",
        "sweeps.programs",
        "sweeps.space",
        "training_segments",
    },
    11: {
        "sweeps.task_labels",
        "training",
        "training_commands",
    },
    12: {
        "estimators.solvers",
        "sweeps.task",
    },
    13: {
        "estimators.mlp",
        "sweeps.members",
        "sweeps.shards",
        "sweeps.trainings",
    },
    14: {
        "estimators.classifier",
        "estimators.regressor",
        "estimators.search_tables",
        "estimators.to_model",
        "sweeps.buckets",
        "sweeps.costs",
        "sweeps.standings",
    },
    15: {
        "estimators.search_input",
        "sweeps.chunks",
        "sweeps.grouping",
        "sweeps.places",
        "sweeps.schedule",
        "sweeps.waves",
    },
    16: {
        "estimators.trained_alone",
        "sweeps.draws",
        "sweeps.outcome_arrays",
        "sweeps.plan",
    },
    17: {
        "sweeps.checkpoint_files",
        "sweeps.result",
    },
    18: {
        "sweeps.checkpoints",
        "sweeps.report_pictures",
        "sweeps.result_files",
        "sweeps.shard_options",
        "tensorboard_logs",
    },
    19: {
        "sweeps.peers",
        "sweeps.report",
    },
    20: {
        "sweeps.work",
    },
    21: {
        "sweeps.run",
    },
    22: {
        "estimators.trained_candidates",
        "sweeps.command",
    },
    23: {
        "cli",
        "estimators.search_results",
    },
    24: {
        "__main__",
        "estimators.search",
    },
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
