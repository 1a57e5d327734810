"""Optimizers by name, whose numbers are traced: changing one of them compiles nothing.

An optax optimizer is two functions with its numbers inside, so a new learning rate is a new
program. An `Optimizer` keeps the numbers apart, as leaves of a pytree: it goes through `jit` and
`vmap`, and becomes an optax optimizer inside the compiled program.
"""

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from mlp_jax.parameters import Layer, as_layers, shaped_like
from mlp_jax.training.input_scale import Scaled, with_input_scale
from mlp_jax.wording import as_typed, or_meant


class _Kind(NamedTuple):
    """The numbers of an optimizer or a schedule.

    numbers: by name, with their defaults; NaN where there is none and the number must be given.
    optional: names of the numbers that are off unless given.
    """

    numbers: dict[str, float]
    optional: tuple[str, ...] = ()


_ADAM = {"b1": 0.9, "b2": 0.999, "eps": 1e-8}
_ANY = ("weight_decay", "clip_norm", "warm_up_epochs", "bias_rate", "input_scale_rate")
OPTIMIZERS = {
    "sgd": _Kind({"learning_rate": 0.1}, ("momentum", *_ANY)),
    "adam": _Kind({"learning_rate": 1e-3, **_ADAM}, ("eps_root", *_ANY)),
    "adamw": _Kind({"learning_rate": 1e-3, **_ADAM, "weight_decay": 1e-4}, ("eps_root", *_ANY)),
    "rmsprop": _Kind({"learning_rate": 1e-3, "decay": 0.9, "eps": 1e-8}, ("momentum", *_ANY)),
    "adagrad": _Kind({"learning_rate": 0.1, "initial_accumulator_value": 0.1, "eps": 1e-7}, _ANY),
    "lion": _Kind({"learning_rate": 1e-4, "b1": 0.9, "b2": 0.99, "weight_decay": 1e-3}, _ANY),
    "lbfgs": _Kind({}),
}
SCHEDULES = {
    "constant": _Kind({}),
    "cosine": _Kind({"decay_epochs": math.nan, "final": 0.0}),
    "log_cosine": _Kind({"decay_epochs": math.nan, "cycles": 4.0}),
    "exponential": _Kind({"rate": math.nan}),
    "inverse_scaling": _Kind({"samples": math.nan, "power": 0.5}),
    "one_cycle": _Kind({"decay_epochs": math.nan, "peak_at": 0.3, "start": 1 / 25, "final": 1e-4}),
}  # NaN: has no default and must be given
_BELOW_ONE = ("momentum", "b1", "b2", "decay")  # shares of the past, 0 <= number < 1
_ABOVE_ZERO = ("decay_epochs", "cycles")  # a share of 0 epochs is none, and no cycle a rate of 0


@partial(
    jax.tree_util.register_dataclass,
    data_fields=("numbers",),
    meta_fields=("name", "schedule", "nesterov"),
)
@dataclass(frozen=True)
class Optimizer:
    """An optimizer by name; see `optimizer`. Its `numbers` are leaves, the rest is static."""

    name: str
    schedule: str
    nesterov: bool
    numbers: dict[str, Any]

    @property
    def by_entry(self) -> bool:
        """Whether it takes every weight by itself, wherever it stands in W."""
        return self.name != "lbfgs" and "input_scale_rate" not in self.numbers


def optimizer(
    name: str, *, schedule: str = "constant", nesterov: bool = False, **numbers: Any
) -> Optimizer:
    """An optimizer whose numbers may be traced, for `mlp_jax.fit`.

    Args:
      name: "sgd", "adam", "adamw", "rmsprop", "adagrad", "lion", or "lbfgs" (full batches only).
      schedule: of the learning rate: "constant"; "cosine" (decay_epochs, final=0), down to the
        fraction `final`; "log_cosine" (decay_epochs, cycles=4), RealMLP's: of the share t of
        decay_epochs that is done, times 1/2 - 1/2 cos(2π log2(1 + (2^cycles - 1) t)), from 0 up to
        1 and down again `cycles` times, each time twice as long; "exponential" (rate), times `rate`
        an epoch; "inverse_scaling" (samples, power=0.5), scikit-learn's: divided by (1 + samples
        seen)^power after every epoch of so many samples; "one_cycle" (decay_epochs, peak_at=0.3,
        start=1/25, final=1e-4), up from the fraction `start` until `peak_at` of decay_epochs and
        down to `final`. With momentum it multiplies the velocity, as in PyTorch; scikit-learn has
        each step's own rate inside it.
      nesterov: for "sgd" with momentum.
      **numbers: learning_rate; momentum (sgd, rmsprop), b1, b2, eps, eps_root (adam, adamw), decay,
        initial_accumulator_value, with optax's meanings and defaults (RealMLP has b2=0.95); the
        schedule's; and for any but lbfgs weight_decay (decoupled: times the learning rate, off the
        weights, not the biases), clip_norm (the largest norm of the whole gradient), warm_up_epochs
        (the learning rate rises to its value in a straight line, times the schedule), bias_rate
        (biases learn at so many times the learning rate; RealMLP has 0.1), input_scale_rate (the
        weights of every input have a common factor, which begins as 1 and learns at so many times
        the learning rate; RealMLP has 6; see training/input_scale.py).

    Raises:
      ValueError: an unknown name or number, or one out of range.

    References:
      RealMLP: D. Holzmüller, L. Grinsztajn, I. Steinwart, Better by default: strong pre-tuned MLPs
      and boosted trees on tabular data, NeurIPS 2024.

    Example:
      >>> adam = optimizer("adam", learning_rate=0.01, schedule="cosine", decay_epochs=100)
      >>> sorted(adam.numbers)
      ['b1', 'b2', 'decay_epochs', 'eps', 'final', 'learning_rate']
    """
    for kind, choice, table in (("optimizer", name, OPTIMIZERS), ("schedule", schedule, SCHEDULES)):
        if choice not in table:
            known = ", ".join(table) + or_meant(choice, table)
            raise ValueError(f"{kind} is {choice!r}; expected one of {known}")
    if schedule != "constant" and name == "lbfgs":
        raise ValueError("lbfgs finds its own step; it takes no schedule")
    defaults = OPTIMIZERS[name].numbers | SCHEDULES[schedule].numbers
    allowed = {*defaults, *OPTIMIZERS[name].optional}
    for number, value in numbers.items():
        if number not in allowed:
            known = (", ".join(sorted(allowed)) or "none") + or_meant(number, allowed)
            raise ValueError(
                f"{name} with the schedule {schedule} has no number {number}; it has {known}"
            )
        _check_number(number, value)
    chosen = defaults | {key: value for key, value in numbers.items() if value is not None}
    for number, value in chosen.items():
        if isinstance(value, float) and math.isnan(value):
            raise ValueError(f"the schedule {schedule} needs {number}: type {number}=...")
    if nesterov and "momentum" not in chosen:
        raise ValueError("nesterov needs momentum: type momentum=0.9")
    return Optimizer(name, schedule, nesterov, chosen)


def _check_number(name: str, value: Any) -> None:
    if value is None or isinstance(value, jax.core.Tracer):
        return
    if isinstance(value, float) and 0 < value < 1:  # most are, and a sweep has thousands
        return
    number = np.asarray(value)  # JAX would compile the comparison
    if number.dtype.kind not in "fiu" or not (np.isfinite(number) & (number >= 0)).all():
        raise ValueError(f"{name} is {as_typed(value)}; expected a finite number, 0 or more")
    if name in _BELOW_ONE and not (number < 1).all():
        raise ValueError(f"{name} is {value}; expected less than 1")
    if name in _ABOVE_ZERO and not (number > 0).all():
        raise ValueError(f"{name} is {value}; expected more than 0")


def as_optimizer(choice: Any) -> Any:
    """The `Optimizer` or optax transformation that `choice` is, or that has this name."""
    if isinstance(choice, str):
        return optimizer(choice)
    if not isinstance(choice, Optimizer | optax.GradientTransformation):
        raise ValueError(
            f"optimizer is {choice!r}; expected a name such as 'adam', mlp_jax.optimizer(...), or "
            "an optax transformation such as optax.sgd(0.1)"
        )
    return choice


def transformation(
    choice: Any, params: Any, batches_per_epoch: int = 1
) -> optax.GradientTransformationExtraArgs:
    """The optax optimizer of an `Optimizer`; an optimizer of optax's is returned as it is."""
    if isinstance(choice, optax.GradientTransformation):
        return optax.with_extra_args_support(choice)
    n = choice.numbers
    if choice.name == "lbfgs":
        return optax.lbfgs()
    # Where the gradient was always 0, autodiff of Adam's square root is 0 times infinity, unless a
    # number stands in the root. This number is too small to change any other.
    n = {"eps_root": float(jnp.finfo(as_layers(params)[0].W.dtype).tiny)} | n
    clipped = [_clipped(n["clip_norm"])] if "clip_norm" in n else []
    parts = _DIRECTIONS[choice.name](n, choice.nesterov)
    if "weight_decay" in n:
        mask = _of_each(params, n, of_W=True, of_b=False, of_s=False)
        parts.append(optax.add_decayed_weights(n["weight_decay"], mask))
    if "bias_rate" in n or "input_scale_rate" in n:
        of_b, of_s = n.get("bias_rate", 1.0), n.get("input_scale_rate")
        rates = _of_each(params, n, of_W=1.0, of_b=of_b, of_s=of_s)
        parts.append(optax.stateless(lambda steps, _: jax.tree.map(operator.mul, rates, steps)))
    if choice.schedule == "constant" and "warm_up_epochs" not in n:
        parts.append(optax.scale_by_learning_rate(n["learning_rate"]))
    else:
        rate = partial(learning_rate, choice, batches_per_epoch)
        parts.append(optax.scale_by_learning_rate(rate))
    if "input_scale_rate" in n:
        parts = [with_input_scale(optax.chain(*parts))]
    return optax.with_extra_args_support(optax.chain(*clipped, *parts))


def _of_each(params: Any, n: dict[str, Any], *, of_W: Any, of_b: Any, of_s: Any) -> Any:
    """One value a leaf of what the optimizer descends by: weights, biases, scales of the inputs."""
    layers = shaped_like(params, [Layer(of_W, of_b)] * len(as_layers(params)))
    return Scaled(of_s, layers) if "input_scale_rate" in n else layers


def _momentum(n: dict[str, Any], nesterov: bool) -> list[optax.GradientTransformation]:
    return [optax.trace(n["momentum"], nesterov)] if "momentum" in n else []


def _adam(n: dict[str, Any], nesterov: bool) -> list[optax.GradientTransformation]:
    return [optax.scale_by_adam(n["b1"], n["b2"], n["eps"], n["eps_root"])]


def _clipped(longest: Any) -> optax.GradientTransformation:
    """`optax.clip_by_global_norm`, whose derivative is NaN where the whole gradient is 0."""

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
        length = root(optax.tree.norm(updates, squared=True))
        divisor = jnp.where(length == 0.0, 1.0, length)
        short = length < longest
        return jax.tree.map(lambda g: jnp.where(short, g, g / divisor * longest), updates), state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)


def root(square: Any) -> Array:
    """The square root, whose derivative at 0 is taken as 0: times infinity, 0 would be NaN."""
    zero = square == 0.0
    return jnp.where(zero, 0.0, jnp.sqrt(jnp.where(zero, 1.0, square)))


_DIRECTIONS: dict[str, Callable[..., list[optax.GradientTransformation]]] = {
    "sgd": _momentum,
    "adam": _adam,
    "adamw": _adam,
    "rmsprop": lambda n, nesterov: [
        optax.scale_by_rms(n["decay"], n["eps"]),
        *_momentum(n, nesterov),
    ],
    "adagrad": lambda n, _: [optax.scale_by_rss(n["initial_accumulator_value"], n["eps"])],
    "lion": lambda n, _: [optax.scale_by_lion(n["b1"], n["b2"])],
}


def learning_rate(choice: Optimizer, batches_per_epoch: int, step: Any) -> Array:
    """The learning rate of a step, counted from 0."""
    n = choice.numbers
    rate = jnp.asarray(n["learning_rate"])
    epochs = jnp.asarray(step, rate.dtype) / batches_per_epoch
    done = epochs
    if choice.schedule == "inverse_scaling":
        # In whole numbers: XLA multiplies by 1 / batches, of which the floor may be one too low.
        whole = jnp.asarray(step, jnp.int32) // jnp.asarray(batches_per_epoch, jnp.int32)
        done = whole.astype(rate.dtype)
    rate = rate * _SCHEDULES[choice.schedule](done, n)
    if "warm_up_epochs" in n:
        risen = (epochs + 1.0 / batches_per_epoch) / jnp.maximum(n["warm_up_epochs"], 1e-9)
        rate = rate * jnp.minimum(risen, 1.0)
    return rate


def _half_cosine(share: Array, first: Any, last: Any) -> Array:
    """From `first` at share 0 to `last` at share 1, flat at both."""
    return last + (first - last) * 0.5 * (1.0 + jnp.cos(jnp.pi * jnp.clip(share, 0.0, 1.0)))


def _cosine(epochs: Array, n: dict[str, Any]) -> Array:
    return _half_cosine(epochs / n["decay_epochs"], 1.0, n["final"])


def _log_cosine(epochs: Array, n: dict[str, Any]) -> Array:
    """Equation of RealMLP's "coslog4" schedule, for 4 cycles: 15 = 2⁴ - 1."""
    share = jnp.clip(epochs / n["decay_epochs"], 0.0, 1.0)
    cycles_done = jnp.log2(1.0 + (2.0 ** n["cycles"] - 1.0) * share)
    return 0.5 - 0.5 * jnp.cos(2.0 * jnp.pi * cycles_done)


def _exponential(epochs: Array, n: dict[str, Any]) -> Array:
    return n["rate"] ** epochs


def _inverse_scaling(epochs: Array, n: dict[str, Any]) -> Array:
    return (1.0 + n["samples"] * epochs) ** -n["power"]


def _one_cycle(epochs: Array, n: dict[str, Any]) -> Array:
    share, peak = epochs / n["decay_epochs"], n["peak_at"]
    rising = _half_cosine(share / jnp.maximum(peak, 1e-9), n["start"], 1.0)
    falling = _half_cosine((share - peak) / jnp.maximum(1.0 - peak, 1e-9), 1.0, n["final"])
    return jnp.where(share < peak, rising, falling)


_SCHEDULES: dict[str, Callable[[Array, dict[str, Any]], Array]] = {
    "constant": lambda epochs, n: jnp.ones_like(epochs),
    "cosine": _cosine,
    "log_cosine": _log_cosine,
    "exponential": _exponential,
    "inverse_scaling": _inverse_scaling,
    "one_cycle": _one_cycle,
}
