"""`mlp-jax predict`, `info` and `export`: what is done with a model file. Only export loads JAX."""

import io
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlp_jax.table_options import MIB, check_writable, json_option, memory_option

if TYPE_CHECKING:
    from mlp_jax.model_files import Model
    from mlp_jax.table_files import RawTable

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
@memory_option
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a row.")
def predict(
    model: Path,
    data: Path,
    ids: tuple[str, ...],
    output: Path | None,
    memory: int | None,
    as_json: bool,
) -> None:
    """Predict every row of DATA, a CSV or Parquet file or - for standard input, with MODEL.

    Writes the columns named by --id, the prediction, and of classes the probability of each. Other
    columns of DATA are left alone; it needs those that the model was trained with.
    """
    if output is not None:
        check_writable(output)
        if output.suffix.lower() not in (".csv", ".parquet"):
            raise ValueError(f"{output} does not end in .csv or .parquet; type one of them")
        if as_json:
            raise ValueError("--json prints and --output writes a file: type one of them")
    from mlp_jax.model_files import load_model
    from mlp_jax.table_files import read_table

    loaded = load_model(model)
    words = [c.name for c in loaded.encoding.columns if c.categories is not None]
    budget = None if memory is None else memory * MIB
    table = read_table(data, budget=budget, as_text=[*words, *ids])
    columns = _predictions(loaded, table, ids)
    if as_json:
        rows = zip(*columns.values(), strict=True)
        lines = [json.dumps(dict(zip(columns, row, strict=True))) for row in rows]
        click.echo("\n".join(lines))
        return
    _put(columns, output)
    if output is not None:
        click.echo(f"wrote {output}, {table.frame.num_rows} rows")


def _predictions(model: "Model", table: "RawTable", ids: tuple[str, ...]) -> dict[str, list[Any]]:
    """The columns to write, by name."""
    from mlp_jax.table_columns import feature_columns

    for name in ids:
        if name not in table.frame.column_names:
            raise ValueError(
                f"{table.name} has no column {name!r} for --id; it has "
                f"{', '.join(table.frame.column_names[:10])}"
            )
    A = model.outputs(feature_columns(table, model.encoding.used()))
    columns = {name: table.frame[name].to_pylist() for name in ids}
    predicted = model.predicted(A)
    for place, target in enumerate(model.targets):
        of_one = predicted if predicted.ndim == 1 else predicted[:, place]
        columns[f"predicted {target}"] = of_one.tolist()
    if model.is_classifier:
        named = model.targets if model.classes is None else model.classes
        for label, probability in zip(named, model.probabilities(A).T, strict=True):
            columns[f"probability of {label}"] = probability.tolist()
    return columns


def _put(columns: dict[str, list[Any]], output: Path | None) -> None:
    """Writes the columns to a file, which is replaced once the new one is whole, or prints them."""
    import pyarrow
    import pyarrow.csv
    import pyarrow.parquet

    from mlp_jax.array_files import replace

    content, table = io.BytesIO(), pyarrow.table(columns)
    if output is not None and output.suffix.lower() == ".parquet":
        pyarrow.parquet.write_table(table, content)
    else:
        options = pyarrow.csv.WriteOptions(quoting_style="needed")
        pyarrow.csv.write_csv(table, content, options)
    if output is not None:
        replace(output, content.getvalue())
        return
    sys.stdout.buffer.write(content.getvalue())
    sys.stdout.flush()


@click.command()
@model_argument
@json_option
def info(model: Path, as_json: bool) -> None:
    """Print what MODEL is: its layers, its target, its columns, its scores."""
    from mlp_jax.model_files import load_model

    loaded = load_model(model)
    columns = [
        {"name": column.name, "categories": column.categories} for column in loaded.encoding.columns
    ]
    facts: dict[str, Any] = {
        "sizes": loaded.sizes,
        "activations": loaded.activations,
        "loss": loaded.loss,
        "targets": loaded.targets,
        "classes": loaded.classes,
        "columns": columns,
        "inputs": loaded.encoding.inputs(),
        "notes": dict(loaded.notes),
    }
    if as_json:
        click.echo(json.dumps(facts))
        return
    click.echo(f"network  {'-'.join(map(str, loaded.sizes))}, {', '.join(loaded.activations)}")
    click.echo(f"loss     {loaded.loss}")
    click.echo(f"predicts {', '.join(loaded.targets)}: {_of(loaded)}")
    for name, value in loaded.notes.items():
        said = value
        if isinstance(value, dict):
            said = ", ".join(
                f"{key.replace('_', ' ')} {number:.4f}" for key, number in value.items()
            )
        click.echo(f"{name.replace('_', ' ')}: {said}")
    click.echo("columns, and the inputs made of them:")
    inputs = loaded.encoding.inputs()
    for place, column in enumerate(loaded.encoding.columns):
        own = [inputs[k] for k in range(len(inputs)) if loaded.encoding.source[k] == place]
        kind = "number" if column.categories is None else f"{len(column.categories)} categories"
        click.echo(f"  {column.name}: {kind}; inputs {', '.join(own)}")


def _of(model: "Model") -> str:
    if model.classes is not None:
        return ", ".join(map(str, model.classes))
    return "labels" if model.is_classifier else "numbers"


@click.command()
@model_argument
@click.argument("output", type=click.Path(path_type=Path, dir_okay=False))
def export(model: Path, output: Path) -> None:
    """Write MODEL as a program of StableHLO, for any number of rows, to OUTPUT.

    Whoever has JAX can run it without this library; see mlp_jax.export_model.
    """
    check_writable(output)
    from mlp_jax.exports import export_model
    from mlp_jax.model_files import load_model

    export_model(load_model(model), output)
    click.echo(f"wrote {output}")
