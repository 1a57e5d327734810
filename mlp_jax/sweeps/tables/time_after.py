"""What comes after the sweep of a table, and so leaves less time for the sweep itself.

All of it is reckoned in what this machine takes to compile and to multiply, and nothing is
corrected afterwards: a second or two more or less.
"""

from mlp_jax.models.permutation import WORK
from mlp_jax.sweeps.planning.machine import rates_of_machine
from mlp_jax.sweeps.results.answer import REPEATS
from mlp_jax.sweeps.tables.default_space import ENSEMBLE, OPERATIONS
from mlp_jax.sweeps.task import Task

# In what a small program takes to compile here, as `experiments/benchmarks/seconds.py` prints them:
# the best configuration trained again, a report, and choosing and writing.
COMPILED = {"refit": 1.5, "report": 2.0, "rest": 0.3}
# A network alone, and NumPy, are so much slower than networks side by side.
ALONE, BY_NUMPY = 2.0, 3.0


def seconds_after(
    task: Task, held_out: int, columns: int, *, refit: bool, report: bool = False
) -> float:
    """About the seconds that an answer takes once the sweep is done.

    Args:
      task: of some of the sweep's configurations.
      held_out: rows that the importance of the columns is measured on, or 0.
      columns: how many the table has.
      refit: the best configuration is trained again.
      report: a report is written.
    """
    rates = rates_of_machine()
    small = rates.compilation[0]
    weights = float(task.parameters().mean())
    seconds = COMPILED["rest"] * small
    if refit:
        operations = OPERATIONS * weights * len(task.X) * float(task.configurations.epochs.mean())
        seconds += COMPILED["refit"] * small + ALONE * operations / rates.flops_per_second
    if report:
        seconds += COMPILED["report"] * small
    permuted = held_out * REPEATS * columns * ENSEMBLE * len(task.splits)
    multiplications = min(WORK, weights * permuted)
    return seconds + BY_NUMPY * 2 * multiplications / rates.flops_per_second
