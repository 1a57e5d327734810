"""How long does one wait for mlp_jax: to import it, to the first step, to compile, to a prediction?

Every measurement is a process of its own, timed within it, the kinds in turn; medians and
quartiles. Imports are beside those that a JAX script has anyway; the first step, imports included,
beside the same in jax and optax alone; compile times are of Adam, with an empty compilation cache
and with a full one (JAX leaves out what compiles in less than a second unless
`JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS=0`, which is set here). The first row is predicted by a
model file, which needs NumPy and safetensors, and by the same network kept with joblib. What one
waits for the command line is measured beside an earlier version of the library, if there is one.

    python experiments/benchmarks/start_up.py            # half an hour
    python experiments/benchmarks/start_up.py --small    # a process of each kind: seconds
    python experiments/benchmarks/start_up.py --part first_prediction --readme   # or start_up
    git worktree add FOLDER COMMIT
    python experiments/benchmarks/start_up.py --part command_line --before FOLDER
"""

import inspect
import json
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import click
import joblib
import numpy as np
from first_steps import compiled, examples, fitted, imported, plain, swept
from measuring import figure_of, keep, options, quartiles, spelled
from sklearn.datasets import load_breast_cancer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from waits import table_of_waits, waits

import mlp_jax

IMPORTS = {
    "jax": "jax",
    "jax, optax, chex": "jax,optax,chex",
    "jax, optax, chex, mlp_jax": "jax,optax,chex,mlp_jax",
    "the same and all that mlp_jax exports": "jax,optax,chex,mlp_jax.*",
    "mlp_jax": "mlp_jax",
}
DEPTHS = range(1, 9)
ROUNDS, ROUNDS_OF_COMPILING, ROUNDS_OF_PREDICTING = 7, 3, 15
CACHE = "JAX_COMPILATION_CACHE_DIR"
STEPS = ("imports", "first")  # of a result
PARTS = ("start_up", "first_prediction", "command_line")
PREDICTIONS = {
    "NumPy alone": "import numpy",
    "a model file": "import mlp_jax; mlp_jax.load_model('m').predict([[1.0] * 30])",
    "joblib and scikit-learn": "import joblib; joblib.load('m.joblib').predict([[1.0] * 30])",
}


def in_a_process(code, *, cache=None, folder=None):
    """What a fresh process of this code prints last, as JSON; with a compilation cache or none."""
    environment = {name: value for name, value in os.environ.items() if name != CACHE}
    if cache is not None:
        environment |= {CACHE: str(cache), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        **{"cwd": folder, "env": environment, "capture_output": True, "text": True},
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def timed(code):
    """The code, and the seconds that it takes; nothing is imported before the clock runs."""
    return f"import time\nbegan = time.perf_counter()\n{code}\nprint(time.perf_counter() - began)"


def source(function):
    return inspect.getsource(examples) + inspect.getsource(function)


def timed_call(function, argument="-"):
    return source(function) + timed(f"{function.__name__}({argument!r})")


def repeated(kinds, rounds, **where):
    """{name: what each round found}; kinds is {name: (code, compilation cache or None)}."""
    found = {name: [] for name in kinds}
    for number in range(rounds):
        for name in list(kinds)[:: 1 if number % 2 else -1]:
            code, cache = kinds[name]
            found[name].append(in_a_process(code, cache=cache, **where))
    return found


def all_imports(rounds):
    kinds = {name: (timed_call(imported, modules), None) for name, modules in IMPORTS.items()}
    in_a_process(kinds["jax, optax, chex, mlp_jax"][0])  # files are read and byte-compiled
    seconds = repeated(kinds, rounds)
    found = {name: quartiles(values) for name, values in seconds.items()}
    beside = np.array(seconds["jax, optax, chex"])
    for name in ("jax, optax, chex, mlp_jax", "the same and all that mlp_jax exports"):
        found[f"{name}: added"] = quartiles(np.array(seconds[name]) - beside)
    return found


def all_first_steps(first, rounds, folder):
    kinds = {name: (timed_call(function), None) for name, function in first.items()}
    for name, function in first.items():
        kinds[f"{name}, warm cache"] = timed_call(function), Path(folder) / function.__name__
        in_a_process(timed_call(function), cache=Path(folder) / function.__name__)  # fills it
    return {name: quartiles(values) for name, values in repeated(kinds, rounds).items()}


def all_compilations(depths, rounds, folder):
    """{"fit" or "sweep": {"cold" or "warm": {depth: quartiles}}}; without a folder cold alone."""
    code = f"{source(compiled)}\nimport json\nprint(json.dumps(compiled({list(depths)})))"
    kinds = {"cold": (code, None)}
    if folder is not None:
        kinds["warm"] = code, Path(folder) / "compilations"
        in_a_process(code, cache=kinds["warm"][1])  # fills it
    rounds = repeated(kinds, rounds)
    return {
        who: {
            state: {depth: quartiles([one[who][str(depth)] for one in ones]) for depth in depths}
            for state, ones in rounds.items()
        }
        for who in ("fit", "sweep")
    }


def first_prediction(rounds):
    """Milliseconds of a process of each kind, and the largest difference of a probability."""
    X, y = load_breast_cancer(return_X_y=True)
    theirs = make_pipeline(StandardScaler(), MLPClassifier((64, 32, 16), max_iter=20)).fit(X, y)
    network = mlp_jax.MLPClassifier((64, 32, 16), max_iter=1, random_state=0)
    ours = make_pipeline(StandardScaler(), network).fit(X, y)
    network.coefs_, network.intercepts_ = theirs[-1].coefs_, theirs[-1].intercepts_
    with tempfile.TemporaryDirectory() as folder:
        mlp_jax.save_model(ours, Path(folder) / "m")
        joblib.dump(theirs, Path(folder) / "m.joblib")
        model = mlp_jax.load_model(Path(folder) / "m")
        difference = np.abs(model.predict_proba(X) - theirs.predict_proba(X)).max()
        kinds = {name: (timed(code), None) for name, code in PREDICTIONS.items()}
        seconds = repeated(kinds, rounds + 1, folder=folder)
    # In the first round files are read and byte-compiled.
    found = {name: 1000 * np.array(times[1:]) for name, times in seconds.items()}
    found["a model file: added to NumPy"] = found["a model file"] - found["NumPy alone"]
    milliseconds = {name: quartiles(times) for name, times in found.items()}
    return {"milliseconds": milliseconds, "difference": float(difference)}


def rows(title, cells):
    return [f"| {title} |", "|---|---|", *(f"| {name} | {cell} |" for name, cell in cells.items())]


def tables_of_start(result):
    imports, first = ({name: spelled(q) for name, q in result[of].items()} for of in STEPS)
    lines = rows("to import | seconds", imports)
    lines += ["", *rows("to the first step, imports included | seconds", first)]
    depths = list(result["compilations"]["fit"]["cold"])
    lines += ["", "| hidden layers, seconds to compile | " + " | ".join(map(str, depths)) + " |"]
    lines += ["|---" * (1 + len(depths)) + "|"]
    for who, states in result["compilations"].items():
        for state, by_depth in states.items():
            cells = " | ".join(f"{three[1]:.2f}" for three in by_depth.values())
            lines.append(f"| `{who}`, {state} cache | {cells} |")
    return "\n".join(lines) + "\n"


def table_of_prediction(result):
    cells = {name: spelled(q, ".0f") for name, q in result["milliseconds"].items()}
    cells["largest difference of a probability"] = f"{result['difference']:.1e}"
    return "\n".join(rows("to the first prediction | milliseconds", cells)) + "\n"


def draw_bars(axes, bars, unit):
    axes.barh(list(bars)[::-1], [three[1] for three in bars.values()][::-1])
    axes.tick_params(axis="y", labelsize=7)
    axes.set(xlabel=unit)


def picture_of_start(result):
    figure, axes = figure_of(2, width=5.5)
    draw_bars(axes[0], result["imports"] | result["first"], "seconds")
    for who, states in result["compilations"].items():
        for state, by_depth in states.items():
            style = "o-" if state == "cold" else "o--"
            middles = [three[1] for three in by_depth.values()]
            axes[1].plot(list(by_depth), middles, style, label=f"{who}, {state} cache")
    axes[1].set(xlabel="hidden layers", ylabel="seconds to compile", ylim=(0, None))
    axes[1].legend(fontsize=7)
    return figure


def picture_of_prediction(result):
    figure, [axes] = figure_of(1)
    draw_bars(axes, result["milliseconds"], "milliseconds to the first prediction")
    return figure


@options(small="A process of each kind; fit alone, one depth.")
@click.option("--part", type=click.Choice(PARTS), help="One; or all.")
@click.option("--before", type=click.Path(path_type=Path), help="An earlier version's folder.")
def main(small: bool, part: str | None, before: Path | None, readme: bool, output: Path) -> None:
    """Prints seconds of imports, first steps, compilations, predictions and commands."""
    where = {"output": output, "readme": readme}
    if part in (None, "command_line"):
        found = waits(before, small=small)
        keep("command_line", found, None, table_of_waits(found), **where)
    if part in (None, "start_up"):
        first = {"fit, a step": fitted}
        if not small:
            first |= {"jax and optax alone, a step": plain, "sweep, an epoch": swept}
        depths, rounds = ([1], 1) if small else (DEPTHS, ROUNDS_OF_COMPILING)
        with tempfile.TemporaryDirectory() as folder:
            found = {
                "imports": all_imports(1 if small else ROUNDS),
                "first": all_first_steps(first, 1 if small else ROUNDS, folder),
                "compilations": all_compilations(depths, rounds, None if small else folder),
            }
        keep("start_up", found, picture_of_start(found), tables_of_start(found), **where)
    if part in (None, "first_prediction"):
        warnings.simplefilter("ignore")  # both trainings are short
        found = first_prediction(1 if small else ROUNDS_OF_PREDICTING)
        table = table_of_prediction(found)
        keep("first_prediction", found, picture_of_prediction(found), table, **where)


if __name__ == "__main__":
    main()
