"""The options of commands that read a table, and the table they name. JAX is not imported."""

import os
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import wraps
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlp_jax.cli.importing_jax import import_jax
from mlp_jax.tables.input_choices import AUTO, BY_DEFAULT, MOST_BINS, SCALINGS, InputChoices

if TYPE_CHECKING:
    from mlp_jax.tables.table import EncodedTable, Table

MIB = 1 << 20
NO_MODELS = (  # endings of files that are something else
    *(".csv", ".h5", ".html", ".joblib", ".json", ".npz", ".onnx"),
    *(".parquet", ".pickle", ".pkl", ".png", ".pt", ".pth"),
)
INTERRUPTED = 130  # the exit code of any program after Ctrl-C


@dataclass(frozen=True)
class TableOptions:
    """The table that a command reads, and how it is cut in two; a field for every option.

    data: the file; None for the breast-cancer table.
    target: the column to predict.
    task: what the target is.
    drop: columns to leave out.
    ids: columns that name the rows, left out too.
    categorical: columns of categories.
    seed: of the split, and of what the command draws beside it.
    held_out: share of the samples that are kept for testing.
    scaling, bins, binary_as_one: how columns become inputs; see `InputChoices`. None for what is
      usual for the command.
    no_header: whether the file has no names of columns.
    strict: whether what is not plain in the table is refused.
    memory: MiB that the table may take; None for a share of what is free.
    no_cache: whether programs are not kept for the next call, nor those of the last one used.
    """

    data: Path | None
    target: str | None
    task: Any
    drop: tuple[str, ...]
    ids: tuple[str, ...]
    categorical: tuple[str, ...]
    seed: int
    held_out: float
    scaling: str | None
    bins: int | str | None
    binary_as_one: bool | None
    no_header: bool
    strict: bool
    memory: int | None
    no_cache: bool

    def read(self, *, quiet: bool = False) -> "Table":
        """The table; `quiet` leaves out what was done to it."""
        if self.data is None:
            for name in ("target", "drop", "ids", "categorical", "task", "no_header"):
                if getattr(self, name):
                    option = "--" + name.removesuffix("s").replace("_", "-")
                    raise ValueError(
                        f"{option} speaks of a file, and none is named: type DATA.csv first"
                    )
            from mlp_jax.tables.shipped import breast_cancer

            return breast_cancer()
        from mlp_jax.tables import table as tables

        table = tables.read(
            self.data,
            self.target,
            drop=(*self.drop, *self.ids),
            categorical=self.categorical,
            task=self.task,
            budget=as_bytes(self.memory),
            has_header=not self.no_header,
            strict=self.strict,
        )
        if not quiet:
            say(table.said())
        return table

    def encode(
        self, table: "Table", usual: InputChoices = BY_DEFAULT, *, quiet: bool = False
    ) -> "EncodedTable":
        """The table in two parts, encoded; `usual` says how, where no option does."""
        from mlp_jax.tables import table as tables

        inputs = usual.with_choices(
            scaling=self.scaling, bins=self.bins, binary_as_one=self.binary_as_one
        )
        parts = tables.split(
            *(table, self.held_out, self.seed, as_bytes(self.memory), inputs), strict=self.strict
        )
        if not quiet:
            say(parts.said())
        return parts

    def keep_programs(self) -> None:
        """Has compiled programs kept for the next call, where they may be. Imports JAX."""
        import_jax()
        if self.no_cache:
            return
        from mlp_jax.processes.kept_programs import keep_programs

        # A program that cannot be read is compiled, which is no news to whoever runs a command.
        warnings.filterwarnings("ignore", message="Error (read|writ)ing persistent compilation")
        with suppress(ValueError):  # there is no folder to keep them in
            keep_programs()


def table_options(command: Callable[..., None]) -> Callable[..., None]:
    """Adds DATA, its options, which the command gets as `asked`, a `TableOptions`, and --json."""

    @wraps(command)
    def asked_for(**options: Any) -> None:
        asked = {field.name: options.pop(field.name) for field in fields(TableOptions)}
        command(asked=TableOptions(**asked), **options)

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
        *input_options,
        *reading_options,
        memory_option,
        cache_option,
        json_option,
    )
    for option in reversed(options):
        asked_for = option(asked_for)
    return asked_for


class _Bins(click.ParamType):
    """A number of bins, or "auto"."""

    name = f"auto|0..{MOST_BINS}"

    def convert(self, value: Any, param: Any, ctx: Any) -> int | str:
        """The number, or the word; fails for whatever else was typed."""
        if value == AUTO:
            return AUTO
        found: int = click.IntRange(0, MOST_BINS).convert(value, param, ctx)
        return found


input_options = (
    click.option(
        "--scaling",
        type=click.Choice(SCALINGS),
        help="Of numbers: by mean and standard deviation, or by median and quartiles, with no "
        "number beyond 3. By default robust for sweep, else standard.",
    ),
    click.option(
        "--bins",
        type=_Bins(),
        help="Bins of every column of numbers, an input each beside the number. auto for one for "
        "every 150 rows, from 3 to 16. By default auto for sweep, else 0.",
    ),
    click.option(
        "--binary-as-one/--binary-as-two",
        default=None,
        help="Inputs of a column of two categories. By default one for sweep, else two.",
    ),
)
reading_options = (
    click.option(
        "--no-header",
        is_flag=True,
        help="DATA is a text whose first line is a row; its columns are named 0, 1, ...",
    ),
    click.option(
        "--strict",
        is_flag=True,
        help="Refuse what needs a guess: dates, words for gaps, numbers with commas or currency, "
        "names of rows, rows without target, columns of one name. By default a line says what was "
        "made of them.",
    ),
)
memory_option = click.option(
    "--memory",
    type=click.IntRange(1),
    help="MiB of memory for the table, and for the networks of a sweep. By default half of what is "
    "free, and what suits the machine.",
)
cache_option = click.option(
    "--no-cache",
    is_flag=True,
    help="Compile all programs anew. By default the next call finds them in the cache folder of "
    "this machine, or in MLP_JAX_CACHE_DIR.",
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object and nothing else."
)


def as_bytes(memory: int | None) -> int | None:
    """--memory, which is in MiB, in bytes; None where it was not typed."""
    return None if memory is None else memory * MIB


def say(lines: Iterable[str]) -> None:
    """Prints what was done to a table, a line each, where results are not printed."""
    for line in lines:
        click.echo(f"mlp-jax: {line}", err=True)


def hang_up() -> None:
    """Sends what is printed from now on nowhere: the reader of the pipe has gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def check_installed(*names: str) -> None:
    """Raises ModuleNotFoundError now for what would be missed at the end; nothing is imported."""
    for name in names:
        if find_spec(name) is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def check_model_name(path: Path | None) -> None:
    """Raises ValueError for a name that says of a model file that it is something else."""
    ending = "" if path is None else path.suffix.lower()
    if path is None or ending not in NO_MODELS:
        return
    more = ", and mlp-jax export makes that of it" if ending == ".onnx" else ""
    raise ValueError(
        f"{path} ends in {path.suffix}, and a model is written as safetensors; type "
        f"{path.with_suffix('.safetensors')}{more}"
    )


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
        real = Path(os.path.realpath(path))  # the file that a link points to will be replaced
        if real.is_dir() or not real.parent.is_dir() or not os.access(real.parent, os.W_OK):
            raise ValueError(f"{real.parent} is no folder to write {real.name} to")
        if real.exists() and not real.is_file():
            raise ValueError(f"{path} is there, and no file that could be replaced")
        if str(real) in others:
            raise ValueError(f"{path} would be written over, and is needed: type another name")
        others.append(str(real))
