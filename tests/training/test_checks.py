"""What `fit` cannot take is refused in words."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import mlp_jax
from tests.training.small import SGD, net


@pytest.mark.parametrize(("use", "held_out"), [("validate by", 0.0), ("train on", 1.0)])
def test_a_share_without_weight_is_refused(use, held_out):
    params, X, Y = net()
    order = jax.random.permutation(jax.random.fold_in(jax.random.key(0), np.uint32(2**32 - 1)), 24)
    weights = np.full((1, 24), 1.0 - held_out)
    weights[:, order[:5]] = held_out
    fit = partial(mlp_jax.fit, params, X, Y, optimizer=SGD, epochs=1, weights=weights, key=0)
    with pytest.raises(ValueError, match=f"is 0.2, and all .* to {use} have weight 0"):
        fit(validation=0.2)
    assert np.isfinite(fit(validation=(X, Y))[1].validation_loss).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"dropout": 1.0}, "dropout is 1.0; expected a number, 0 or more and less than 1"),
        ({"dropout": 0.5, "key": None}, "dropout is given, but there is no key"),
        ({"dropout_epochs": 0}, "dropout_epochs is 0; expected a number, 1 or more"),
        ({"l2": -1.0}, "l2 is -1.0"),
        ({"l2": np.ones(3)}, "for several values at once use jax.vmap"),
        ({"patience": 0}, "patience is 0; expected a number, 1 or more"),
        ({"best_by": "score"}, "best_by is 'score'; expected one of validation_loss, metric, cost"),
        ({"best_by": "metric"}, "nothing validates: type validation=0.2, or best_by='cost'"),
        ({"validation": 1.5}, "validation is 1.5"),
        ({"validation": 0.2, "key": None}, "no key to draw it by"),
        ({"validation": (1, 2, 3, 4)}, "validation has 4 parts"),
        ({"validation": (np.ones((4, 2)), np.full((1, 2), 2.0))}, "validation Y has labels"),
        ({"optimizer": 0.1}, "optimizer is 0.1; expected a name"),
        ({"optimizer": "lbfgs", "batch_size": 3}, "lbfgs compares costs of all examples"),
        ({"key": 2**32 + 5}, "the seed is 4294967301"),
        ({"progress": 3}, "progress is 3"),
        (
            {"label_smoothing": 0.1, "network": mlp_jax.Network(loss="squared_error")},
            "label_smoothing is for the cross-entropies",
        ),
        ({"network": mlp_jax.Network(["relu", "relu"])}, "names 2 hidden layers"),
        (
            {"params": jax.tree.map(lambda leaf: leaf * np.nan, mlp_jax.init(0, (4, 5, 1)))},
            r"params W\[1\]\[0, 0\] is nan; expected finite numbers",
        ),
        *(
            (
                {"params": mlp_jax.init(0, (4, 5, 1), dtype=dtype)},
                f"params is of {dtype.dtype}, in which small steps are lost; expected float32 .*"
                r'type jax\.tree\.map.*Network\(precision="bfloat16"\)',
            )
            for dtype in (jnp.bfloat16, jnp.float16)
        ),
    ],
)
def test_bad_numbers_are_refused(change, said):
    params, X, Y = net()
    given = {"params": params, "optimizer": SGD, "epochs": 2, "key": 0} | change
    with pytest.raises(ValueError, match=said):
        mlp_jax.fit(X=X, Y=Y, **given)


def test_traced_epochs_need_room():
    params, X, Y = net()
    with pytest.raises(ValueError, match="type max_epochs="):
        jax.jit(lambda n: mlp_jax.fit(params, X, Y, optimizer=SGD, epochs=n))(3)


def test_another_kind_of_optimizer_cannot_take_over_a_state():
    params, X, Y = net()
    state, _ = mlp_jax.fit(params, X, Y, optimizer=SGD, epochs=1)
    with pytest.raises(ValueError, match=r"another kind of optimizer.*hand state\.params"):
        mlp_jax.fit(state, X, Y, optimizer=optax.adam(0.1), epochs=1)
