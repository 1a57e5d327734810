"""How long does one wait for mlp_jax: to import it, to the first step, to compile?

Every measurement is a process of its own, timed within it (`first_steps.py`), the kinds in turn;
medians and quartiles. Imports are beside those that a JAX script has anyway; the first step, from
before the imports to its end, beside the same in jax and optax alone. Compile times are of Adam, by
the number of hidden layers, without a compilation cache and with one that an earlier process has
filled (`JAX_COMPILATION_CACHE_DIR`; JAX leaves out what compiles in less than a second unless
`JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS=0`, which is set here).

    python experiments/benchmarks/start_up.py            # a quarter of an hour
    python experiments/benchmarks/start_up.py --small    # a process of each kind: seconds
    python experiments/benchmarks/start_up.py --readme   # the tables go into README.md here
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import click
import numpy as np
from measuring import figure_of, keep, quartiles, spelled

IMPORTS = {
    "jax": "jax",
    "jax, optax, chex": "jax,optax,chex",
    "jax, optax, chex, mlp_jax": "jax,optax,chex,mlp_jax",
    "the same and all that mlp_jax exports": "jax,optax,chex,mlp_jax.*",
    "mlp_jax": "mlp_jax",
}
FIRST = {"fit, a step": "fit", "jax and optax alone, a step": "plain", "sweep, an epoch": "sweep"}
DEPTHS = range(1, 9)
ROUNDS, ROUNDS_OF_COMPILING = 7, 3
CACHE = "JAX_COMPILATION_CACHE_DIR"
RESULTS = Path(__file__).parent / "results"


def in_a_process(what, argument="-", cache=None):
    """What `first_steps.py` returns in a fresh process, with a compilation cache or without."""
    environment = {name: value for name, value in os.environ.items() if name != CACHE}
    if cache is not None:
        environment |= {CACHE: str(cache), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("first_steps.py"), what, argument],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def repeated(kinds, rounds):
    """{name: what each round found}; kinds is {name: arguments of `in_a_process`}."""
    found = {name: [] for name in kinds}
    for number in range(rounds):
        for name in list(kinds)[:: 1 if number % 2 else -1]:
            found[name].append(in_a_process(*kinds[name]))
    return found


def print_seconds(title, found):
    print(f"\n{title}, seconds")
    for name, three in found.items():
        print(f"{name:40} {spelled(three)}", flush=True)


def all_imports(rounds):
    kinds = {name: ("imports", modules) for name, modules in IMPORTS.items()}
    in_a_process(
        "imports", IMPORTS["jax, optax, chex, mlp_jax"]
    )  # files are read and byte-compiled
    seconds = repeated(kinds, rounds)
    found = {name: quartiles(values) for name, values in seconds.items()}
    beside = np.array(seconds["jax, optax, chex"])
    for name in ("jax, optax, chex, mlp_jax", "the same and all that mlp_jax exports"):
        found[f"{name}: added"] = quartiles(np.array(seconds[name]) - beside)
    print_seconds("imports", found)
    return found


def all_first_steps(first, rounds, folder):
    kinds = {name: (what, "-", None) for name, what in first.items()}
    kinds |= {
        f"{name}, warm cache": (what, "-", Path(folder) / what) for name, what in first.items()
    }
    for what, _, cache in kinds.values():
        if cache is not None:
            in_a_process(what, "-", cache)  # fills it
    found = {name: quartiles(values) for name, values in repeated(kinds, rounds).items()}
    print_seconds("from before the imports to the end", found)
    return found


def all_compilations(depths, rounds, folder):
    """{"fit" or "sweep": {"cold" or "warm": {depth: quartiles}}}; without a folder cold alone."""
    listed = ",".join(map(str, depths))
    kinds = {"cold": ("compilations", listed)}
    if folder is not None:
        kinds["warm"] = ("compilations", listed, Path(folder) / "compilations")
        in_a_process(*kinds["warm"])  # fills it
    rounds = repeated(kinds, rounds)
    found = {
        who: {
            state: {depth: quartiles([one[who][str(depth)] for one in ones]) for depth in depths}
            for state, ones in rounds.items()
        }
        for who in ("fit", "sweep")
    }
    print("\nto compile, by hidden layers, seconds")
    for who, states in found.items():
        for state, by_depth in states.items():
            cells = " ".join(f"{three[1]:6.2f}" for three in by_depth.values())
            print(f"{f'{who}, {state}':20} {cells}", flush=True)
    return found


def tables(result):
    lines = ["| to import | seconds |", "|---|---|"]
    lines += [f"| {name} | {spelled(three)} |" for name, three in result["imports"].items()]
    lines += ["", "| to the first step, imports included | seconds |", "|---|---|"]
    lines += [f"| {name} | {spelled(three)} |" for name, three in result["first"].items()]
    depths = list(result["compilations"]["fit"]["cold"])
    lines += [
        "",
        "| hidden layers, seconds to compile | " + " | ".join(map(str, depths)) + " |",
        "|---" * (1 + len(depths)) + "|",
    ]
    for who, states in result["compilations"].items():
        for state, by_depth in states.items():
            cells = " | ".join(f"{three[1]:.2f}" for three in by_depth.values())
            lines.append(f"| `{who}`, {state} cache | {cells} |")
    return "\n".join(lines) + "\n"


def picture(result):
    figure, axes = figure_of(2, width=5.5)
    bars = result["imports"] | result["first"]
    axes[0].barh(list(bars)[::-1], [three[1] for three in bars.values()][::-1])
    axes[0].tick_params(axis="y", labelsize=7)
    axes[0].set(xlabel="seconds")
    for who, states in result["compilations"].items():
        for state, by_depth in states.items():
            style = "o-" if state == "cold" else "o--"
            middles = [three[1] for three in by_depth.values()]
            axes[1].plot(list(by_depth), middles, style, label=f"{who}, {state} cache")
    axes[1].set(xlabel="hidden layers", ylabel="seconds to compile", ylim=(0, None))
    axes[1].legend(fontsize=7)
    return figure


@click.command()
@click.option("--small", is_flag=True, help="A process of each kind; fit alone, one depth.")
@click.option("--readme", is_flag=True, help="Write the tables into README.md here too.")
@click.option("--output", type=Path, default=RESULTS)
def main(small: bool, readme: bool, output: Path) -> None:
    """Prints seconds of imports, first steps and compilations."""
    with tempfile.TemporaryDirectory() as folder:
        if small:
            first = {"fit, a step": "fit"}
            result = {
                "imports": all_imports(1),
                "first": all_first_steps(first, 1, folder),
                "compilations": all_compilations([1], 1, None),
            }
        else:
            result = {
                "imports": all_imports(ROUNDS),
                "first": all_first_steps(FIRST, ROUNDS, folder),
                "compilations": all_compilations(DEPTHS, ROUNDS_OF_COMPILING, folder),
            }
    keep(*("start_up", result, picture(result), tables(result)), output=output, readme=readme)


if __name__ == "__main__":
    main()
