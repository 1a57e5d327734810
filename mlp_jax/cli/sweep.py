"""`mlp-jax sweep`: files, printing and exit codes; no maths. JAX is imported when it runs."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlp_jax.cli.division import shard_options
from mlp_jax.cli.options import (
    INTERRUPTED,
    TableOptions,
    check_installed,
    check_model_name,
    check_writable,
    hang_up,
    table_options,
)
from mlp_jax.cli.sweep_output import Held, print_ranking, tell
from mlp_jax.cli.sweep_search import Limit, Search
from mlp_jax.tables.input_choices import OF_A_SEARCH

if TYPE_CHECKING:
    from mlp_jax.cli.division import Division
    from mlp_jax.sweeps.results.answer import Answer
    from mlp_jax.sweeps.results.result import SweepResult
    from mlp_jax.sweeps.tables.search import Choice
    from mlp_jax.tables.table import EncodedTable, Table


@click.command()
@table_options
@click.option(
    "--space",
    "space_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="TOML or JSON: names and lists, or distributions. By default what does well on most "
    "tables is searched.",
)
@click.option(
    "--n",
    type=click.IntRange(1),
    help="Configurations to draw; by default as many as a minute on two cores is enough for.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(0, min_open=True),
    help="What all of it may take: as many configurations are drawn as fit, and --n at most.",
)
@click.option(
    "--folds",
    type=click.IntRange(2),
    help="5 by default, or fewer where the rarest class has fewer samples.",
)
@click.option(
    "--epochs",
    type=click.IntRange(1, 10**9),
    help="Of every training at most; by default more the fewer samples there are.",
)
@click.option("--patience", type=click.IntRange(1), help="Epochs in vain to stop after.")
@click.option(
    "--halving",
    type=click.IntRange(1),
    help="3 goes on with the best third, twice, and is the default where a --space is drawn from; "
    "1 trains all to the end.",
)
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
    help="Write what predicts: an ensemble of the networks that together do best on samples that "
    "they were not trained on.",
)
@click.option(
    "--single",
    is_flag=True,
    help="Write the best configuration alone, as one network, trained on all but the held-out "
    "samples.",
)
def sweep(
    asked: TableOptions,
    as_json: bool,
    space_file: Path | None,
    report: Path | None,
    output: Path | None,
    single: bool,
    division: "Division",
    **choices: Any,
) -> None:
    """Search a space of networks on a table.

    DATA is a CSV or Parquet file, compressed or not, or - for standard input; by default it is the
    breast-cancer data of scikit-learn. Says what it makes of dates, words for gaps and the like;
    trains as many configurations as some minutes are enough for unless told otherwise, many at a
    time, on every fold of the samples that are not held out; prints the best ten, and how an
    ensemble of their networks and the best network alone do on the held-out ones.
    After Ctrl-C it does so with what is finished, and exits with 130. It is what
    mlp_jax.TableClassifier and mlp_jax.TableRegressor do in Python.
    """
    began = time.monotonic()
    check_writable(report, output, read=[asked.data, space_file])
    check_model_name(output)
    check_installed(*(["matplotlib"] if report else []))
    division.check(written=report or output, checkpoint=choices["checkpoint"])
    if choices["seconds"] is not None:
        division.check_undivided(choices["checkpoint"])
    space = _space(space_file, choices["n"])
    division.join()
    table = asked.read(quiet=not division.speaks())
    parts = asked.encode(table, OF_A_SEARCH, quiet=not division.speaks())
    asked.keep_programs()
    quiet = as_json or not division.speaks()
    limit = Limit(choices.pop("seconds"), began, report=report is not None)
    search = Search(table, parts, space, asked, quiet=quiet)
    result = search.run(division, limit, **choices)
    if not division.speaks():
        division.end(result)
    if result.interrupted:
        _check_something_finished(result, choices["checkpoint"])
    about = {"table": asked.data or "breast cancer", "target": table.target, "seed": asked.seed}
    try:
        ensemble, best = _choices(result, table, parts)
        chosen = best if single else ensemble
        answer = chosen.answer(result, parts)
        written = _write_files(result, answer, chosen.found, about, report, output)
    except BaseException:  # Ctrl-C or a full disk: there is no file, but the ranking can be printed
        if not as_json:
            print_ranking(result)
        raise
    try:  # last, since the reader of the pipe may have gone
        held = Held(len(parts.y_test), ensemble, best, answer)
        tell(result, held, written, as_json=as_json)
    except (BrokenPipeError, SystemExit):  # rich raises SystemExit for a broken pipe
        if not result.interrupted:
            raise
        hang_up()
    if result.interrupted:
        raise SystemExit(INTERRUPTED)


def _space(path: Path | None, n: int | None) -> Any:
    """The space in a file, checked as far as the table is not needed; None for none."""
    if path is None:
        return None
    from mlp_jax.sweeps.space_files import check_number, read_space

    space = read_space(path)
    check_number(space, n)
    return space


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


def _choices(
    result: "SweepResult", table: "Table", parts: "EncodedTable"
) -> tuple["Choice", "Choice"]:
    """(the ensemble, the best network alone, trained on all but the held-out samples).

    Where nothing can be averaged both are the best network.
    """
    from mlp_jax.sweeps.tables.default_space import ENSEMBLE
    from mlp_jax.sweeps.tables.search import choice_of

    best = choice_of(result, table, parts, 1)
    return choice_of(result, table, parts, ENSEMBLE, otherwise=best), best


def _write_files(
    result: "SweepResult",
    answer: "Answer",
    found: dict[str, float],
    about: dict[str, Any],
    report: Path | None,
    output: Path | None,
) -> list[str]:
    """Writes the report and the model once both are made; the names of the files written."""
    from mlp_jax.models.model_file import to_bytes
    from mlp_jax.storage.array_files import replace_all

    contents = []
    model = answer.model
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
            answer=answer,
        )
        contents.append((report, page.encode()))
    if output is not None:
        contents.append((output, to_bytes(model)))
    replace_all(contents)
    return [str(path) for path, _ in contents]
