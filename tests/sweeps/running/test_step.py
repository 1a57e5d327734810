"""What a step of a sweep is made of on accelerators: no more than a plain `vmap` of the training.

Programs are lowered for them, not compiled: no accelerator is needed, and nothing is timed.
"""

from functools import partial
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from mlp_jax.network import Network
from mlp_jax.sweeps.folds import as_folds
from mlp_jax.sweeps.planning.plan import as_plan
from mlp_jax.sweeps.running.chunk_program import on_platform, train_chunk
from mlp_jax.sweeps.running.cohort import Cohort
from mlp_jax.sweeps.running.cohort_members import members_of
from mlp_jax.sweeps.running.epoch_draws import draw_epochs
from mlp_jax.sweeps.running.stacking import InitialWeights
from mlp_jax.sweeps.task import as_task
from mlp_jax.training.batches import Examples
from tests.lowered import step_of

SIZES, BATCH, MEMBERS, ROWS = (5, 7, 6, 1), 8, 4, 32
LAYERS = len(SIZES) - 1
COUNTED = ("dot_general", "transpose", "optimization_barrier", "gather", "scatter", "case", "sort")
PLATFORMS = {"cuda": "gpu", "tpu": "tpu"}  # as lowering and as devices call them


def of_sweep(optimizer, platform, products=None, others=()):
    """The step of the sweep's program, lowered for a platform.

    products: the platform whose products it has; None for those of its own.
    others: activations that its members might have besides relu.
    """
    X = np.random.default_rng(0).normal(size=(ROWS, SIZES[0])).astype(np.float32)
    space = {"hidden": SIZES[1:-1], "optimizer": optimizer, "batch_size": BATCH}
    space |= {"learning_rate": np.linspace(0.01, 0.1, MEMBERS).tolist()}
    held = (np.arange(ROWS - 8), np.arange(ROWS - 8, ROWS))
    task = as_task(X, X[:, 0] > 0, space, folds=[held], epochs=3)
    [bucket] = as_plan(task, chunk=MEMBERS).buckets
    cohort = Cohort(task, bucket, members_of(task, bucket, 0), InitialWeights(task))
    [fold], lengths = as_folds(task.splits)
    [Y] = task.labels.values()
    draws = draw_epochs(
        *(task.key_of_fold(0), np.int32(0), fold),
        epochs=cohort.segment,
        batch_size=BATCH,
        lengths=lengths,
        dropout=False,
    )
    networks = *bucket.kind.networks, *(Network(name, bucket.kind.loss) for name in others)
    by_entry = bucket.kind.by_entry
    networks = on_platform(networks, products or PLATFORMS[platform], by_entry=by_entry)
    train = partial(train_chunk, recipe=cohort.recipe(), lengths=lengths, networks=networks)
    arguments = cohort.arguments_of_program(Examples(X, Y), fold, draws)
    return step_of(jax.jit(train).trace(*arguments).lower(lowering_platforms=(platform,)))


def plain(optimizer, platform):
    """The step of a training as a user of JAX writes it, rows as examples, under `vmap`."""

    def loss(params, X, y):
        A = X
        for W, b in params[:-1]:
            A = jax.nn.relu(A @ W + b)
        W, b = params[-1]
        return jnp.mean(optax.sigmoid_binary_cross_entropy((A @ W + b)[:, 0], y))

    def train(params, rate, X, y, batches):
        descent = getattr(optax, optimizer)(rate)

        def step(carry, rows):
            params, state = carry
            cost, grads = jax.value_and_grad(loss)(params, X[rows], y[rows])
            updates, state = descent.update(grads, state, params)
            return (optax.apply_updates(params, updates), state), cost

        return jax.lax.scan(step, (params, descent.init(params)), batches)

    params = [(jnp.ones((MEMBERS, a, b)), jnp.zeros((MEMBERS, 1, b))) for a, b in pairwise(SIZES)]
    batches = jnp.arange(ROWS).reshape(-1, BATCH)
    data = jnp.ones((ROWS, SIZES[0])), jnp.ones(ROWS), batches
    program = jax.jit(jax.vmap(train, in_axes=(0, 0, None, None, None)))
    traced = program.trace(params, jnp.ones(MEMBERS), *data)
    return step_of(traced.lower(lowering_platforms=(platform,)))


@pytest.fixture(autouse=True)
def _in_float32():
    with jax.enable_x64(False):
        yield


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_step_has_no_more_than_plain_vmap(optimizer, platform):
    ours, theirs = of_sweep(optimizer, platform), plain(optimizer, platform)
    for name in COUNTED:
        assert ours[name] <= theirs[name], name
    assert ours["dot_general"] == 3 * LAYERS - 1  # of the errors one less: none of the inputs
    # The guard is a choice a leaf in the sum that adds the update: an entry each, and no pass.
    assert ours["select"] - 2 * LAYERS <= theirs["select"]


def test_one_activation_of_several_is_chosen_by_a_branch():
    one, of_two = of_sweep("sgd", "cuda"), of_sweep("sgd", "cuda", others=["tanh"])
    assert of_two["select"] <= one["select"]
    assert (one["case"], of_two["case"]) == (0, 2 * (LAYERS - 1))


def test_factors_that_are_turned_before_a_product_would_be_seen():
    as_on_cpu = of_sweep("sgd", "cuda", products="cpu")
    assert as_on_cpu["optimization_barrier"] > plain("sgd", "cuda")["optimization_barrier"] == 0
    assert as_on_cpu["transpose"] > plain("sgd", "cuda")["transpose"]
