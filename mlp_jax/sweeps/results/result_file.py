"""The file of a sweep, in the form of `array_files`: the examples, every member, the plan.

The parameters of all members lie end to end in one array, and so do other arrays of members; see
`array_codec`. Loading runs no code from the file.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mlp_jax.models.networks import check_named
from mlp_jax.storage.array_codec import by_place, join, json_as_bytes, json_of_bytes, split
from mlp_jax.storage.array_files import Pieces, pieces, replace, unpacked
from mlp_jax.sweeps.configurations import Configurations
from mlp_jax.sweeps.members import STATUSES
from mlp_jax.sweeps.planning.buckets import Bucket
from mlp_jax.sweeps.planning.kinds import kind_of
from mlp_jax.sweeps.planning.plan import SweepPlan
from mlp_jax.sweeps.results.result import SweepResult
from mlp_jax.sweeps.running.outcome_arrays import outcomes_of, parts_of_outcomes
from mlp_jax.sweeps.scoring import scores_of
from mlp_jax.sweeps.task import Task
from mlp_jax.wording import as_typed

FORMAT = "mlp_jax.sweep/1"
_PLAIN = {bool, int, float, str, type(None)}  # in JSON as they are
EXPECTED = "a sweep written by mlp_jax.save_sweep"


def save_sweep(result: SweepResult, path: Any) -> None:
    """Writes a sweep's result to one file, with the examples that it was trained on.

    A file already there is replaced once the new one is whole.

    Raises:
      ValueError: the sweep has a function of the user's own, which no file can hold.

    Example:
      >>> import tempfile, numpy as np, mlp_jax
      >>> X = np.random.default_rng(0).normal(size=(60, 2))
      >>> result = mlp_jax.sweep(X, X[:, 0] > 0, {"width": [4, 8]}, epochs=3, progress=False)
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     mlp_jax.save_sweep(result, f"{folder}/sweep.safetensors")
      ...     loaded = mlp_jax.load_sweep(f"{folder}/sweep.safetensors")
      >>> loaded.table() == result.table()
      True
    """
    replace(Path(path), _pieces(result))


def load_sweep(path: Any) -> SweepResult:
    """The result in a file of `save_sweep`.

    Raises:
      ValueError: the file is missing, foreign, cut short or altered.
    """
    path = Path(path)
    header, arrays = unpacked(path, FORMAT, EXPECTED)
    try:
        return _built(header, arrays)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} holds something else than its format {FORMAT!r} calls for "
            f"({type(error).__name__}: {error}); expected {EXPECTED}"
        ) from error


def to_bytes(result: SweepResult) -> bytes:
    """The content of the result's file."""
    return b"".join(_pieces(result))


def _pieces(result: SweepResult) -> Pieces:
    """The content of the result's file, see `array_files.pieces`."""
    task, plan = result.task, result.plan
    if task.scoring == "own":
        raise ValueError(
            "scoring is a function of your own and cannot be written to a file; sweep with scoring="
            "'accuracy', 'r2' or 'loss', or keep result.table() and the params of result.members"
        )
    networks, codes = task.configurations.networks, task.configurations.network_codes
    for network in networks:
        check_named(network)  # the error names a function of the user's own
    losses = [networks[code].loss for code in codes.tolist()]
    header = {
        # By the number of a configuration with the loss: the name of a loss has rounded numbers.
        "losses": [losses.index(loss) for loss in task.labels],
        "scoring": task.scoring,
        "best_by": task.best_by,
        "features": task.features,
        "as_fit": task.as_fit,
        "classes": _dtype_of_classes(task.classes),
        "key": _as_json("key", jax.random.key_impl(task.key_init)),
        "statuses": STATUSES,
        "plan": {
            "bytes": plan.bytes,
            "seconds": plan.seconds,
            "buckets": [_numbers_of(bucket) for bucket in plan.buckets],
        },
        "seconds": result.seconds,
        "compilations": result.compilations,
        "interrupted": result.interrupted,
        "bucket_seconds": list(result.bucket_seconds.items()),
        **({"brackets": result.brackets} if result.brackets else {}),
    }
    arrays = _arrays_of_task(task) | parts_of_outcomes(result.outcomes, task.X.dtype)
    pairs = (np.array([bucket.configurations, bucket.seeds]).T for bucket in plan.buckets)
    arrays |= join("rows", pairs)
    return pieces(FORMAT, header, arrays)


def _built(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> SweepResult:
    task = _task(header, arrays)
    plan = header["plan"]
    pairs = zip(plan["buckets"], split(arrays, "rows"), strict=True)
    buckets = tuple(_bucket(task, numbers, rows) for numbers, rows in pairs)
    return SweepResult(
        task=task,
        plan=SweepPlan(buckets, plan["bytes"], plan["seconds"]),
        outcomes=(outcomes_of(task, header["statuses"], arrays),),
        seconds=header["seconds"],
        compilations=header["compilations"],
        interrupted=header["interrupted"],
        bucket_seconds={number: tuple(spent) for number, spent in header["bucket_seconds"]},
        brackets=tuple(header.get("brackets", ())),
    )


# --- The task.


def _arrays_of_task(task: Task) -> dict[str, np.ndarray]:
    arrays = {
        "X": task.X.T,  # a file has examples as columns
        "key_init": np.asarray(jax.random.key_data(task.key_init)),
        "key_order": np.asarray(jax.random.key_data(task.key_order)),
        # Of any number: the header of a safetensors file may have 100 MB.
        "configurations": _as_bytes(task.configurations.all_choices()),
    }
    if task.of_folds is not None:
        every = (one.all_choices() for one in (task.configurations, *task.of_folds))
        arrays["of_folds"] = _as_bytes(
            [_others(own, on_fold) for own, *folds in zip(*every, strict=True) for on_fold in folds]
        )
    if task.classes is not None:
        # Bytes, because safetensors has no strings.
        arrays["classes"] = np.ascontiguousarray(task.classes).view(np.uint8)
    if task.weights is not None:
        arrays["weights"] = task.weights
    arrays |= by_place((Y.T for Y in task.labels.values()), "Y")
    rests = enumerate(task.rests.values())
    arrays |= {f"rest{number}": rest.T for number, rest in rests if rest is not None}
    arrays |= join("train", (train for train, _ in task.splits))
    arrays |= join("held", (held for _, held in task.splits))
    return arrays | join("seeds", task.seeds)


def _task(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> Task:
    configurations = Configurations.of(_from_bytes(arrays["configurations"]))
    splits = list(zip(split(arrays, "train"), split(arrays, "held"), strict=True))
    of_folds = None
    if "of_folds" in arrays:
        found = _from_bytes(arrays["of_folds"])
        of_folds = tuple(
            configurations.with_choices(found[fold :: len(splits)]) for fold in range(len(splits))
        )
    losses = [configurations[number].network.loss for number in header["losses"]]
    scoring, metric = scores_of(header["scoring"], losses)
    classes = None
    if header["classes"] is not None:
        classes = arrays["classes"].view(np.dtype(header["classes"]))
    key_init, key_order = (
        jax.random.wrap_key_data(jnp.asarray(arrays[name]), impl=header["key"])
        for name in ("key_init", "key_order")
    )
    return Task(
        X=_rows(arrays["X"]),
        labels={loss: _rows(arrays[f"Y{number}"]) for number, loss in enumerate(losses)},
        rests={
            loss: _rows(arrays[f"rest{number}"]) if f"rest{number}" in arrays else None
            for number, loss in enumerate(losses)
        },
        splits=splits,
        configurations=configurations,
        seeds=[tuple(seeds.tolist()) for seeds in split(arrays, "seeds")],
        key_init=key_init,
        key_order=key_order,
        scoring=scoring,
        metric=metric,
        classes=classes,
        best_by=header.get("best_by", "validation_loss"),
        of_folds=of_folds,
        features=None if header.get("features") is None else tuple(header["features"]),
        as_fit=header.get("as_fit", False),
        weights=arrays.get("weights"),
    )


def _rows(columns: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(columns.T)


def _others(named: Mapping[str, Any], on_fold: Mapping[str, Any]) -> dict[str, Any]:
    """The choices of a configuration that are others on a fold."""
    return {k: v for k, v in on_fold.items() if k not in named or named[k] != v}


def _as_bytes(configurations: Sequence[Mapping[str, Any]]) -> np.ndarray:
    choices = [
        {
            name: value if type(value) in _PLAIN else _as_json(name, value)
            for name, value in configuration.items()
        }
        for configuration in configurations
    ]
    return json_as_bytes(choices)


def _from_bytes(content: np.ndarray) -> list[dict[str, Any]]:
    return [
        {name: _from_json(value) for name, value in configuration.items()}
        for configuration in json_of_bytes(content)
    ]


def _dtype_of_classes(classes: np.ndarray | None) -> str | None:
    if classes is None:
        return None
    if classes.dtype.kind not in "biufcmMSU":
        raise ValueError(
            f"the classes are of dtype {classes.dtype}, which cannot be written to a file; sweep "
            "with y.astype(str)"
        )
    return classes.dtype.str


def _as_json(name: str, value: Any) -> Any:
    """A choice of a configuration in the types of JSON: a list for a tuple, pairs for a dict.

    Pairs, because the keys of an object in JSON are strings, and the classes in class_weight may
    not be.
    """
    if getattr(value, "shape", None) == ():
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if type(value) in (list, tuple):  # and no NamedTuple, such as a Loss
        return [_as_json(name, one) for one in value]
    if isinstance(value, Mapping):
        pairs = [[_as_json(name, key), _as_json(name, one)] for key, one in value.items()]
        return {"pairs": pairs}
    raise ValueError(
        f"{name} is {as_typed(value)}, which cannot be written to a file; expected names, "
        "numbers, tuples and dicts of them: sweep with its name, such as 'tanh' or 'huber(0.5)'"
    )


def _from_json(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_from_json(one) for one in value)
    if isinstance(value, dict):
        return {_from_json(key): _from_json(one) for key, one in value["pairs"]}
    return value


# --- The plan.


def _numbers_of(bucket: Bucket) -> dict[str, Any]:
    said = {"dropout": bucket.kind.dropout, "quick": bucket.quick, "narrow": bucket.narrow}
    numbers = bucket._asdict() | {"on": sorted(bucket.on), "which": bucket.which.tolist()} | said
    # Arrays, what is made again, and what is not so.
    left_out = {"configurations", "seeds", "kind", *(name for name in said if not said[name])}
    return {name: _as_json(name, value) for name, value in numbers.items() if name not in left_out}


def _bucket(task: Task, numbers: dict[str, Any], rows: np.ndarray) -> Bucket:
    own = {name: _from_json(value) for name, value in numbers.items()}
    configurations, seeds = np.ascontiguousarray(rows.reshape(-1, 2).T)
    which = np.array(own["which"], np.int64)
    fold = own["folds"][0]
    train, _ = task.splits[fold]
    kinds = {
        int(which[row]): kind_of(
            task.of_fold(int(configurations[row]), fold),
            len(train),
            weighted=task.weights is not None,
        )
        for row in np.unique(which, return_index=True)[1]
    }
    networks = tuple(network for _, kind in sorted(kinds.items()) for network in kind.networks)
    kind = kinds[int(which[0])]
    dropout = own.pop("dropout", kind.dropout)
    kind = kind._replace(networks=networks, dropout=dropout)
    own |= {"kind": kind, "configurations": configurations, "seeds": seeds, "which": which}
    return Bucket(**(own | {"on": frozenset(own["on"])}))
