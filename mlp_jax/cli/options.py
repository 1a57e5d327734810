"""The options of commands that read a table, and the table they name. JAX is not imported."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from mlp_jax.tables.table import Table

MIB = 1 << 20
INTERRUPTED = 130  # the exit code after Ctrl-C, as of any program


def table_options(command: Callable[..., None]) -> Callable[..., None]:
    """Adds DATA, the options that say what is in it, --seed, --held-out, --memory and --json."""
    options = (
        click.argument("data", required=False, type=click.Path(path_type=Path)),
        click.option("--target", help="Column of DATA to predict."),
        click.option(
            "--task",
            type=click.Choice(["classification", "regression"]),
            help="What the target is: classes or numbers. By default what it looks like.",
        ),
        click.option("--drop", multiple=True, help="Column of DATA to leave out; repeatable."),
        click.option(
            "--id", "ids", multiple=True, help="Column that names the rows; left out too."
        ),
        click.option(
            "--categorical",
            multiple=True,
            help="Column of categories that looks like numbers or names; repeatable. The target "
            "too: it is of classes then, as they are written.",
        ),
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
        memory_option,
        json_option,
    )
    for option in reversed(options):
        command = option(command)
    return command


memory_option = click.option(
    "--memory",
    type=click.IntRange(1),
    help="MiB of memory for the table, and for the networks of a sweep. By default half of what is "
    "free, and what suits the machine.",
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object and nothing else."
)


def named_table(
    data: Path | None,
    target: str | None,
    memory: int | None,
    *,
    quiet: bool = False,
    **said: Any,
) -> "Table":
    """The table in the file DATA, or the breast-cancer table.

    Args:
      data: the file.
      target: its column to predict.
      memory: MiB.
      quiet: whether notes on how the table was read are left out.
      **said: drop, ids, categorical and task, as the options have them.
    """
    from mlp_jax.tables import table as tables

    if data is None:
        given = [name for name, value in {"target": target, **said}.items() if value]
        if given:
            option = "--" + given[0].removesuffix("s")
            raise ValueError(f"{option} speaks of a file, and none is named: type DATA.csv first")
        return tables.breast_cancer()
    table = tables.read(
        data,
        target,
        drop=(*said["drop"], *said["ids"]),
        categorical=said["categorical"],
        task=said["task"],
        budget=as_bytes(memory),
    )
    for note in () if quiet else table.notes:
        click.echo(f"mlp-jax: {note}", err=True)
    return table


def as_bytes(memory: int | None) -> int | None:
    """--memory, which is in MiB, in bytes; None where it was not typed."""
    return None if memory is None else memory * MIB


def hang_up() -> None:
    """Sends what is printed from now on nowhere: the reader of the pipe has gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def check_writable(*paths: Path | None, read: Sequence[Path | None] = ()) -> None:
    """Raises ValueError now for a file that could not be written at the end.

    Args:
      *paths: to be written; None for none.
      read: files that are read, and would be lost.
    """
    others = [os.path.realpath(path) for path in read if path is not None]
    for path in paths:
        if path is None:
            continue
        real = Path(os.path.realpath(path))  # what a link points to is what will be replaced
        if real.is_dir() or not real.parent.is_dir() or not os.access(real.parent, os.W_OK):
            raise ValueError(f"{real.parent} is no folder to write {real.name} to")
        if real.exists() and not real.is_file():
            raise ValueError(f"{path} is there, and no file that could be replaced")
        if str(real) in others:
            raise ValueError(f"{path} would be written over, and is needed: type another name")
        others.append(str(real))
