"""The options of commands that read a table, and the table they name. JAX is not imported."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mlp_jax.tables import Table


def table_options(command: Callable[..., None]) -> Callable[..., None]:
    """DATA, --target, --drop, --seed and --held-out."""
    options = (
        click.argument("data", required=False, type=click.Path(path_type=Path)),
        click.option("--target", help="Column of DATA to predict; it has two values."),
        click.option("--drop", multiple=True, help="Column of DATA to leave out; repeatable."),
        click.option(
            "--seed",
            type=click.IntRange(0, 2**32 - 1),
            default=0,
            show_default=True,
            help="Of the initial weights, the split and the batch order.",
        ),
        click.option(
            "--held-out",
            type=click.FloatRange(0, 1, min_open=True, max_open=True),
            default=0.2,
            show_default=True,
            help="Share of the samples kept for testing.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def named_table(data: Path | None, target: str | None, drop: tuple[str, ...]) -> "Table":
    """The table in the file DATA, or the breast-cancer table."""
    from mlp_jax import tables

    if data is None:
        if target is not None or drop:
            raise ValueError("--target and --drop speak of a file: type mlp-jax train DATA.csv ...")
        return tables.breast_cancer()
    if target is None:
        raise ValueError(f"which column of {data} is to be predicted? type --target NAME")
    return tables.read(data, target, drop)


def check_writable(path: Path) -> None:
    """Raises ValueError now for a file that could not be written at the end."""
    import os

    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise ValueError(f"{path.parent} is no folder to write {path.name} to")
