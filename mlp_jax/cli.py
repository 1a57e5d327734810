"""The command line: files, printing and exit codes; no maths.

JAX is imported by the commands alone, so that --help answers at once.
"""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import mlp_jax
from mlp_jax.sweeps.command import sweep
from mlp_jax.table_options import check_writable, named_table, table_options

if TYPE_CHECKING:
    from mlp_jax.tables import Split, Table

CERTIFIED_EXAMPLES = 64  # enough for every unit to be seen, few enough for seconds


class _Commands(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        """A ValueError is the user's: one line, exit code 2."""
        try:
            return super().invoke(ctx)
        except ValueError as error:
            click.echo(f"mlp-jax: {str(error).splitlines()[0]}", err=True)
            ctx.exit(2)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(mlp_jax.__version__, prog_name="mlp-jax")
def commands() -> None:
    """Train, check and search multi-layer perceptrons whose gradient was derived by hand."""


commands.add_command(sweep)


@commands.command()
@table_options
@click.option("--hidden", default="64,32,16", show_default=True, help="Units of the hidden layers.")
@click.option("--epochs", type=click.IntRange(1), default=500, show_default=True)
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
    help="Where the picture of cost and scores goes.",
)
def train(
    data: Path | None,
    target: str | None,
    drop: tuple[str, ...],
    hidden: str,
    seed: int,
    held_out: float,
    output: Path,
    picture: Path,
    **choices: Any,
) -> None:
    """Train on DATA, a CSV or Parquet file, or on the breast-cancer data of scikit-learn.

    Standardises the features, certifies the gradient, trains by gradient descent with the gradient
    derived by hand, tests on held-out samples, and writes a model file and a picture.
    """
    for path in (output, picture):
        check_writable(path)
    sizes_hidden = _hidden(hidden)
    table = named_table(data, target, drop)
    parts = _split(table, held_out, seed)
    params = _initial(parts, sizes_hidden, seed)
    _certify(params, parts)
    params, cost = _trained(params, parts, seed, **choices)
    scores = _scores(params, parts)
    _report(scores, parts.y_test)
    _write(output, picture, params, cost, scores, table, parts)
    click.echo(f"model   {output}\npicture {picture}")


@commands.command()
@table_options
@click.option("--hidden", default="64,32,16", show_default=True, help="Units of the hidden layers.")
@click.option("--json", "as_json", is_flag=True, help="Print the certificate as JSON.")
def check(
    data: Path | None,
    target: str | None,
    drop: tuple[str, ...],
    hidden: str,
    seed: int,
    held_out: float,
    as_json: bool,
) -> None:
    """Print the certificate of the gradient on DATA, or on the breast-cancer data; train nothing.

    Exit code 1 if a layer is wrong.
    """
    sizes_hidden = _hidden(hidden)
    parts = _split(named_table(data, target, drop), held_out, seed)
    _certify(_initial(parts, sizes_hidden, seed), parts, as_json=as_json)


def _hidden(text: str) -> tuple[int, ...]:
    try:
        sizes = tuple(int(part) for part in text.split(","))
    except ValueError:
        sizes = (0,)
    if min(sizes) < 1:
        raise ValueError(f"--hidden is {text!r}; expected positive integers, such as 64,32,16")
    return sizes


def _split(table: "Table", held_out: float, seed: int) -> "Split":
    from mlp_jax import tables

    return tables.split(table, held_out, seed)


def _initial(parts: "Split", hidden: tuple[int, ...], seed: int) -> Any:
    import jax

    sizes = (parts.X_train.shape[1], *hidden, 1)
    click.echo(
        f"network {'-'.join(map(str, sizes))}, {len(parts.y_train)} samples to train on, "
        f"{len(parts.y_test)} held out"
    )
    return mlp_jax.init(jax.random.key(seed), sizes)


def _certify(params: Any, parts: "Split", *, as_json: bool = False) -> None:
    some = slice(CERTIFIED_EXAMPLES)
    certificate = mlp_jax.certify(params, parts.X_train[some].T, parts.y_train[None, some])
    click.echo(certificate.to_json() if as_json else str(certificate))
    if not certificate.passed:
        raise SystemExit(1)


def _trained(
    params: Any,
    parts: "Split",
    seed: int,
    *,
    epochs: int,
    optimizer: str,
    learning_rate: float,
    batch_size: int | None,
    l2: float,
) -> tuple[Any, Any]:
    import numpy as np

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mlp_jax.DivergenceWarning)  # said below, as an error
        state, info = mlp_jax.fit(
            params,
            parts.X_train.T,
            parts.y_train[None],
            optimizer=mlp_jax.optimizer(optimizer, learning_rate=learning_rate),
            epochs=epochs,
            batch_size=batch_size,
            key=seed,
            l2=l2,
            progress=True,
        )
    if state.diverged:
        raise ValueError(
            f"training diverged in epoch {int(state.epoch) + 1}: the cost is no longer finite; "
            f"nothing was written. Type a smaller --learning-rate than {learning_rate:g}"
        )
    return state.params, np.asarray(info.cost)


def _scores(params: Any, parts: "Split") -> Any:
    import jax.numpy as jnp
    import numpy as np

    from mlp_jax.forward_propagation import PAPER, forward_trace

    X = jnp.asarray(parts.X_test.T, params[0].W.dtype)
    return np.asarray(forward_trace(params, X, PAPER).Z[-1][0])


def _report(scores: Any, labels: Any) -> None:
    from sklearn.metrics import roc_auc_score

    click.echo(
        f"held-out accuracy {((scores > 0) == labels).mean():.4f}, "
        f"ROC AUC {roc_auc_score(labels, scores):.4f}"
    )


def _write(
    output: Path,
    picture: Path,
    params: Any,
    cost: Any,
    scores: Any,
    table: "Table",
    parts: "Split",
) -> None:
    from mlp_jax import model_files, pictures
    from mlp_jax.forward_propagation import PAPER

    model = model_files.Model(params, PAPER, table.classes, table.features, parts.mean, parts.scale)
    contents = (
        (output, model_files.to_bytes(model)),
        (picture, pictures.training_picture(cost, scores, parts.y_test, table.classes)),
    )
    for path, content in contents:
        model_files.replace(path, content)
