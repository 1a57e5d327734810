r"""A whole hyperparameter space, trained in few compiled programs.

`sweep` takes a table whose rows are samples, and a space: a dict of lists (all combinations), of
distributions (`n` draws), or a list of configurations. It plans which networks can share a compiled
program (those that differ in width, by padding; in activation, by a choice when it runs; in a
number, as they are), trains them side by side on every fold, one program compiling while others
train, and keeps every one.

>>> import numpy as np, mlp_jax
>>> rng = np.random.default_rng(0)
>>> table = rng.normal(size=(300, 4))
>>> labels = np.where(table[:, 0] * table[:, 1] > 0, "alike", "unlike")
>>> space = {"width": [8, 16], "learning_rate": mlp_jax.log_uniform(3e-3, 1e-1)}
>>> result = mlp_jax.sweep(table, labels, space, n=6, folds=2, epochs=60, progress=False)
>>> result.best.score > 0.85
True

- `result.ranking` and `result.to_pandas()` have every configuration, `result.members` every
  network: configuration, seed, fold, status, score, parameters, curves. `mlp_jax.fit(
  **member.arguments_of_fit())` trains the same network alone: the tests hold the two equal to 1e-10
  in float64, whatever the padding, fold or chunk, but for dropout in full batches on folds of
  different lengths, whose masks are others. In float32 they hold them equal to 1e-4 over 20 epochs.
  At one `chunk=` a member has the same bits whatever its neighbours are.
- `mlp_jax.plan_sweep` says beforehand what `sweep` will do: programs, padded widths, FLOPs used and
  issued, bytes, about how many seconds.
- `halving=3` goes on with the best third of the configurations after a ninth and after a third of
  the epochs, with everything they have learned: a quarter of the epochs, and 29 to 45 % of the time
  for 1,000 configurations on tables of 150 to 1,800 rows, with a winner within a standard error of
  the full sweep's on all five (`experiments/benchmarks/halving.py`). Networks that stopped early
  take no further part in a chunk.
- `weights=` of samples count in cost, validation loss and score, and in the choice of an ensemble.
- `checkpoint="a/folder"` saves every minute; after a kill the same call goes on from there, to the
  same last bit on the same layout of chunks and devices, and within 1e-10 in float64 on another.
  Damage in the folder is found by its SHA-256 and the save before it is used; a folder of another
  sweep is refused with what differs.
- A network that diverges is marked so and changes no other. Ctrl-C returns what is finished, and
  the others as far as they came; `cancel=event` does so once another thread sets that
  `threading.Event`.
- `mlp_jax.save_sweep(result, "sweep.safetensors")` writes all of it to one file, examples included;
  `mlp_jax.load_sweep("sweep.safetensors")` is the result again, to the last bit, and runs no code
  of the file.
- The members of a fold see the same batches in the same order: differences in score are not of
  luck.
- A second sweep of equal shapes compiles nothing; on several devices a program may come to another
  of them, and is compiled there. To keep programs from one process to the next,
  `jax.config.update("jax_compilation_cache_dir", "some/folder")` before it.
- 10,000 networks of 30-64-32-16-1 on 2,000 rows took 226 MiB beside the programs, where the plan
  said 191 (`experiments/benchmarks/limit.py`).

`result.ensemble(8)` averages the networks of up to eight configurations; nothing is trained again.
It chooses by the loss of their predictions of the rows they had not seen, log loss or squared
error, whatever ranked them, and on these rows is never worse than the best configuration. On eight
real tables it had a better score than the best network on seven and a lower loss on all, in 0.4 to
1.1 % of the sweep's time, by `experiments/ensembles.py`. `mlp_jax.save_model` writes it to a file.

>>> together = result.ensemble(2)
>>> bool((together.predict(table) == labels).mean() > 0.85)
True

An optimizer of your choice can ask in batches; here Optuna, 32 networks at a time:

>>> import optuna
>>> optuna.logging.set_verbosity(optuna.logging.ERROR)
>>> study = optuna.create_study(
...     direction="maximize", sampler=optuna.samplers.TPESampler(seed=0, constant_liar=True)
... )
>>> for _ in range(2):
...     trials = [study.ask() for _ in range(32)]
...     batch = [
...         {
...             "width": trial.suggest_int("width", 4, 16),
...             "learning_rate": trial.suggest_float("learning_rate", 1e-4, 1e-1, log=True),
...         }
...         for trial in trials
...     ]
...     asked = mlp_jax.sweep(table, labels, batch, folds=2, epochs=10, progress=False)
...     for trial, score in zip(trials, asked.scores, strict=True):
...         _ = study.tell(trial, score)
>>> len(study.trials), study.best_value > 0.7
(64, True)

The page that `mlp-jax sweep --report` writes is `mlp_jax.html_report(result)`. Its pictures are
functions of `mlp_jax.pictures`, for your own figures too:

>>> from mlp_jax import pictures
>>> rows, A = result.held_out_outputs()     # of the best; its networks have not seen these rows
>>> predicted = np.where(A[:, 0] > 0.5, "unlike", "alike")
>>> figure, (left, right) = pictures.figure(1, 2)
>>> left = pictures.confusion(left, labels[rows], predicted, ["alike", "unlike"])
>>> right = pictures.calibration(right, labels[rows] == "unlike", A[:, 0], name="unlike")
>>> right.get_xlabel(), pictures.png(figure)[1:4]
('probability of unlike', b'PNG')

Rooms: `planning` decides who trains beside whom, `running` does it, `divided` has workers elsewhere
do it, `results` is what is found; the files of this folder are what all of them speak of: the
space, the task, its folds, the members. `run` is the door, and `in_time` what it does where the
time is limited. `tables` is above both: what is searched on a table by default, and what then
predicts.
"""

from typing import TYPE_CHECKING

from mlp_jax import _page_of

if TYPE_CHECKING:
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

__getattr__ = _page_of("sweeps")
