"""A sweep, run: programs compile while others train, and Ctrl-C keeps what is finished."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from mlp_jax.processes.engines import as_executor
from mlp_jax.sweeps.divided.engine import trainer_of
from mlp_jax.sweeps.in_time import check_alone, plan_in_time, run_in_time
from mlp_jax.sweeps.planning.plan import SweepPlan
from mlp_jax.sweeps.results.result import SweepResult
from mlp_jax.sweeps.running.checkpoint import SweepCheckpoint
from mlp_jax.sweeps.running.coordination import JoinedProcesses, SingleProcess, check_cancel
from mlp_jax.sweeps.running.limit import as_limit
from mlp_jax.sweeps.running.planned import plan_of as plan_of
from mlp_jax.sweeps.running.progress import as_sweep_progress
from mlp_jax.sweeps.running.rungs import Rungs
from mlp_jax.sweeps.running.runner import OnChunk
from mlp_jax.sweeps.stream import Stream
from mlp_jax.sweeps.task import Task, as_task


def sweep(
    X: Any,
    y: Any,
    space: Any,
    *,
    n: int | None = None,
    folds: Any = None,
    validation: Any = None,
    seeds: int = 1,
    epochs: int = 100,
    patience: int | None = None,
    scoring: Any = None,
    best_by: str = "validation_loss",
    halving: int | None = None,
    seconds: float | None = None,
    memory: int | None = None,
    chunk: int | None = None,
    devices: Sequence[Any] | None = None,
    key: Any = 0,
    progress: bool | Callable[..., None] = True,
    checkpoint: Any = None,
    checkpoint_seconds: float = 60.0,
    shard: Any = None,
    executor: Any = None,
    cancel: Any = None,
    weights: Any = None,
) -> SweepResult:
    """Trains every configuration of a space on every fold, many at a time. Rows are samples.

    Args:
      X: the table, (samples, features), of numbers on one scale (standardise them first).
      y: labels, (samples,), of any kind, or (samples, K).
      space: a dict from names to lists (every combination), to distributions such as
        `mlp_jax.log_uniform(1e-4, 1e-1)` or those of `scipy.stats` (n samples of them), or to
        single values; or a list of configurations, dicts of single values. Names: hidden (a tuple),
        or depth with width (of all layers) or widths (of each); activation, loss, precision,
        batch_size, optimizer, schedule, nesterov and all their numbers (learning_rate, momentum,
        weight_decay, clip_norm, ...), epochs, patience, tolerance, ties, mean_over, l2, dropout,
        dropout_epochs, label_smoothing, class_weight, seed, init (the scheme of the initial
        weights). What is not named: one hidden layer of 100 relu, Adam, batches of 64, the loss
        that fits y, the rest as in `mlp_jax.init` and `mlp_jax.fit`. class_weight is "balanced" or
        a weight for every label of y, as in {"no": 1, "yes": 5}; a label may be written as a text,
        as in JSON and TOML. Keys that are not all labels are class numbers, in the order of the
        sorted labels; the result has these.
      n: how many configurations to draw.
      folds: how many, 5 unless said otherwise; or pairs of indices (train, validation), or a
        splitter of scikit-learn.
      validation: instead of folds, (Xv, yv), or the share of the samples to validate by.
      seeds: how many initial weights of every configuration that names no seed. The order of the
        batches is shared by all members of a fold, which makes their scores comparable.
      epochs: of the configurations that do not name them.
      patience: likewise; None for never stopping early.
      scoring: "accuracy", "r2", "loss", or a function (A, Y, weights) -> a value that is the better
        the higher it is, of outputs and labels, (K, samples), or of an error
        `mlp_jax.Metric(function, less_is_better=True)`; None for the first that fits. An error and
        the loss count as minus their value. It is taken in the best epoch, and so are the
        parameters. A function gets the weights None where
        all folds are of one size. Else a shorter fold is filled up to the longest with rows of it
        once more, and the weights, (1, samples), are 1, and 0 for those.
      best_by: what makes an epoch the best, and what patience looks at: "validation_loss", "metric"
        (the score), or "cost", which looks at the training alone: the last epoch is then the best.
      halving: 3 to go on with the best third of the configurations after a ninth and after a third
        of the epochs, with a quarter of the epochs in all; None to train all to the end.
      seconds: how long the call may take, such as 300; None for as long as all configurations do.
        As many configurations of the space are drawn as fit into the time, compiling included, and
        n of them at most. What trains at the end of it stops after an epoch and is "interrupted";
        what was not begun is not in the result. With halving, brackets of configurations are
        trained one after the other. In which order configurations are tried depends on the space
        and the key, how many of them on the machine. There is no checkpoint and no shard then.
      memory: bytes it may take, data and results included; None for what suits the machine. With
        chunk too, it is checked that they suffice.
      chunk: how many networks train side by side; None for what suits it. At one chunk a member is
        the same to the last bit whatever else is in the space.
      devices: of `jax.devices()`; each trains chunks of its own. None for all accelerators, or for
        one CPU device with a chunk on each core.
      key: from `jax.random.key`, or a seed: of the drawing, the folds, weights and batch order.
      progress: True for a bar, or a function called as progress(done, members, best score).
      checkpoint: a folder to save to; the same call again goes on from there, on this layout of
        chunks and devices to the same last bit, and on another as members of other chunks.
      checkpoint_seconds: from one save to the next.
      shard: (number, count) to train one of `count` parts of the space alone, such as (0, 4); the
        other members are "interrupted". Processes that share a checkpoint folder so divide a sweep
        among them, and the same call without shard then has it all.
      executor: whoever trains instead of this process: any executor of `concurrent.futures`, such
        as `client.get_executor()` of Dask or mpi4py's, or a number of processes to start on this
        machine; see `help(mlp_jax.processes)`. Not with devices, shard or seconds.
      cancel: a `threading.Event`; once another thread sets it, it is as if Ctrl-C was typed.
      weights: what every sample counts, (samples,), 0 or more: in the cost, J = Σ wᵢ Lᵢ / Σ wᵢ, in
        the validation loss, in the score and in the choice of an ensemble; None for all ones.

    In processes that `mlp_jax.distributed` has joined each trains its share, and has all results.

    Returns:
      A `SweepResult`: all members, the best, and its network. After Ctrl-C, those that finished,
      and the others as far as they came.

    Raises:
      ValueError: what came, what was expected and what to type; before anything compiles.
      OSError: the checkpoint cannot be written; what was saved before is whole.
      LostPeerError: a process that was joined has ended; where the others stand is saved.

    Example:
      >>> import numpy as np, mlp_jax
      >>> X = np.random.default_rng(0).normal(size=(200, 2))
      >>> y = X[:, 0] * X[:, 1] > 0  # are the signs alike?
      >>> space = {"hidden": [(2,), (16, 16)], "learning_rate": [0.01, 0.03]}
      >>> result = mlp_jax.sweep(X, y, space, folds=2, epochs=60, progress=False)
      >>> result.best.configuration["hidden"], bool(result.best.score > 0.8)
      ((16, 16), True)
    """
    limit = as_limit(seconds)
    task_of = partial(
        as_task,
        *(X, y, space),
        folds=folds,
        validation=validation,
        seeds=seeds,
        epochs=epochs,
        patience=patience,
        scoring=scoring,
        best_by=best_by,
        key=key,
        weights=weights,
    )
    how: dict[str, Any] = {"memory": memory, "chunk": chunk, "devices": devices}
    if limit is not None:
        check_alone(checkpoint=checkpoint, shard=shard, executor=executor)
        stream = Stream(lambda count: task_of(n=count, stream=True), n)
        return run_in_time(
            *(stream, limit), **how, halving=halving, progress=progress, cancel=cancel
        )
    task = task_of(n=n)
    plan = plan_of(task, **how, halving=halving, shard=shard, executor=executor)
    return run(
        *(task, plan),
        executor=executor,
        progress=progress,
        checkpoint=checkpoint,
        checkpoint_seconds=checkpoint_seconds,
        cancel=cancel,
    )


def plan_sweep(
    X: Any,
    y: Any,
    space: Any,
    *,
    halving: int | None = None,
    seconds: float | None = None,
    memory: int | None = None,
    chunk: int | None = None,
    devices: Sequence[Any] | None = None,
    progress: Any = None,
    checkpoint: Any = None,
    checkpoint_seconds: Any = None,
    shard: Any = None,
    executor: Any = None,
    cancel: Any = None,
    **choices: Any,
) -> SweepPlan:
    """What `sweep` would do with the same arguments; nothing is compiled or trained.

    A plan is the same whatever `progress`, `checkpoint`, `checkpoint_seconds` and `cancel` are:
    they are taken so that one set of arguments serves both. With `seconds` it is the plan of as
    many configurations as take as long by what it says; the sweep will see how long they take.

    Example:
      >>> import numpy as np, mlp_jax
      >>> X, y = np.zeros((90, 4)), np.arange(90) % 3
      >>> plan = mlp_jax.plan_sweep(X, y, {"width": [8, 12, 16]}, folds=3)
      >>> plan.members, plan.compilations, plan.buckets[0].hidden
      (9, 1, (16,))
    """
    how: dict[str, Any] = {"memory": memory, "chunk": chunk, "devices": devices}
    limit = as_limit(seconds)
    if limit is not None:
        check_alone(checkpoint=checkpoint, shard=shard, executor=executor)
        n = choices.pop("n", None)
        task_of = partial(as_task, X, y, space, **choices)
        stream = Stream(lambda count: task_of(n=count, stream=True), n)
        return plan_in_time(stream, limit, **how, halving=halving).portable()
    task = as_task(X, y, space, **choices)
    return plan_of(task, **how, halving=halving, shard=shard, executor=executor).portable()


def run(
    task: Task,
    plan: SweepPlan,
    *,
    executor: Any = None,
    progress: bool | Callable[..., None] = False,
    checkpoint: Any = None,
    checkpoint_seconds: float = 60.0,
    cancel: Any = None,
    on_chunk: OnChunk | None = None,
) -> SweepResult:
    """The task done as planned; arguments as for `sweep`.

    on_chunk: called by the thread that has trained a chunk, before its states are kept, with the
      epochs that the chunk's members have trained, summed.
    """
    began = time.perf_counter()
    check_cancel(cancel)
    saves = None
    if checkpoint is not None:
        saves = SweepCheckpoint(checkpoint, task, plan.halving, checkpoint_seconds, plan.shard)
    try:
        others = _coordination(task, plan, cancel)
        with (
            as_sweep_progress(progress, task, plan.members) as shown,
            as_executor(executor) as engine,
        ):
            rungs = Rungs(task, plan, saves, others, shown, on_chunk, trainer=trainer_of(engine))
            interrupted = rungs.train()
        own = rungs.record.outcomes()
        try:
            outcomes, interrupted = others.ended(own, interrupted)
        except KeyboardInterrupt:  # while this one was waiting for the others
            others.interrupted()
            outcomes, interrupted = others.ended(own, True)
    finally:
        if saves is not None:
            saves.close()
    return SweepResult(
        task=task,
        plan=plan.portable(),
        outcomes=tuple(outcomes),
        seconds=time.perf_counter() - began,
        compilations=rungs.record.compilations,
        interrupted=interrupted,
        bucket_seconds=rungs.record.seconds,
    )


def _coordination(task: Task, plan: SweepPlan, cancel: Any) -> SingleProcess:
    """How this process meets the others that train the sweep."""
    if plan.shard is not None and plan.shard.joined:
        return JoinedProcesses(task, plan.halving, cancel)
    return SingleProcess(cancel)
