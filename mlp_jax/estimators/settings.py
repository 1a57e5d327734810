"""What a user sets on an estimator: checked once, and from then on in the words of `mlp_jax.fit`.

scikit-learn's meanings differ from ours: its penalty `alpha` is divided by what a batch weighs, its
`n_iter_no_change` allows one epoch more than our patience.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any

import numpy as np

from mlp_jax.activations import Activation
from mlp_jax.estimators.initial_layers import scheme_of
from mlp_jax.losses import Loss
from mlp_jax.network import Network
from mlp_jax.training.checks import check_count
from mlp_jax.training.optimizers import OPTIMIZERS, Optimizer, optimizer
from mlp_jax.wording import as_typed

LEARNING_RATES = ("constant", "invscaling", "adaptive")
SCHEDULES = ("cosine", "log_cosine", "one_cycle")  # of `mlp_jax.optimizer`, over max_iter epochs
OF_STEPS = ("weight_decay", "clip_norm", "warm_up_epochs")  # numbers of every optimizer but lbfgs
NOT_OF_LBFGS = (*OF_STEPS, "schedule", "dropout", "label_smoothing")
LARGEST_AUTO = 200  # examples of a batch at most, where batch_size is "auto"

# name: (the lowest number, whether that one is allowed, what all are below)
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


@dataclass(frozen=True)
class Settings:
    """The parameters of an estimator, checked.

    parameters: all of them, by the names that `set_params` takes; hidden_layer_sizes is a tuple.
    hidden: widths of the hidden layers.
    activation: of the hidden layers, by the names that `Network` has for them.
    init: the scheme of the initial weights, as `mlp_jax.init` takes it.
    loss: of a regressor, as `Network` takes it; None where the target decides.
    optimizer: as for one sample; `optimizer_for` fills in how many there are, for "invscaling".
    adaptive: a fifth of the learning rate goes on whenever training would stop.
    batch_size: examples of a batch; None for a number that suits all of them.
    alpha: scikit-learn's strength of the L2 penalty; see `l2_for`.
    epochs: the most of them; of lbfgs, the most iterations.
    evaluations: of lbfgs, the most evaluations of the cost.
    patience: epochs without improvement that end a training; None for no end.
    tolerance: what an epoch must improve by; of lbfgs, the largest entry of its last gradient.
    dropout: share of the hidden units dropped in every step.
    label_smoothing: how far labels are drawn towards even odds.
    class_weight: "balanced", the weight of every class, or None.
    early_stopping: the score of a validation set is what must improve.
    validation_fraction: the share of the samples that is kept for that set.
    shuffle: every epoch has its own order of samples.
    random_state: an integer, a generator of NumPy or None.
    verbose: the cost is printed.
    """

    parameters: dict[str, Any]
    hidden: tuple[int, ...]
    activation: Any
    init: str
    loss: Any
    optimizer: Optimizer
    adaptive: bool
    batch_size: int | None
    alpha: float
    epochs: int
    evaluations: int
    patience: float | None
    tolerance: float
    dropout: float
    label_smoothing: float
    class_weight: Any
    early_stopping: bool
    validation_fraction: float
    shuffle: bool
    random_state: Any
    verbose: Any

    @property
    def is_lbfgs(self) -> bool:
        """Whether scipy's L-BFGS-B trains, on all samples at once."""
        return self.optimizer.name == "lbfgs"

    @property
    def keeps_validation(self) -> bool:
        """Whether `fit` keeps a share of the samples to validate by."""
        return self.early_stopping and not self.is_lbfgs

    def optimizer_for(self, m: int) -> Optimizer:
        """The optimizer for m samples an epoch, by which "invscaling" divides the learning rate."""
        return replace(self.optimizer, numbers=self.optimizer.numbers | self._samples(m))

    def _samples(self, m: int) -> dict[str, int]:
        """The number "samples" of the optimizer, if its schedule has one."""
        return {"samples": m} if "samples" in self.optimizer.numbers else {}

    def batch_size_for(self, m: int) -> int:
        """Examples of a batch, of m in all."""
        return min(LARGEST_AUTO if self.batch_size is None else self.batch_size, m)

    def l2_for(self, m: int, mean_weight: float = 1.0) -> float:
        """The penalty of the cost, which is not divided: alpha over what a full batch weighs.

        scikit-learn divides by the weights of each batch, so that a last one that is short has
        more.
        """
        size = m if self.is_lbfgs else self.batch_size_for(m)
        return float(self.alpha / (size * mean_weight))

    def named_choices(self, m: int, loss: str) -> dict[str, Any]:
        """The settings as `mlp_jax.sweep` takes a configuration, for m samples to train on.

        A sweep knows nothing of an "adaptive" learning rate and of shuffle=False.
        """
        return {
            "hidden": self.hidden,
            "activation": self.activation,
            "init": self.init,
            "loss": loss,
            "optimizer": self.optimizer.name,
            "schedule": self.optimizer.schedule,
            "nesterov": self.optimizer.nesterov,
            "epochs": self.epochs,
            "patience": self.patience,
            "ties": True,  # as scikit-learn counts them
            # lbfgs has a tolerance of the gradient; near a minimum the cost goes by its square.
            "tolerance": float(self.tolerance ** (2 if self.is_lbfgs else 1)),
            "dropout": float(self.dropout),
            "label_smoothing": float(self.label_smoothing),
            **self.optimizer.numbers,
            **self.choices_for(m, class_weight=self.class_weight),
        }

    def choices_for(
        self, m: int, mean_weight: float = 1.0, class_weight: Any = None
    ) -> dict[str, Any]:
        """The choices that depend on the samples: on m of them, of this mean weight."""
        size = self.batch_size_for(m)
        found = {
            "batch_size": None if size >= m or self.is_lbfgs else size,
            "l2": self.l2_for(m, mean_weight),
            **self._samples(m),
        }
        return found if class_weight is None else found | {"class_weight": class_weight}


def parse_settings(parameters: Mapping[str, Any]) -> Settings:
    """The parameters of an estimator, by scikit-learn's names, as `Settings`.

    Raises:
      ValueError: what came and what was expected.
    """
    found = dict(parameters) | {"hidden_layer_sizes": _sizes(parameters["hidden_layer_sizes"])}
    _check_numbers(found)
    _check_choices(found)
    activation = activation_by_our_names(found["activation"])
    network = Network(activation)  # raises for what is no activation
    patience = found["n_iter_no_change"]
    return Settings(
        parameters=found,
        hidden=found["hidden_layer_sizes"],
        activation=activation,
        init=scheme_of(found["init"], network),
        loss=found.get("loss"),
        optimizer=_optimizer(found),
        adaptive=found["solver"] == "sgd" and found["learning_rate"] == "adaptive",
        batch_size=None if found["batch_size"] == "auto" else int(found["batch_size"]),
        alpha=found["alpha"],
        epochs=int(found["max_iter"]),
        evaluations=int(found["max_fun"]),
        patience=None if patience == np.inf else patience + 1,
        tolerance=found["tol"],
        dropout=found["dropout"],
        label_smoothing=found.get("label_smoothing", 0.0),
        class_weight=found.get("class_weight"),
        early_stopping=bool(found["early_stopping"]),
        validation_fraction=found["validation_fraction"],
        shuffle=bool(found["shuffle"]),
        random_state=found["random_state"],
        verbose=found["verbose"],
    )


def _check_numbers(found: Mapping[str, Any]) -> None:
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


def _check_choices(found: Mapping[str, Any]) -> None:
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


def activation_by_our_names(choice: Any) -> Any:
    """The activation, or one a layer; scikit-learn's "logistic" is our "sigmoid"."""
    if isinstance(choice, list | tuple) and not isinstance(choice, Activation):
        return tuple(map(activation_by_our_names, choice))
    return "sigmoid" if isinstance(choice, str) and choice == "logistic" else choice


def _optimizer(found: Mapping[str, Any]) -> Optimizer:
    """The optimizer of checked parameters, for one sample an epoch."""
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
        if found[ours] or ours in OPTIMIZERS[name].numbers:  # 0 is no default
            numbers[ours] = found[ours]
    if name == "sgd" and found["learning_rate"] == "invscaling":
        schedule, numbers["samples"], numbers["power"] = "inverse_scaling", 1, found["power_t"]
    if found["schedule"] is not None:
        schedule, numbers["decay_epochs"] = found["schedule"], found["max_iter"]
    return optimizer(name, schedule=schedule, nesterov=nesterov, **numbers)


def mean_over_of(loss: Loss, targets: int) -> int:
    """How many outputs the loss that an estimator tells is a mean over, where ours is a sum.

    Over the targets of a regression, as scikit-learn's squared error is. Its Poisson loss is a sum,
    and so are the cross-entropies.
    """
    return 1 if loss.classes or loss.counts else targets


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
