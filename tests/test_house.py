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
# From the ground up: a room stands on rooms named before it. The mathematics is one room, flat at
# the top of the package.
ROOMS = (
    "wording",
    "processes",
    "storage",
    "mathematics",
    "certificate",
    "training",
    "models",
    "tables",
    "pictures",
    "sweeps",
    "sweeps.planning",
    "sweeps.running",
    "sweeps.divided",
    "sweeps.results",
    "sweeps.in_time",
    "sweeps.run",
    "sweeps.tables",
    "estimators",
    "cli",
)
# Files that are rooms of their own: what all rooms say things with, and the door of sweeps, which
# stands on all that is in its folder, with what the door does where the time is limited.
ALONE = {"wording", "sweeps.in_time", "sweeps.run"}
# Names of before, which stand on whatever has the new name.
OLD_NAMES = {"preprocessing", "sweeps.report"}
# The paper's equations, one after the other, are one file.
TAKEN_WHOLE = {"derivation"}
PACKAGE = ROOT / "mlp_jax"
MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path.read_text(encoding="utf-8")
    for path in PACKAGE.rglob("*.py")
    if path.name not in ("__init__.py", "__main__.py")
}


def room_of(module):
    """Of a module of the package, such as "sweeps.planning.plan"."""
    return module if module in ALONE else module.rpartition(".")[0] or "mathematics"


def imports_of(source):
    """Modules of mlp_jax imported by `source`, in functions too; of a room's page, the room."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mlp_jax"):
            inside = node.module.removeprefix("mlp_jax").removeprefix(".")
            names = {f"{inside}.{alias.name}".lstrip(".") for alias in node.names}
            found |= {inside} if inside in MODULES else {n for n in names if n in MODULES}
            found |= {f"{inside}.page"} - {".page"} if inside not in MODULES and inside else set()
        if isinstance(node, ast.Import):
            found |= {a.name[8:] for a in node.names if a.name.startswith("mlp_jax.")}
    return found


def breaches(module, source):
    """What `source`, as that module, imports from a room above its own."""
    at = ROOMS.index(room_of(module))
    return {other for other in imports_of(source) if ROOMS.index(room_of(other)) > at}


def circle(graph):
    """Some modules that import one another in a circle; empty if there are none."""
    left = {module: set(others) & set(graph) - {module} for module, others in graph.items()}
    while free := {module for module, others in left.items() if not others}:
        left = {module: others - free for module, others in left.items() if module not in free}
    return set(left)


def lengths(source):
    """(lines of a file, {function: its lines without its docstring})."""
    functions = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            said = node.body[0] if ast.get_docstring(node) is not None else None
            docstring = said.end_lineno - said.lineno + 1 if said else 0
            functions[node.name] = node.end_lineno - node.lineno + 1 - docstring
    return len(source.splitlines()), functions


def too_long(source):
    """What of a file is longer than a room or a screen: "the file", or names of functions."""
    lines, functions = lengths(source)
    return ["the file"] * (lines > 300) + [name for name, count in functions.items() if count > 60]


def test_no_file_and_no_function_is_too_long():
    found = {m: too_long(source) for m, source in MODULES.items() if m not in TAKEN_WHOLE}
    assert {module: what for module, what in found.items() if what} == {}


def test_what_is_too_long_would_be_seen():
    assert too_long("x = 1\n" * 301) == ["the file"]
    long = '"""Says\nit."""\n' + "    x = 1\n" * 60
    assert too_long(f"def f():\n    {long}") == ["f"]
    assert too_long(f"def f():\n    {long[:-10]}") == []


def test_imports_go_down():
    found = {m: breaches(m, source) for m, source in MODULES.items() if m not in OLD_NAMES}
    assert {module: others for module, others in found.items() if others} == {}


def test_no_import_goes_in_a_circle():
    assert circle({module: imports_of(source) for module, source in MODULES.items()}) == set()


def test_an_import_from_above_would_be_seen():
    assert breaches("losses", "from mlp_jax.training.epoch import Recipe") == {"training.epoch"}
    assert breaches("losses", "def f():\n    import mlp_jax.training.epoch") == {"training.epoch"}
    assert breaches("losses", "from mlp_jax.training import epoch") >= {"training.epoch"}
    assert breaches("storage.array_files", "from mlp_jax.training import fit") == {"training.page"}
    assert breaches("sweeps.task", "from mlp_jax.sweeps import run") == {"sweeps.run"}


def test_a_circle_would_be_seen():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) >= {"a", "b", "c"}
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == set()


def test_every_module_is_in_a_room():
    assert {room_of(module) for module in MODULES if module not in OLD_NAMES} == set(ROOMS)


def test_the_api_page_names_what_exists():
    page = (ROOT / "mlp_jax/__init__.py").read_text()
    assert names_typed(page) == {(home, name) for name, home in mlp_jax._HOMES.items()}
    for name, home in mlp_jax._HOMES.items():
        assert getattr(mlp_jax, name) is getattr(importlib.import_module(f"mlp_jax.{home}"), name)


def names_typed(page):
    """(module, name) of what a page imports for whoever checks types."""
    return set(re.findall(r"from mlp_jax\.([\w.]+) import (\w+) as \2\n", page))


@pytest.mark.parametrize(
    "room", ["certificate", "estimators", "models", "sweeps", "tables", "training"]
)
def test_the_page_of_a_room_names_its_part_of_the_api(room):
    page = (PACKAGE / room / "__init__.py").read_text(encoding="utf-8")
    own = {name for name, home in mlp_jax._HOMES.items() if home.startswith(f"{room}.")}
    assert names_typed(page) == {(mlp_jax._HOMES[name], name) for name in own}
    module = importlib.import_module(f"mlp_jax.{room}")
    for name in own:
        assert getattr(module, name) is getattr(mlp_jax, name)
    with pytest.raises(AttributeError, match=f"'mlp_jax.{room}' has no attribute 'cost'"):
        _ = module.cost


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
