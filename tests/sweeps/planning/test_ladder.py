"""Widths that networks are padded to: few, wide enough, the same ones in the next sweep."""

import numpy as np
import pytest

import mlp_jax
from mlp_jax.sweeps.planning.costs import ACCELERATOR, CPU
from mlp_jax.sweeps.planning.ladder import Narrow, Price, on_ladder, own_shapes, rung_above
from mlp_jax.sweeps.planning.plan import as_plan
from mlp_jax.sweeps.task import as_task

X, Y = np.zeros((3000, 20), np.float32), np.arange(3000) % 2
MIXED = {
    "depth": [1, 2, 3, 4],
    "widths": mlp_jax.int_uniform(8, 128),
    "activation": ["relu", "tanh", "gelu"],
    "batch_size": [64, 256],
}


def price(widths, *, program=1.0, own_program=1.0, most=32, narrow=None):
    """Of members that train one epoch; a weight takes a second, and a unit of a program another."""

    def of_widths(shapes, of_products):
        shapes, wide = np.asarray(shapes, float), np.asarray(of_products, float)
        return shapes.sum(axis=-1) + (wide[..., 1:] * wide[..., :-1]).sum(axis=-1)

    return Price(of_widths, np.ones(len(widths)), program, own_program, most, narrow)


def drawn(depth, n=500, seed=0, low=8, high=128):
    return np.random.default_rng(seed).integers(low, high + 1, (n, depth))


def shapes_of(made):
    return {tuple(shape) for shape in made.shapes.tolist()}


def planned(n, seed, **more):
    return mlp_jax.plan_sweep(X, Y, MIXED | more, n=n, folds=3, epochs=100, key=seed)


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("most", [1, 4, 32])
def test_every_member_fits_its_program_and_none_has_two(depth, most):
    widths = drawn(depth)
    made = on_ladder(widths, price(widths, most=most))
    assert len(made.shapes) <= most
    assert len(shapes_of(made)) == len(made.shapes)
    assert (widths <= made.shapes[made.places]).all()
    assert set(made.places.tolist()) == set(range(len(made.shapes)))


@pytest.mark.parametrize("depth", [1, 2, 4, 6])
def test_other_members_of_the_same_range_have_the_same_programs(depth):
    made = [on_ladder(drawn(depth, seed=s), price(drawn(depth), most=4)) for s in (0, 1)]
    assert shapes_of(made[0]) == shapes_of(made[1])
    assert len(made[0].shapes) == 4
    other_range = drawn(depth, low=12, high=120)
    assert shapes_of(on_ladder(other_range, price(other_range, most=4))) == shapes_of(made[0])


def test_layers_that_are_alike_are_padded_alike():
    widths = np.repeat(drawn(1), 3, axis=1)
    made = on_ladder(widths, price(widths, most=4))
    assert shapes_of(made) == {(width,) * 3 for width in (32, 64, 96, 128)}


@pytest.mark.parametrize("program", [1e-9, 1e9])
def test_a_single_shape_is_not_padded_whatever_a_program_takes(program):
    widths = np.array([[100, 37]] * 5)
    assert shapes_of(on_ladder(widths, price(widths, program=program))) == {(100, 37)}


@pytest.mark.parametrize(("program", "programs"), [(1e-9, 4), (1e9, 1)])
def test_dear_programs_are_shared_and_cheap_ones_are_not(program, programs):
    widths = np.array([[8, 8], [8, 100], [100, 8], [100, 100]] * 5)
    made = on_ladder(widths, price(widths, program=program, own_program=program))
    assert len(made.shapes) == programs
    assert (100, 100) in shapes_of(made)  # the widest that is listed, not the rung above


def test_more_members_have_more_programs_at_a_lower_price():
    widths = drawn(3)
    few, many = (on_ladder(widths, price(widths, program=p)) for p in (1e7, 1e3))
    assert len(few.shapes) == 1 < len(many.shapes)
    of_many, of_few = (made.seconds(price(widths), widths).sum() for made in (many, few))
    assert of_many < 0.75 * of_few


@pytest.mark.parametrize("depth", [3, 4])
def test_narrow_programs_are_fewer_and_less_is_padded(depth):
    widths, narrow = drawn(depth), Narrow(compiling=1.75, running=1.05, epoch=100.0)
    full, chosen = (
        on_ladder(widths, price(widths, program=1e5, narrow=one)) for one in (None, narrow)
    )
    assert (full.narrow, chosen.narrow) == (False, True)
    assert len(chosen.shapes) <= len(full.shapes)
    assert chosen.seconds(price(widths, narrow=narrow), widths).sum() < (
        0.8 * full.seconds(price(widths), widths).sum()
    )


@pytest.mark.parametrize("dear", [{"compiling": 1e6}, {"running": 3.0}, {"epoch": 1e6}])
def test_narrow_programs_are_not_taken_where_they_cost_more(dear):
    widths, narrow = drawn(3), Narrow(compiling=1.75, running=1.05, epoch=100.0)
    own = price(widths, program=1e5, narrow=narrow._replace(**dear))
    assert not on_ladder(widths, own).narrow


def test_shapes_that_no_other_sweep_has_count_whole():
    widths = drawn(2, n=6)
    for own_program, programs in ((1.0, own_shapes(widths)), (1e9, None)):
        made = on_ladder(widths, price(widths, own_program=own_program))
        assert (programs is not None) == (shapes_of(made) == {*map(tuple, widths.tolist())})


def test_a_rung_is_a_third_too_wide_at_most():
    widths = np.arange(4, 5000)
    assert (rung_above(widths) >= widths).all()
    assert (rung_above(widths) <= np.maximum(1.5 * widths, widths + 1)).all()
    assert len(np.unique(rung_above(widths))) < 25


@pytest.mark.parametrize("n", [1000, 5000, 20_000])
def test_the_programs_of_a_mixed_space_are_at_most_32_and_hold_all_members(n):
    plan = planned(n, seed=0)
    assert plan.compilations <= 32
    members = np.concatenate([bucket.configurations for bucket in plan.buckets])
    assert sorted(members.tolist()) == list(range(n))
    assert {bucket.chunk.bit_count() for bucket in plan.buckets} == {1}  # powers of 2


def test_another_seed_and_another_range_find_the_programs_of_a_plan():
    def programs(plan):
        return {(b.kind, b.hidden, b.on, b.chunk) for b in plan.buckets}

    known, seed, narrower = (
        programs(planned(5000, **other))
        for other in ({"seed": 0}, {"seed": 1}, {"seed": 1, "widths": mlp_jax.int_uniform(12, 120)})
    )
    assert {one[:-1] for one in seed} == {one[:-1] for one in known}
    assert {one[:-1] for one in narrower} == {one[:-1] for one in known}
    # Two sizes of chunks may cost the same for about as many members.
    assert len(seed - known) <= 2
    assert len(narrower - known) <= 2


def test_the_order_in_which_activations_are_drawn_makes_no_other_program():
    space = {"activation": ["tanh", "relu"], "width": 8}
    kinds = [
        mlp_jax.plan_sweep(X, Y, space | {"activation": names}, validation=0.2).buckets[0].kind
        for names in (["tanh", "relu"], ["relu", "tanh"])
    ]
    assert kinds[0] == kinds[1]
    assert len(kinds[0].networks) == 2


def test_narrow_programs_are_planned_where_they_save_time_and_can_be():
    def narrow(rates=CPU, **other):
        how = {name: other.pop(name) for name in ("chunk",) if name in other}
        task = as_task(X, Y, MIXED | other, n=500, folds=3, epochs=100)
        return [bucket for bucket in as_plan(task, rates=rates, **how).buckets if bucket.narrow]

    assert {len(bucket.hidden) for bucket in narrow()} >= {4}
    assert {bucket.chunk for bucket in narrow()} == {1}
    assert not narrow(depth=1)
    assert not narrow(chunk=4)  # then a member is the same whatever else is trained
    assert not narrow(optimizer="lbfgs", batch_size=None)
    assert not narrow(ACCELERATOR)
    assert not narrow(depth=3, widths=[64])
