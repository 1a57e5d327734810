"""A multi-layer perceptron whose gradient was derived by hand.

This is the API page: what is exported and where it lives. Names are loaded when first used, so
that the command line's --help does not wait for JAX. Every room has a page of its own, with those
of these names that live there.
"""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlp_jax.activations import Activation as Activation
    from mlp_jax.activations import own_activation as own_activation
    from mlp_jax.back_propagation import cost_and_gradient as cost_and_gradient
    from mlp_jax.back_propagation import gradient as gradient
    from mlp_jax.certificate.certificate import Certificate as Certificate
    from mlp_jax.certificate.certificate import certify as certify
    from mlp_jax.cost_function import cost as cost
    from mlp_jax.dropout import dropout_masks as dropout_masks
    from mlp_jax.estimators.classifier import MLPClassifier as MLPClassifier
    from mlp_jax.estimators.regressor import MLPRegressor as MLPRegressor
    from mlp_jax.estimators.search import SweepCV as SweepCV
    from mlp_jax.estimators.table_classifier import TableClassifier as TableClassifier
    from mlp_jax.estimators.table_regressor import TableRegressor as TableRegressor
    from mlp_jax.estimators.to_model import model_of as model_of
    from mlp_jax.estimators.to_model import save_model as save_model
    from mlp_jax.forward_propagation import forward as forward
    from mlp_jax.labels import class_weights as class_weights
    from mlp_jax.labels import one_hot as one_hot
    from mlp_jax.losses import Loss as Loss
    from mlp_jax.losses import huber as huber
    from mlp_jax.losses import own_loss as own_loss
    from mlp_jax.losses import pinball as pinball
    from mlp_jax.metrics import Metric as Metric
    from mlp_jax.models.export import export_model as export_model
    from mlp_jax.models.model import Model as Model
    from mlp_jax.models.model_file import load_model as load_model
    from mlp_jax.models.permutation import Importance as Importance
    from mlp_jax.models.permutation import importance as importance
    from mlp_jax.network import Network as Network
    from mlp_jax.parameters import Layer as Layer
    from mlp_jax.parameters import init as init
    from mlp_jax.parameters import layer_sizes as layer_sizes
    from mlp_jax.processes.joined import LostPeerError as LostPeerError
    from mlp_jax.processes.joined import distributed as distributed
    from mlp_jax.processes.kept_programs import keep_programs as keep_programs
    from mlp_jax.processes.sharded_examples import shard_examples as shard_examples
    from mlp_jax.sweeps.distributions import choice as choice
    from mlp_jax.sweeps.distributions import int_uniform as int_uniform
    from mlp_jax.sweeps.distributions import log_uniform as log_uniform
    from mlp_jax.sweeps.distributions import uniform as uniform
    from mlp_jax.sweeps.planning.plan import SweepPlan as SweepPlan
    from mlp_jax.sweeps.results.member import SweepMember as SweepMember
    from mlp_jax.sweeps.results.report import html_report as html_report
    from mlp_jax.sweeps.results.result import SweepResult as SweepResult
    from mlp_jax.sweeps.results.result_file import load_sweep as load_sweep
    from mlp_jax.sweeps.results.result_file import save_sweep as save_sweep
    from mlp_jax.sweeps.results.tensorboard import TensorBoard as TensorBoard
    from mlp_jax.sweeps.run import plan_sweep as plan_sweep
    from mlp_jax.sweeps.run import sweep as sweep
    from mlp_jax.tables.encoder import table_encoder as table_encoder
    from mlp_jax.tables.number_encoder import NumberEncoder as NumberEncoder
    from mlp_jax.training.descent import step as step
    from mlp_jax.training.divergence import DivergenceWarning as DivergenceWarning
    from mlp_jax.training.optimizers import Optimizer as Optimizer
    from mlp_jax.training.optimizers import optimizer as optimizer
    from mlp_jax.training.state import Best as Best
    from mlp_jax.training.state import Info as Info
    from mlp_jax.training.state import State as State
    from mlp_jax.training.state import start as start
    from mlp_jax.training.training import fit as fit

__version__ = "0.1.0"

_HOMES = {
    "Activation": "activations",
    "Best": "training.state",
    "Certificate": "certificate.certificate",
    "DivergenceWarning": "training.divergence",
    "Info": "training.state",
    "Importance": "models.permutation",
    "Layer": "parameters",
    "Loss": "losses",
    "LostPeerError": "processes.joined",
    "MLPClassifier": "estimators.classifier",
    "MLPRegressor": "estimators.regressor",
    "Metric": "metrics",
    "Model": "models.model",
    "Network": "network",
    "NumberEncoder": "tables.number_encoder",
    "Optimizer": "training.optimizers",
    "State": "training.state",
    "SweepCV": "estimators.search",
    "SweepMember": "sweeps.results.member",
    "SweepPlan": "sweeps.planning.plan",
    "SweepResult": "sweeps.results.result",
    "TableClassifier": "estimators.table_classifier",
    "TableRegressor": "estimators.table_regressor",
    "TensorBoard": "sweeps.results.tensorboard",
    "certify": "certificate.certificate",
    "choice": "sweeps.distributions",
    "class_weights": "labels",
    "cost": "cost_function",
    "cost_and_gradient": "back_propagation",
    "distributed": "processes.joined",
    "dropout_masks": "dropout",
    "export_model": "models.export",
    "fit": "training.training",
    "forward": "forward_propagation",
    "gradient": "back_propagation",
    "html_report": "sweeps.results.report",
    "huber": "losses",
    "importance": "models.permutation",
    "init": "parameters",
    "int_uniform": "sweeps.distributions",
    "keep_programs": "processes.kept_programs",
    "layer_sizes": "parameters",
    "load_model": "models.model_file",
    "load_sweep": "sweeps.results.result_file",
    "log_uniform": "sweeps.distributions",
    "model_of": "estimators.to_model",
    "one_hot": "labels",
    "optimizer": "training.optimizers",
    "own_activation": "activations",
    "own_loss": "losses",
    "pinball": "losses",
    "plan_sweep": "sweeps.run",
    "save_model": "estimators.to_model",
    "save_sweep": "sweeps.results.result_file",
    "shard_examples": "processes.sharded_examples",
    "start": "training.state",
    "step": "training.descent",
    "sweep": "sweeps.run",
    "table_encoder": "tables.encoder",
    "uniform": "sweeps.distributions",
}
_ROOMS = (
    "certificate",
    "estimators",
    "models",
    "pictures",
    "processes",
    "sweeps",
    "tables",
    "training",
)
# `from mlp_jax import *` is for all installs; these need scikit-learn or matplotlib, extras.
_EXTRAS = ("estimators.", "tables.", "sweeps.results.report")
_EVERYWHERE = [name for name, home in _HOMES.items() if not home.startswith(_EXTRAS)]
__all__ = [*sorted(_EVERYWHERE), "__version__"]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"mlp_jax.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'mlp_jax' has no attribute {name!r}")
    try:
        home = import_module(f"mlp_jax.{_HOMES[name]}")
    except ModuleNotFoundError as error:
        if error.name != "sklearn":
            raise
        raise ImportError(
            f"{name} needs scikit-learn: type pip install 'mlp_jax[all]'", name="sklearn"
        ) from error
    globals()[name] = getattr(home, name)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted([*_HOMES, *_ROOMS, "__version__"])


def _page_of(room: str) -> Callable[[str], Any]:
    """The `__getattr__` of a room's own page: of the names on this one those that live there."""

    def of_room(name: str) -> Any:
        if not _HOMES.get(name, "").startswith(f"{room}."):
            raise AttributeError(f"module 'mlp_jax.{room}' has no attribute {name!r}")
        return __getattr__(name)

    return of_room
