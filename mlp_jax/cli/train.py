"""`mlp-jax train` and `mlp-jax check`: files, printing and exit codes; no maths."""

import json
import sys
import warnings
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

import mlp_jax
from mlp_jax.cli.options import (
    TableOptions,
    check_installed,
    check_model_name,
    check_writable,
    table_options,
)

if TYPE_CHECKING:
    from mlp_jax.tables.table import EncodedTable, Table

WIDEST = 1 << 16  # units of a layer
BYTES_A_WEIGHT = 28  # once in float32, and in float64 thrice for the certificate
CERTIFIED_EXAMPLES = 64  # enough for every unit to be seen, few enough for seconds


@click.command()
@table_options
@click.option("--hidden", default="64,32,16", show_default=True, help="Units of the hidden layers.")
@click.option("--epochs", type=click.IntRange(1, 10**9), default=500, show_default=True)
@click.option(
    "--learning-rate",
    type=click.FloatRange(0, min_open=True),
    default=0.1,
    show_default=True,
    help="Step of the descent.",
)
@click.option(
    "--optimizer",
    type=click.Choice(["sgd", "adam", "adamw", "rmsprop", "adagrad", "lion"]),
    default="sgd",
    show_default=True,
    help="sgd is plain gradient descent.",
)
@click.option("--batch-size", type=click.IntRange(1), help="Samples a step; all by default.")
@click.option("--l2", type=click.FloatRange(0), default=0.0, show_default=True, help="L2 penalty.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("mlp_jax_model.safetensors"),
    show_default=True,
    help="Where the model goes.",
)
@click.option(
    "--picture",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("mlp_jax_training.png"),
    show_default=True,
    help="Where the picture of cost and predictions goes.",
)
def train(
    asked: TableOptions,
    hidden: str,
    as_json: bool,
    output: Path,
    picture: Path,
    **choices: Any,
) -> None:
    """Train a network on a table.

    DATA is a CSV or Parquet file, compressed or not, or - for standard input; by default it is the
    breast-cancer data of scikit-learn. Says what it makes of dates, words for gaps and the like;
    fills in missing numbers, standardises, and encodes categories; certifies the gradient, trains
    by gradient descent with the gradient derived by hand, tests on held-out samples, and writes a
    model file and a picture. For a network that fits the table better, see mlp-jax sweep.
    """
    check_writable(output, picture, read=[asked.data])
    check_model_name(output)
    check_installed("matplotlib")
    start = _prepare(asked, hidden)
    table, parts, certificate = start.table, start.parts, start.certificate
    if not as_json:
        click.echo(f"{start.description()}\ngradient {certificate.diagnosis}")
    if not certificate.passed:
        click.echo(str(certificate), err=True)
        raise SystemExit(1)
    show = not as_json and sys.stderr.isatty()
    params, cost = _fit(start, asked.seed, progress=show, **choices)
    found = _write_files(table, parts, params, cost, output, picture)
    if as_json:
        told = {
            "target": table.target,
            "classes": table.classes,
            "sizes": start.sizes,
            "samples": len(parts.y_train),
            "held_out_samples": len(parts.y_test),
            "held_out": found,
            "certificate": certificate.passed,
            "epochs": len(cost),
            "cost": float(cost[-1]),
            "model": str(output),
            "picture": str(picture),
        }
        click.echo(json.dumps(told))
        return
    from mlp_jax.tables.model_of_table import in_words

    shown = click.format_filename
    click.echo(f"held out {in_words(found)}\nmodel    {shown(output)}\npicture  {shown(picture)}")


@click.command()
@table_options
@click.option("--hidden", default="64,32,16", show_default=True, help="Units of the hidden layers.")
def check(asked: TableOptions, hidden: str, as_json: bool) -> None:
    """Certify the gradient on a table; train nothing.

    DATA is a CSV or Parquet file, compressed or not; by default it is the breast-cancer data of
    scikit-learn. Exit code 1 if a layer is wrong.
    """
    start = _prepare(asked, hidden)
    if as_json:
        click.echo(start.certificate.to_json())
    else:
        click.echo(f"{start.description()}\n{start.certificate}")
    if not start.certificate.passed:
        raise SystemExit(1)


class _Start(NamedTuple):
    """A table and the network that is to learn from it.

    table: as it was read.
    parts: its rows to train on and to test on, encoded.
    params: the initial weights and biases.
    sizes: units of every layer, inputs first.
    certificate: of the gradient at params, on some of the rows.
    """

    table: "Table"
    parts: "EncodedTable"
    params: Any
    sizes: tuple[int, ...]
    certificate: Any

    def description(self) -> str:
        """The network and the table in a line."""
        classes, parts = self.table.classes, self.parts
        kind = "numbers" if classes is None else f"{len(classes)} classes"
        return (
            f"network {'-'.join(map(str, self.sizes))}, {len(parts.y_train)} samples to train on, "
            f"{len(parts.y_test)} held out; {self.table.target!r} is of {kind}"
        )


def _prepare(asked: TableOptions, hidden: str) -> _Start:
    """Reads the table, makes the network and certifies its gradient."""
    sizes_hidden = _hidden(hidden)
    table = asked.read()
    parts = asked.encode(table)
    sizes = _sizes(table, parts, sizes_hidden)
    _check_memory(sizes)
    asked.keep_programs()
    params = mlp_jax.init(asked.seed, sizes)
    return _Start(table, parts, params, sizes, _certificate(table, params, parts))


def _hidden(text: str) -> tuple[int, ...]:
    try:
        sizes = tuple(int(part) for part in text.split(","))
    except ValueError:
        sizes = (0,)
    if min(sizes) < 1 or max(sizes) > WIDEST:
        raise ValueError(
            f"--hidden is {text!r}; expected integers from 1 to {WIDEST}, such as 64,32,16"
        )
    return sizes


def _sizes(table: "Table", parts: "EncodedTable", hidden: tuple[int, ...]) -> tuple[int, ...]:
    """Units of every layer."""
    outputs = 1 if table.classes is None or len(table.classes) == 2 else len(table.classes)
    return (parts.X_train.shape[1], *hidden, outputs)


def _check_memory(sizes: tuple[int, ...]) -> None:
    from mlp_jax.processes import memory
    from mlp_jax.wording import size_of

    weights = sum((n_prev + 1) * n for n_prev, n in pairwise(sizes))
    taken, free = BYTES_A_WEIGHT * weights, memory.free_memory()
    if taken > free:
        raise ValueError(
            f"--hidden makes a network of {weights:,} weights, which take some {size_of(taken)}; "
            f"{size_of(free)} is free: type fewer or smaller layers"
        )


def _certificate(table: "Table", params: Any, parts: "EncodedTable") -> Any:
    from mlp_jax.tables.model_of_table import labels_of, network_of

    Y = labels_of(table, parts.y_train)[:, :CERTIFIED_EXAMPLES]
    X = parts.X_train[:CERTIFIED_EXAMPLES].T
    return mlp_jax.certify(params, X, Y, network=network_of(table))


def _fit(
    start: _Start,
    seed: int,
    *,
    progress: bool,
    epochs: int,
    optimizer: str,
    learning_rate: float,
    batch_size: int | None,
    l2: float,
) -> tuple[Any, Any]:
    """(params, the cost of every epoch)."""
    import jax
    import numpy as np

    from mlp_jax.tables.model_of_table import labels_of, network_of
    from mlp_jax.tables.whole_rungs import Examples, on_a_rung

    table, parts = start.table, start.parts
    X, Y = parts.X_train.T.astype(np.float32), labels_of(table, parts.y_train).astype(np.float32)
    examples = Examples(X, Y, None)
    if batch_size is None:  # else a batch would have fewer of the table's own
        size = sum(n_prev * n for n_prev, n in pairwise(start.sizes))
        examples = on_a_rung(X, Y, size=size, epochs=epochs)
    X, Y, weights = jax.device_put(examples)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mlp_jax.DivergenceWarning)  # raised below, as an error
        state, info = mlp_jax.fit(
            start.params,
            X,
            Y,
            network=network_of(table),
            weights=weights,
            optimizer=mlp_jax.optimizer(optimizer, learning_rate=learning_rate),
            epochs=epochs,
            batch_size=batch_size,
            key=seed,
            l2=l2,
            progress=progress,
        )
    if state.diverged:
        raise ValueError(
            f"training diverged in epoch {int(state.epoch) + 1}: the cost is no longer finite; "
            f"nothing was written. Type a smaller --learning-rate than {learning_rate:g}"
        )
    return state.params, np.asarray(info.cost)


def _write_files(
    table: "Table", parts: "EncodedTable", params: Any, cost: Any, output: Path, picture: Path
) -> dict[str, float]:
    """Writes the model and the picture; returns the scores on the samples held out."""
    from mlp_jax import pictures
    from mlp_jax.models.model_file import to_bytes
    from mlp_jax.models.outputs import class_numbers
    from mlp_jax.storage.array_files import replace_all
    from mlp_jax.tables.model_of_table import model_of_table, network_of, scores, with_notes

    network = network_of(table)
    model = model_of_table(table, parts, [(params, network)])
    A = model.outputs_of_inputs(parts.X_test)
    found = scores(model, parts, A)
    drawn = pictures.picture_of_training(
        cost=cost,
        y=parts.y_test if table.classes else parts.y_test * parts.scale + parts.mean,
        predicted=class_numbers(A) if table.classes else model.predicted(A),
        probability=A[:, 0] if table.classes and A.shape[1] == 1 else None,
        classes=table.classes and tuple(map(str, table.classes)),
    )
    replace_all([(output, to_bytes(with_notes(model, parts, found))), (picture, drawn)])
    return found
