"""What `mlp-jax sweep` prints of a result: a table for people, one JSON object for machines."""

import json
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import click

if TYPE_CHECKING:
    from mlp_jax.sweeps.results.answer import Answer
    from mlp_jax.sweeps.results.result import SweepResult
    from mlp_jax.sweeps.tables.search import Choice

BEST = 10  # configurations that are printed
MOST_IMPORTANT = 3  # columns whose importance is printed
WIDEST = 160  # characters of a line that is printed


class Held(NamedTuple):
    """How answers do on the samples held out.

    rows: how many these are.
    ensemble: the average of networks; where nothing can be averaged, the best network too.
    best: the best network alone, trained again.
    answer: the one of them that is written, and what it rests on.
    """

    rows: int
    ensemble: "Choice"
    best: "Choice"
    answer: "Answer"


def tell(result: "SweepResult", held: Held, written: list[str], *, as_json: bool) -> None:
    """Prints the best configurations, the scores on the samples held out, and what was written."""
    from mlp_jax.tables.model_of_table import in_words

    networks = len(held.ensemble.model.networks)
    if as_json:
        facts = _facts(result, held) | {"held_out": held.ensemble.found}
        facts |= {"held_out_single": held.best.found, "written": written}
        click.echo(json.dumps(facts))
        return
    print_ranking(result)
    on = f"on the {held.rows} held out"
    if held.ensemble is not held.best:
        kinds = sum(share > 0 for share in held.ensemble.shares(result))
        click.echo(
            f"ensemble of {_counted(networks, 'network')} of {_counted(kinds, 'configuration')}: "
            f"{in_words(held.ensemble.found)} {on}"
        )
    click.echo(
        f"the best alone, trained on all {len(result.task.X)} samples: "
        f"{in_words(held.best.found)} {on}"
    )
    for line in _importance(held.answer):
        click.echo(line)
    for name in written:
        click.echo(f"wrote {click.format_filename(name)}")


def _importance(answer: "Answer") -> list[str]:
    """The columns that matter most, a line each; none where no row is held out."""
    if answer.importance is None:
        return []
    rises = f"the {answer.importance.measure_read} rises most where one of these is permuted:"
    return [rises, *(f"  {line}" for line in answer.importance.lines(MOST_IMPORTANT))]


def _counted(count: int, name: str) -> str:
    return f"{count} {name}{'s' * (count != 1)}"


def _facts(result: "SweepResult", held: Held) -> dict[str, Any]:
    """The best configurations and the counts, for machines."""
    shares = held.ensemble.shares(result)
    best = [
        {
            "rank": row.rank,
            "score": row.score if math.isfinite(row.score) else None,
            "spread": row.spread if math.isfinite(row.spread) else None,
            "best_epoch": row.best_epoch,
            "weight": shares[row.rank - 1],
            "status": row.status,
            "configuration": row.configuration,
        }
        for row in result.ranking[:BEST]
    ]
    return {
        "scoring": result.task.scoring,
        "best": best,
        "configurations": len(result.ranking),
        "members": len(result.members),
        "networks": len(held.ensemble.model.networks),
        "interrupted": result.interrupted,
        "seconds": result.seconds,
    }


def print_ranking(result: "SweepResult") -> None:
    """Prints the best configurations and how many members are done."""
    from rich.console import Console

    if result.interrupted:
        click.echo("interrupted: what follows is of what is finished, or of the best so far")
    console = Console()
    # A file gets the whole width; a narrow terminal fewer columns, so that no digit is cut.
    width = console.width if console.is_terminal else WIDEST
    tables = [_ranking(result, fewer) for fewer in ((), ("status",), ("status", "epoch"))]
    fitting = [one for one in tables if console.measure(one).maximum <= width]
    Console(width=WIDEST).print([*fitting, tables[-1]][0], crop=False)
    done = len(result.members) - result.counts()["interrupted"]
    click.echo(f"{done} of {len(result.members)} members in {result.seconds:.1f} s")


def _ranking(result: "SweepResult", fewer: tuple[str, ...]) -> Any:
    """The best configurations as a table of rich, without the columns of these names."""
    from rich.table import Table

    from mlp_jax.sweeps.scoring import as_read

    task = result.task
    shown = Table(box=None, pad_edge=False)
    columns: dict[str, list[str]] = {}
    for row in result.ranking[:BEST]:
        values = {name: row.in_words(name) for name in result.varied()}
        score = as_read(task.scoring, row.score)
        numbers = {task.scoring: f"{score:.4f}", "spread": f"{row.spread:.4f}"}
        first = {"rank": str(row.rank), **numbers, "epoch": f"{row.best_epoch:.0f}"}
        for name, cell in (first | values | {"status": row.status}).items():
            columns.setdefault(name, []).append(cell)
    kept = {name: cells for name, cells in columns.items() if name not in fewer}
    for name in kept:
        shown.add_column(name, justify="right", no_wrap=True)
    for line in zip(*kept.values(), strict=True):
        shown.add_row(*line)
    return shown
