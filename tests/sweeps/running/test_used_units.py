"""Products as wide as the units that a chunk uses: the same numbers, and no more is computed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mlp_jax
from mlp_jax.products import Products
from mlp_jax.sweeps.planning.ladder import Padded, as_used, quarters
from mlp_jax.sweeps.run import plan_of, run
from mlp_jax.sweeps.running.used_units import ProductsAsUsed
from mlp_jax.sweeps.task import as_task
from tests.sweeps.small_sweeps import X, Y

SIZES, EXAMPLES = (5, 40, 33, 8, 1), 7  # 40 and 33 units have quarters, 8 are too few
WIDEST = ((40, 33, 8), (1, 33, 8), (10, 9, 1), (11, 17, 8), (21, 25, 3), (30, 26, 8))


def factors(widest, l):
    """(W, A, dZ) of layer l, NaN where no product may look and 0 where no unit is used."""
    rng = np.random.default_rng(l)
    used = (SIZES[0], *widest, SIZES[-1])
    sides = [
        (SIZES[k], used[k], int(as_used(np.array(used[k]), np.array(SIZES[k])))) for k in (l - 1, l)
    ]

    def padded(rows, columns):
        value = np.full((rows[0], columns[0]), np.nan)
        value[: rows[2], : columns[2]] = 0.0
        value[: rows[1], : columns[1]] = rng.normal(size=(rows[1], columns[1]))
        return jnp.asarray(value)

    all_examples = (EXAMPLES,) * 3
    below, own = sides
    return padded(below, own), padded(below, all_examples), padded(own, all_examples)


@pytest.fixture(scope="module")
def computed():
    """(W, A, dZ of every layer, the widest member) -> (forward, backward, gradients of each)."""

    def of_layers(widest, *layers):
        products = ProductsAsUsed().of_widths(SIZES, widest)
        return [
            (
                products.of_layer(l).forward(W, A),
                products.of_layer(l).backward(W, dZ),
                products.of_layer(l).gradients(A, dZ)[0],
            )
            for l, (W, A, dZ) in enumerate(layers, start=1)
        ]

    return jax.jit(of_layers)


@pytest.mark.parametrize("widest", WIDEST)
def test_the_products_are_those_of_the_units_that_are_used(computed, widest):
    layers = [factors(widest, l) for l in range(1, len(SIZES))]
    for (W, A, dZ), found in zip(layers, computed(np.array(widest), *layers), strict=True):
        W, A, dZ = (np.nan_to_num(np.asarray(one)) for one in (W, A, dZ))
        for ours, theirs in zip(found, (W.T @ A, W @ dZ, A @ dZ.T), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


def test_layers_of_few_units_have_one_product():
    products = ProductsAsUsed("bfloat16").of_widths((5, 40, 8, 8, 1), np.array([3, 3, 3]))
    plain = [type(products.of_layer(l)) is Products for l in range(1, 5)]
    assert plain == [False, False, True, True]
    assert {products.of_layer(l).precision for l in range(1, 5)} == {"bfloat16"}


@pytest.mark.parametrize("n", [1, 31, 32, 33, 50, 96, 128])
def test_what_is_planned_is_what_is_computed(n):
    widths = np.arange(1, n + 1)
    planned = as_used(widths, np.array(n))
    chosen = [min(choice for choice in quarters(n) if choice >= width) for width in widths]
    np.testing.assert_array_equal(planned, chosen)


def test_a_narrow_program_is_not_taken_for_another():
    plain, narrow = (mlp_jax.Network(precision=one) for one in (Products(), ProductsAsUsed()))
    assert plain != narrow
    assert narrow == mlp_jax.Network(precision=ProductsAsUsed())
    assert len({plain, narrow}) == 2


def test_a_sweep_by_narrow_programs_finds_the_same_and_its_file_says_so(tmp_path):
    space = {"hidden": [(40, 5), (3, 33), (11, 21)], "activation": ["tanh", "sigmoid"]}
    task = as_task(X, Y, space | {"batch_size": 16, "patience": 2}, folds=2, epochs=5)

    def swept(narrow):
        plan = plan_of(task, widened=lambda w, _: Padded(w.max(axis=0)[None], w[:, 0] * 0, narrow))
        assert [bucket.narrow for bucket in plan.buckets] == [narrow]
        return run(task, plan)

    full, narrow = swept(False), swept(True)
    for one, other in zip(full.members, narrow.members, strict=True):
        assert one.best_epoch == other.best_epoch
        for a, b in zip(jax.tree.leaves(one.params), jax.tree.leaves(other.params), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-13)
    used, issued = (
        [getattr(r.plan, f"flops_{n}") for r in (full, narrow)] for n in ("used", "issued")
    )
    assert used[0] == used[1] < issued[1] < issued[0]
    mlp_jax.save_sweep(narrow, tmp_path / "narrow")
    assert mlp_jax.load_sweep(tmp_path / "narrow").plan == narrow.plan
    assert mlp_jax.load_sweep(tmp_path / "narrow").plan != full.plan
