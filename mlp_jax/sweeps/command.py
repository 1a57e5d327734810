"""`mlp-jax sweep`: files, printing and exit codes; no maths. JAX is imported when it runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlp_jax.table_options import check_writable, named_table, table_options

if TYPE_CHECKING:
    from mlp_jax.sweeps.result import SweepResult

BEST = 10  # configurations that are printed


def default_space() -> dict[str, Any]:
    """What is searched where no --space is given."""
    from mlp_jax.sweeps.distributions import int_uniform, log_uniform

    return {
        "depth": [1, 2, 3],
        "widths": int_uniform(4, 64),
        "activation": ["relu", "tanh"],
        "learning_rate": log_uniform(1e-4, 1e-1),
        "l2": log_uniform(1e-6, 1e-1),
    }


@click.command()
@table_options
@click.option(
    "--space",
    "space_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="TOML or JSON: names and lists, or distributions. By default depth, widths, activation, "
    "learning rate and L2 are searched.",
)
@click.option(
    "--n",
    type=click.IntRange(1),
    help="Configurations to draw; 1000 unless --space lists all of them.",
)
@click.option("--folds", type=click.IntRange(2), default=3, show_default=True)
@click.option("--epochs", type=click.IntRange(1), default=30, show_default=True)
@click.option("--patience", type=click.IntRange(1), help="Epochs without progress to stop after.")
@click.option("--halving", type=click.IntRange(2), help="3 goes on with the best third, twice.")
@click.option("--memory", type=click.IntRange(1), help="MiB it may take.")
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write one HTML page with pictures.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the best network, trained on all but the held-out samples.",
)
def sweep(
    data: Path | None,
    target: str | None,
    drop: tuple[str, ...],
    seed: int,
    held_out: float,
    space_file: Path | None,
    n: int | None,
    report: Path | None,
    output: Path | None,
    memory: int | None,
    **choices: Any,
) -> None:
    """Search a space of networks on DATA, a CSV or Parquet file, or on the breast-cancer data.

    Trains 1,000 configurations unless told otherwise, many at a time, on every fold of the samples
    that are not held out; prints the best ten, and how the very best does on the held-out ones.
    """
    for path in (report, output):
        if path is not None:
            check_writable(path)
    from mlp_jax import tables
    from mlp_jax.sweeps.run import plan_of, run
    from mlp_jax.sweeps.space_files import read_space
    from mlp_jax.sweeps.task import as_task

    table = named_table(data, target, drop)
    parts = tables.split(table, held_out, seed)
    space = default_space() if space_file is None else read_space(space_file)
    if n is None and space_file is None:
        n = 1000
    halving = choices.pop("halving")
    task = as_task(
        *(parts.X_train.astype("float32"), parts.y_train.astype(int), space),
        n=n,
        key=seed,
        **choices,
    )
    plan = plan_of(task, memory=None if memory is None else memory << 20, halving=halving)
    click.echo(str(plan))
    result = run(task, plan, halving=halving, progress=True)
    _print(result)
    fitted = result.refit()
    right = (fitted.predict(parts.X_test) == parts.y_test).mean()
    click.echo(
        f"the best, trained on all {task.X.shape[1]} samples: accuracy {right:.4f} on the "
        f"{len(parts.y_test)} held out"
    )
    written = []
    if report is not None:
        from mlp_jax.sweeps.report import html_report

        written.append((report, html_report(result, held_out_score=right).encode()))
    if output is not None:
        from mlp_jax import model_files

        model = model_files.Model(
            *(fitted.params, fitted.network, table.classes, table.features),
            *(parts.mean, parts.scale),
        )
        written.append((output, model_files.to_bytes(model)))
    from mlp_jax import model_files

    for path, content in written:
        model_files.replace(path, content)
        click.echo(f"wrote {path}")


def _print(result: "SweepResult") -> None:
    from rich.console import Console
    from rich.table import Table

    if result.interrupted:
        click.echo("interrupted: what follows is of the configurations that are finished")
    varied = result.varied()
    shown = Table(box=None, pad_edge=False)
    for name in ("rank", result.task.scoring, "spread", "epoch", *varied, "status"):
        shown.add_column(name, justify="right", no_wrap=True)
    for row in result.ranking[:BEST]:
        values = [result.task.described(row.configuration, name) for name in varied]
        numbers = (str(row.rank), f"{row.score:.4f}", f"{row.spread:.4f}", f"{row.best_epoch:.0f}")
        shown.add_row(*numbers, *values, row.status)
    console = Console()
    # In a file, as wide as it is.
    console.print(shown) if console.is_terminal else Console(width=160).print(shown)
    done = sum(member.status != "interrupted" for member in result.members)
    click.echo(f"{done} of {len(result.members)} members in {result.seconds:.1f} s")
