"""One configuration of a sweep trained again, on all samples."""

from dataclasses import replace

from mlp_jax.parameters import init
from mlp_jax.sweeps.results.ensemble import Fitted, classes_of, copied
from mlp_jax.sweeps.results.member import example_weights
from mlp_jax.sweeps.results.ranking import Ranked
from mlp_jax.sweeps.task import Task
from mlp_jax.training.training import fit


def refit(task: Task, ranked: Ranked, seed: int | None) -> Fitted:
    """The configuration trained for as many epochs as were the best on the folds, on average.

    seed: of the initial weights; None for the configuration's own, or 0 if it has none.
    """
    number = task.configurations.all_choices().index(ranked.configuration)
    configuration = task.configurations[number]
    # Members have the configuration as it is on their fold; here it is the one of all samples.
    arguments = replace(ranked.members[0], _choices=configuration).arguments_of_fit()
    Y = task.labels[configuration.network.loss].T
    key = task.key_of_weights((configuration.seed or 0) if seed is None else seed)
    arguments |= {
        "params": init(
            key, task.sizes(configuration), scheme=configuration.init, dtype=task.X.dtype
        ),
        "X": task.X.T,
        "Y": Y,
        "weights": example_weights(task, configuration.class_weight, Y, slice(None)),
        "validation": None,
        "best_by": None,
        "patience": None,
        "epochs": max(1, round(ranked.best_epoch)),
    }
    state, _ = fit(**arguments)
    return Fitted(copied(state.params), configuration.network, classes_of(task))
