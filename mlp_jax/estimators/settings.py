"""What a user sets on an estimator: checked, and said in the words of `mlp_jax.fit`.

scikit-learn's names and meanings: its penalty `alpha` is divided by what a batch weighs, its
`n_iter_no_change` allows one epoch more than our patience.
"""

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np

from mlp_jax.activations import Activation
from mlp_jax.losses import Loss
from mlp_jax.network import Network
from mlp_jax.training.checks import check_count
from mlp_jax.training.optimizers import OPTIMIZERS, Optimizer, optimizer
from mlp_jax.wording import as_typed

LEARNING_RATES = ("constant", "invscaling", "adaptive")
SCHEDULES = ("cosine", "one_cycle")  # of ours, those that an estimator can choose
OF_STEPS = ("weight_decay", "clip_norm", "warm_up_epochs")  # of every optimizer but lbfgs
NOT_OF_LBFGS = (*OF_STEPS, "schedule", "dropout", "label_smoothing")
LARGEST_AUTO = 200  # examples of a batch, where batch_size is "auto"

# name: (the lowest, whether it is allowed itself, what numbers are below)
_NUMBERS = {
    "alpha": (0.0, True, np.inf),
    "learning_rate_init": (0.0, False, np.inf),
    "power_t": (0.0, True, np.inf),
    "tol": (0.0, True, np.inf),
    "momentum": (0.0, True, 1.0),
    "validation_fraction": (0.0, True, 1.0),
    "beta_1": (0.0, True, 1.0),
    "beta_2": (0.0, True, 1.0),
    "epsilon": (0.0, False, np.inf),
    "dropout": (0.0, True, 1.0),
    "weight_decay": (0.0, True, np.inf),
    "warm_up_epochs": (0.0, True, np.inf),
    "label_smoothing": (0.0, True, 1.0),
}
_COUNTS = ("max_iter", "max_fun")
_SWITCHES = ("shuffle", "warm_start", "nesterovs_momentum", "early_stopping")


def checked(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of an estimator, each in its range; hidden_layer_sizes as a tuple.

    Raises:
      ValueError: what came and what was expected.
    """
    found = dict(settings) | {"hidden_layer_sizes": _sizes(settings["hidden_layer_sizes"])}
    for name, (lowest, allowed, below) in _NUMBERS.items():
        if name in found:
            _check_number(name, found[name], lowest, allowed, below)
    if found["clip_norm"] is not None:
        _check_number("clip_norm", found["clip_norm"], 0.0, False, np.inf)
    for name in _COUNTS:
        check_count(name, found[name])
    if found["batch_size"] != "auto":
        check_count("batch_size", found["batch_size"], " or 'auto'")
    if found["n_iter_no_change"] != np.inf:
        check_count("n_iter_no_change", found["n_iter_no_change"], " or numpy.inf")
    for name in _SWITCHES:
        if not isinstance(found[name], bool | np.bool_):
            raise ValueError(f"{name} is {as_typed(found[name])}; expected True or False")
    _check_choice("solver", found["solver"], tuple(OPTIMIZERS))
    _check_choice("learning_rate", found["learning_rate"], LEARNING_RATES)
    _check_choice("schedule", found["schedule"], (None, *SCHEDULES))
    if found["schedule"] is not None and found["learning_rate"] != "constant":
        raise ValueError(
            f"both schedule and learning_rate say how the rate changes: {found['schedule']!r} and "
            f"{found['learning_rate']!r}; leave one out"
        )
    for name in NOT_OF_LBFGS:
        if found["solver"] == "lbfgs" and found.get(name):
            raise ValueError(f"lbfgs takes no {name}; leave it out, or type solver='adam'")
    activation_of(found["activation"])
    return found


def activation_of(choice: Any) -> Any:
    """An activation, or one a layer, as `Network` takes it."""
    return Network(_our_words(choice)).activation


def _our_words(choice: Any) -> Any:
    """The activation, or one a layer, by the names that we have for them."""
    each = isinstance(choice, list | tuple) and not isinstance(choice, Activation)
    return tuple(map(_our_word, choice)) if each else _our_word(choice)


def _our_word(choice: Any) -> Any:
    """The name of an activation, where scikit-learn has another for it."""
    return "sigmoid" if isinstance(choice, str) and choice == "logistic" else choice


def optimizer_of(found: Mapping[str, Any], m: int) -> Optimizer:
    """The optimizer of checked settings, for m examples an epoch."""
    name = found["solver"]
    if name == "lbfgs":
        return optimizer(name)
    numbers: dict[str, Any] = {"learning_rate": found["learning_rate_init"]}
    schedule, nesterov = "constant", False
    if name == "sgd" and found["momentum"] > 0:
        numbers["momentum"], nesterov = found["momentum"], bool(found["nesterovs_momentum"])
    if name in ("adam", "adamw"):
        numbers |= {"b1": found["beta_1"], "b2": found["beta_2"], "eps": found["epsilon"]}
    for ours in OF_STEPS:
        if found[ours] or ours in OPTIMIZERS[name].numbers:  # else its default would be taken
            numbers[ours] = found[ours]
    if _scales_inversely(found):
        schedule, numbers["samples"], numbers["power"] = "inverse_scaling", m, found["power_t"]
    if found["schedule"] is not None:
        schedule, numbers["decay_epochs"] = found["schedule"], found["max_iter"]
    return optimizer(name, schedule=schedule, nesterov=nesterov, **numbers)


def batch_size_of(found: Mapping[str, Any], m: int) -> int:
    """Examples of a batch, of m in all."""
    if found["batch_size"] == "auto":
        return min(LARGEST_AUTO, m)
    return min(int(found["batch_size"]), m)


def l2_of(found: Mapping[str, Any], m: int, mean_weight: float = 1.0) -> float:
    """The penalty of the cost, which is not divided: alpha over what a full batch weighs.

    scikit-learn divides by the weights of each batch, so that a last one that is short has more.
    """
    size = m if found["solver"] == "lbfgs" else batch_size_of(found, m)
    return float(found["alpha"] / (size * mean_weight))


def patience_of(found: Mapping[str, Any]) -> float | None:
    """Epochs without improvement that end a training; scikit-learn waits for one more."""
    allowed = found["n_iter_no_change"]
    return None if allowed == np.inf else allowed + 1


def mean_over_of(loss: Loss, targets: int) -> int:
    """Over how many outputs the loss that an estimator tells is a mean, where ours is their sum.

    Over the targets of a regression, as scikit-learn's squared error is. Its Poisson loss is a sum,
    and so are the cross-entropies.
    """
    return 1 if loss.classes or loss.counts else targets


def configuration_of(found: Mapping[str, Any], m: int, loss: str) -> dict[str, Any]:
    """Checked settings as a configuration of `mlp_jax.sweep`, for m samples to train on.

    Of an "adaptive" rate and shuffle=False a sweep knows nothing.
    """
    choice = optimizer_of(found, m)
    return {
        "hidden": found["hidden_layer_sizes"],
        "activation": _our_words(found["activation"]),  # a name, which a file can hold
        "loss": loss,
        "optimizer": choice.name,
        "schedule": choice.schedule,
        "nesterov": choice.nesterov,
        "epochs": int(found["max_iter"]),
        "patience": patience_of(found),
        "ties": True,  # as scikit-learn counts them
        # Of lbfgs `tol` is of the gradient, of which the cost near a minimum goes by the square.
        "tolerance": float(found["tol"] ** (2 if found["solver"] == "lbfgs" else 1)),
        "dropout": float(found["dropout"]),
        "label_smoothing": float(found.get("label_smoothing", 0.0)),
        **choice.numbers,
        **as_on(found, m, class_weight=found.get("class_weight")),
    }


def as_on(
    found: Mapping[str, Any], m: int, mean_weight: float = 1.0, class_weight: Any = None
) -> dict[str, Any]:
    """What of a configuration depends on the samples: on m, of this mean weight."""
    size = batch_size_of(found, m)
    full = size >= m or found["solver"] == "lbfgs"
    own = {"batch_size": None if full else size, "l2": l2_of(found, m, mean_weight)}
    if _scales_inversely(found):
        own["samples"] = m
    if class_weight is not None:
        own["class_weight"] = class_weight
    return own


def _scales_inversely(found: Mapping[str, Any]) -> bool:
    return bool(found["solver"] == "sgd" and found["learning_rate"] == "invscaling")


def _sizes(given: Any) -> tuple[int, ...]:
    try:
        widths: tuple[Any, ...] = (given,) if isinstance(given, Integral) else tuple(given)
    except TypeError:
        widths = (None,)
    if not all(
        isinstance(n, Integral) and not isinstance(n, bool) and 0 < int(n) < 2**31 for n in widths
    ):
        raise ValueError(
            f"hidden_layer_sizes must be > 0, got {as_typed(given)}; expected a width for every "
            "hidden layer, such as (100, 50)"
        )
    return tuple(int(n) for n in widths)


def _check_number(name: str, value: Any, lowest: float, allowed: bool, below: float) -> None:
    is_number = isinstance(value, Real) and not isinstance(value, bool | np.bool_)
    if is_number and (lowest <= value if allowed else lowest < value) and value < below:
        return
    what = f"{lowest:g} or more" if allowed else f"more than {lowest:g}"
    limit = "" if below == np.inf else f" and less than {below:g}"
    raise ValueError(f"{name} is {as_typed(value)}; expected a number, {what}{limit}")


def _check_choice(name: str, value: Any, choices: tuple[Any, ...]) -> None:
    if not isinstance(value, str | None) or value not in choices:
        names = ", ".join(map(repr, choices))
        raise ValueError(f"{name} is {as_typed(value)}; expected one of {names}")
