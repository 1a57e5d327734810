"""`mlp-jax sweep`: files, printing and exit codes; no maths. JAX is imported when it runs."""

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlp_jax.cli.division import shard_options
from mlp_jax.cli.options import (
    INTERRUPTED,
    TableOptions,
    as_bytes,
    check_writable,
    hang_up,
    table_options,
)
from mlp_jax.cli.sweep_output import print_ranking, tell

if TYPE_CHECKING:
    from mlp_jax.cli.division import Division
    from mlp_jax.models.model import Model
    from mlp_jax.sweeps.results.result import SweepResult
    from mlp_jax.tables.table import EncodedTable, Table


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
@click.option("--epochs", type=click.IntRange(1, 10**9), default=30, show_default=True)
@click.option("--patience", type=click.IntRange(1), help="Epochs without progress to stop after.")
@click.option("--halving", type=click.IntRange(2), help="3 goes on with the best third, twice.")
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to save to every minute; the same command again goes on from there.",
)
@shard_options
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
    asked: TableOptions,
    as_json: bool,
    space_file: Path | None,
    report: Path | None,
    output: Path | None,
    division: "Division",
    **choices: Any,
) -> None:
    """Search a space of networks on a table.

    DATA is a CSV or Parquet file, or - for standard input; by default it is the breast-cancer data
    of scikit-learn. Trains 1,000 configurations unless told otherwise, many at a time, on every
    fold of the samples that are not held out; prints the best ten, and how the very best does on
    the held-out ones. After Ctrl-C it does so with what is finished, and exits with 130.
    """
    check_writable(report, output, read=[asked.data, space_file])
    division.check(data=asked.data, written=report or output, checkpoint=choices["checkpoint"])
    division.join()
    table = asked.read(quiet=not division.speaks())
    parts = asked.encode(table)
    quiet = as_json or not division.speaks()
    result = _search(table, parts, space_file, asked, division, quiet=quiet, **choices)
    if not division.speaks():
        division.end(result)
    if result.interrupted:
        _check_something_finished(result, choices["checkpoint"])
    about = {"table": asked.data or "breast cancer", "target": table.target, "seed": asked.seed}
    try:
        model, found = _refit(result, table, parts)
        written = _write_files(result, model, found, about, report, output)
    except BaseException:  # Ctrl-C or a full disk: there is no file, but the ranking can be printed
        if not as_json:
            print_ranking(result)
        raise
    try:  # last, since the reader of the pipe may have gone
        tell(result, found, written, len(parts.y_test), as_json=as_json)
    except (BrokenPipeError, SystemExit):  # rich raises SystemExit for a broken pipe
        if not result.interrupted:
            raise
        hang_up()
    if result.interrupted:
        raise SystemExit(INTERRUPTED)


def _search(
    table: "Table",
    parts: "EncodedTable",
    space_file: Path | None,
    asked: TableOptions,
    division: "Division",
    *,
    quiet: bool,
    n: int | None,
    halving: int | None,
    checkpoint: Path | None,
    **choices: Any,
) -> "SweepResult":
    """Plans the sweep, prints the plan, and runs it."""
    from mlp_jax.sweeps.run import plan_of, run
    from mlp_jax.sweeps.space_files import losses_of, number_to_draw, read_space
    from mlp_jax.sweeps.task import as_task
    from mlp_jax.tables.model_of_table import check_loss

    space = default_space() if space_file is None else read_space(space_file)
    for loss in losses_of(space):
        check_loss(table, loss)
    n = number_to_draw(space, n)
    X = parts.X_train.astype("float32")
    task = as_task(X, parts.y_train, space, n=n, key=asked.seed, **choices)
    budget = division.share(as_bytes(asked.memory))
    plan = plan_of(task, memory=budget, halving=halving, shard=division.part)
    if not quiet:
        click.echo(str(plan))
    shown = not quiet and sys.stderr.isatty()
    began = time.perf_counter()
    with division.run(checkpoint, halving) as how:
        result = run(task, plan, progress=shown, **how)
    return replace(result, seconds=time.perf_counter() - began)  # with its processes


def _check_something_finished(result: "SweepResult", checkpoint: Path | None) -> None:
    """Ends with a message after a Ctrl-C that came before any configuration was finished."""
    try:
        _ = result.best
    except ValueError:
        cure = "with --checkpoint it would be saved"
        if checkpoint is not None:
            cure = "the same command goes on from where it stands"
        click.echo(
            f"mlp-jax: interrupted, and no configuration is finished on all its folds: {cure}",
            err=True,
        )
        raise SystemExit(INTERRUPTED) from None


def _refit(
    result: "SweepResult", table: "Table", parts: "EncodedTable"
) -> tuple["Model", dict[str, float]]:
    """The best network, trained on all but the held-out samples, and its scores on those."""
    from mlp_jax.tables.model_of_table import model_of_table, scores, with_notes

    fitted = result.refit()
    model = model_of_table(table, parts, fitted.networks, fitted.weights)
    found = scores(model, parts, model.outputs_of_inputs(parts.X_test))
    return with_notes(model, parts, found), found


def _write_files(
    result: "SweepResult",
    model: "Model",
    found: dict[str, float],
    about: dict[str, Any],
    report: Path | None,
    output: Path | None,
) -> list[str]:
    """Writes the report and the model once both are made; the names of the files written."""
    from mlp_jax.models.model_file import to_bytes
    from mlp_jax.storage.array_files import replace_all

    contents = []
    if report is not None:
        from mlp_jax.sweeps.results.report import html_report

        score = found.get("accuracy" if model.is_classifier else "r2")
        page = html_report(
            result,
            held_out_score=score,
            classes=model.classes,
            features=model.encoding.inputs(),
            mean=model.mean,
            scale=model.scale,
            about=about,
        )
        contents.append((report, page.encode()))
    if output is not None:
        contents.append((output, to_bytes(model)))
    replace_all(contents)
    return [str(path) for path, _ in contents]
