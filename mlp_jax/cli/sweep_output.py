"""What `mlp-jax sweep` prints of a result: a table for people, one JSON object for machines."""

import json
import math
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from mlp_jax.sweeps.results.result import SweepResult

BEST = 10  # configurations that are printed
WIDEST = 160  # characters of a line that is printed


def tell(
    result: "SweepResult",
    found: dict[str, float],
    written: list[str],
    held_out: int,
    *,
    as_json: bool,
) -> None:
    """Prints the best configurations, the scores on the samples held out, and what was written."""
    from mlp_jax.tables.model_of_table import in_words

    if as_json:
        click.echo(json.dumps(_facts(result) | {"held_out": found, "written": written}))
        return
    print_ranking(result)
    count = len(result.task.X)
    click.echo(
        f"the best, trained on all {count} samples: {in_words(found)} on the {held_out} held out"
    )
    for name in written:
        click.echo(f"wrote {click.format_filename(name)}")


def _facts(result: "SweepResult") -> dict[str, Any]:
    """The best configurations and the counts, for machines."""
    best = [
        {
            "rank": row.rank,
            "score": row.score if math.isfinite(row.score) else None,
            "spread": row.spread if math.isfinite(row.spread) else None,
            "best_epoch": row.best_epoch,
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
    done = sum(member.status != "interrupted" for member in result.members)
    click.echo(f"{done} of {len(result.members)} members in {result.seconds:.1f} s")


def _ranking(result: "SweepResult", fewer: tuple[str, ...]) -> Any:
    """The best configurations as a table of rich, without the columns of these names."""
    from rich.table import Table

    task = result.task
    shown = Table(box=None, pad_edge=False)
    columns: dict[str, list[str]] = {}
    for row in result.ranking[:BEST]:
        values = {name: row.in_words(name) for name in result.varied()}
        numbers = {task.scoring: f"{row.score:.4f}", "spread": f"{row.spread:.4f}"}
        first = {"rank": str(row.rank), **numbers, "epoch": f"{row.best_epoch:.0f}"}
        for name, cell in (first | values | {"status": row.status}).items():
            columns.setdefault(name, []).append(cell)
    kept = {name: cells for name, cells in columns.items() if name not in fewer}
    for name in kept:
        shown.add_column(name, justify="right", no_wrap=True)
    for line in zip(*kept.values(), strict=True):
        shown.add_row(*line)
    return shown
