"""`mlp-jax predict`, `info` and `export`: what is done with a model file.

Only export to StableHLO loads JAX.
"""

import io
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlp_jax.cli.options import (
    as_bytes,
    check_writable,
    json_option,
    memory_option,
    reading_options,
    say,
)

if TYPE_CHECKING:
    from mlp_jax.models.model import Model
    from mlp_jax.tables.raw_table import RawTable

SHOWN = 6  # inputs of a column that `info` names
model_argument = click.argument("model", type=click.Path(path_type=Path))


@click.command()
@model_argument
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--id", "ids", multiple=True, help="Column of DATA to write first; repeatable.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A .csv or .parquet file; by default CSV on standard output.",
)
@click.option(
    "--interval",
    "level",
    type=float,
    metavar="LEVEL",
    help="Of numbers, write the ends of an interval too that has this share of them, such as 0.9.",
)
@reading_options[0]
@reading_options[1]
@memory_option
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a row.")
def predict(
    model: Path,
    data: Path,
    ids: tuple[str, ...],
    output: Path | None,
    level: float | None,
    no_header: bool,
    strict: bool,
    memory: int | None,
    as_json: bool,
) -> None:
    """Predict the rows of a table.

    DATA is a CSV or Parquet file, compressed or not, or - for standard input; its cells are read as
    those that the model was trained on. Writes the columns named by --id, the prediction, of
    several quantiles each, of classes the probability of each, and with --interval of numbers
    between which two each is likely to be. Other columns of DATA are left alone; it needs those
    that the model was trained with.
    """
    check_writable(output, read=[model, data])
    if output is not None:
        if output.suffix.lower() not in (".csv", ".parquet"):
            raise ValueError(f"{output} does not end in .csv or .parquet; type one of them")
        if as_json:
            raise ValueError("--json prints and --output writes a file: type one of them")
    from mlp_jax.models.model import with_plain_gaps
    from mlp_jax.models.model_file import load_model
    from mlp_jax.tables.files import read_table

    if data.suffix == ".safetensors" != model.suffix:
        raise ValueError(f"the model comes first: type mlp-jax predict {data} {model}")
    loaded = load_model(model)
    widths = None if level is None else loaded.half_widths(level)
    if strict:
        loaded = with_plain_gaps(loaded)
    words = [c.name for c in loaded.encoding.columns if c.categories is not None]
    table = read_table(
        data,
        budget=as_bytes(memory),
        as_text=words,
        ids=ids,
        has_header=not no_header,
        strict=strict,
    )
    say(table.said())
    columns = _predictions(loaded, table, ids, widths)
    if as_json:
        rows = zip(*map(_cells, columns.values()), strict=True)
        told = (_in_json(dict(zip(columns, row, strict=True))) for row in rows)
        click.echo("\n".join(json.dumps(row, default=str) for row in told))
        return
    _write(columns, output)
    if output is not None:
        click.echo(f"wrote {click.format_filename(output)}, {table.frame.num_rows} rows")


def _predictions(
    model: "Model", table: "RawTable", ids: tuple[str, ...], widths: Any
) -> dict[str, Any]:
    """The columns to write, by name; widths: half of the interval of every target, or None."""
    from mlp_jax.tables.features import feature_columns
    from mlp_jax.tables.files import check_names

    check_names(table, ids)
    labels = model.targets if model.classes is None else model.classes
    chances = [f"probability of {label}" for label in labels if model.is_classifier]
    bounded = () if widths is None else model.targets
    bounds = [f"{end} {target}" for target in bounded for end in ("low", "high")]
    names = [*ids, *_predicted(model), *bounds, *chances]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two columns would be named {twice[0]!r}; type another --id")
    A = model.outputs(feature_columns(table, model.encoding.used()))
    predicted = model.predicted(A)
    columns = [table.ids[name] for name in ids]
    of_targets = [predicted] if predicted.ndim == 1 else list(predicted.T)
    columns += of_targets
    if widths is not None:
        for one, width in zip(of_targets, widths, strict=True):
            columns += [one - width, one + width]
    if model.is_classifier:
        columns += list(model.probabilities(A).T.astype(A.dtype))
    return dict(zip(names, columns, strict=True))


def _predicted(model: "Model") -> list[str]:
    """A name for every column of what the model predicts."""
    if len(model.quantiles) > 1:
        return [f"predicted {model.targets[0]} at {quantile}" for quantile in model.quantiles]
    return [f"predicted {target}" for target in model.targets]


def _cells(column: Any) -> list[Any]:
    """The cells as objects of Python; a float32 keeps its own digits and gets no more."""
    if hasattr(column, "to_pylist"):  # a column of pyarrow
        return list(column.to_pylist())
    return (column.astype(str).astype(float) if column.dtype == "float32" else column).tolist()


def _in_json(cell: Any) -> Any:
    """A cell or a row of cells, with null for NaN and infinity, which JSON has not."""
    if isinstance(cell, dict):
        return {name: _in_json(one) for name, one in cell.items()}
    if isinstance(cell, list | tuple):
        return [_in_json(one) for one in cell]
    return None if isinstance(cell, float) and not math.isfinite(cell) else cell


def _write(columns: dict[str, Any], output: Path | None) -> None:
    """Prints the columns, or writes them to a file that is replaced once the new one is whole."""
    import pyarrow
    import pyarrow.csv
    import pyarrow.parquet

    from mlp_jax.storage.array_files import replace

    content, table = io.BytesIO(), pyarrow.table(columns)
    for name, column in columns.items():
        nested = hasattr(column, "type") and pyarrow.types.is_nested(column.type)
        if nested and (output is None or output.suffix.lower() == ".csv"):
            raise ValueError(f"--id {name!r} is of type {column.type}, which no CSV file can hold")
    if output is not None and output.suffix.lower() == ".parquet":
        pyarrow.parquet.write_table(table, content)
    else:
        options = pyarrow.csv.WriteOptions(quoting_style="needed")
        pyarrow.csv.write_csv(table, content, options)
    if output is not None:
        replace(output, content.getvalue())
        return
    click.echo(content.getvalue(), nl=False)


@click.command()
@model_argument
@json_option
def info(model: Path, as_json: bool) -> None:
    """Print what a model file holds."""
    from mlp_jax.cli.model_notes import notes_in_words
    from mlp_jax.models.columns import in_words
    from mlp_jax.models.model_file import load_model

    loaded = load_model(model)
    columns = [
        {
            "name": column.name,
            "categories": column.categories,
            "of": column.of,
            "kind": in_words(column),
        }
        for column in loaded.encoding.columns
    ]
    networks = [
        {"sizes": network.sizes, "activations": network.activations, "weight": float(weight)}
        for network, weight in zip(loaded.networks, loaded.weights, strict=True)
    ]
    facts: dict[str, Any] = {
        "networks": networks,
        "loss": loaded.loss,
        "targets": loaded.targets,
        "classes": loaded.classes,
        "columns": columns,
        "inputs": loaded.encoding.inputs(),
        "notes": dict(loaded.notes),
    }
    if len(networks) == 1:  # as it was when a model had no more, for programs that read it
        facts |= {"sizes": loaded.sizes, "activations": loaded.activations}
    if as_json:
        click.echo(json.dumps(facts))
        return
    _tell_networks(networks)
    click.echo(f"loss     {loaded.loss}")
    click.echo(f"predicts {', '.join(loaded.targets)}: {_kinds_of_predictions(loaded)}")
    for line in notes_in_words(loaded):
        click.echo(line)
    click.echo("columns, and the inputs made of them:")
    inputs = loaded.encoding.inputs()
    for place, column in enumerate(loaded.encoding.columns):
        own = [inputs[k] for k in range(len(inputs)) if loaded.encoding.source[k] == place]
        more = f", ... ({len(own)})" if len(own) > SHOWN else ""
        click.echo(f"  {column.name}: {in_words(column)}; inputs {', '.join(own[:SHOWN])}{more}")


def _tell_networks(networks: list[dict[str, Any]]) -> None:
    """Prints the network, or the networks that are averaged, those alike in a line."""
    lines: dict[str, list[float]] = {}
    for network in networks:
        sizes = "-".join(map(str, network["sizes"]))
        line = f"{sizes}, {', '.join(network['activations']) or 'linear'}"
        lines.setdefault(line, []).append(network["weight"])
    if len(networks) == 1:
        click.echo(f"network  {next(iter(lines))}")
        return
    click.echo(f"average of {len(networks)} networks, by their weight together:")
    for line, weights in sorted(lines.items(), key=lambda item: -sum(item[1])):
        click.echo(f"  {sum(weights):.4f}  {len(weights):>3} of {line}")


def _kinds_of_predictions(model: "Model") -> str:
    if model.classes is not None:
        return ", ".join(map(str, model.classes))
    return "labels" if model.is_classifier else "numbers"


@click.command()
@model_argument
@click.argument("output", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--format",
    "format_",
    type=click.Choice(["onnx", "stablehlo"]),
    help="By default what OUTPUT ends with: ONNX of .onnx, StableHLO otherwise.",
)
@click.option(
    "--dtype",
    type=click.Choice(["float32", "float64"]),
    default="float32",
    show_default=True,
    help="Of numbers and of all that the networks compute; float64 of StableHLO is for whoever has "
    "jax_enable_x64.",
)
def export(model: Path, output: Path, format_: str | None, dtype: str) -> None:
    """Write a model as an ONNX graph, or as a program of StableHLO.

    It takes any number of rows, and needs no mlp_jax: an ONNX graph takes the table's columns as
    they are and runs in onnxruntime; StableHLO runs where JAX is. See mlp_jax.export_model.
    """
    check_writable(output, read=[model])
    from mlp_jax.models.export import export_model
    from mlp_jax.models.model_file import load_model

    export_model(load_model(model), output, format=format_, dtype=dtype)
    click.echo(f"wrote {click.format_filename(output)}")
