"""The cost with the gradient that a training descends by, which may be the user's own."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from mlp_jax.cost_function import cost
from mlp_jax.gradient_call import accepts, call_gradient, switched_on
from mlp_jax.network import Network
from mlp_jax.wording import describe


def cost_and_gradient_by(
    gradient: Callable[..., Any], params: Any, X: Array, Y: Array, choices: dict[str, Any]
) -> tuple[Array, Any]:
    """(J, grads) from a function that returns both, or the gradient alone.

    In the second case J is asked for separately; XLA then finds the two forward passes equal and
    keeps one.
    """
    for name in choices.keys() & {"weights", "l2", "masks"}:
        if not accepts(gradient, name):
            reason = ", which a last batch that is short needs as well" if name == "weights" else ""
            raise ValueError(
                f"gradient has no argument {name}, but {name} is given{reason}; expected a "
                f"function of (params, X, Y, {name}=...), such as mlp_jax.gradient"
            )
    returned = call_gradient(gradient, params, X, Y, **choices)
    like: Any = jax.tree.structure(params)
    if like == jax.tree.structure(returned):
        return cost(params, X, Y, **choices), returned
    if isinstance(returned, tuple) and len(returned) == 2:
        J, grads = returned
        if like == jax.tree.structure(grads) and jnp.shape(J) == ():
            return J, grads
    raise ValueError(
        f"gradient returned {describe(returned)}; expected a pytree like params, as from "
        "jax.grad(mlp_jax.cost), or the pair (cost, pytree), as from mlp_jax.cost_and_gradient"
    )


def of_turned(gradient: Callable[..., Any], turned: Callable[[Any], Any]) -> Callable[..., Any]:
    """The function of `cost_and_gradient_by`, of parameters as they are between steps.

    turned: of `Products`.
    """

    def cost_and_gradient(params: Any, X: Array, Y: Array, **choices: Any) -> tuple[Array, Any]:
        J, grads = cost_and_gradient_by(gradient, turned(params), X, Y, choices)
        return J, turned(grads)

    return cost_and_gradient


def differentiable_cost(gradient: Callable[..., Any], network: Network) -> Callable[..., Array]:
    """(params, batch) -> J, whose derivative is `gradient`, so that a line search uses it too."""

    def choices(batch: Any) -> dict[str, Any]:
        _, _, weights, l2, masks = batch
        return switched_on(weights=weights, l2=l2, masks=masks) | {"network": network}

    @jax.custom_vjp
    def value(params: Any, batch: Any) -> Array:
        return cost(params, batch[0], batch[1], **choices(batch))

    def forwards(params: Any, batch: Any) -> tuple[Array, Any]:
        return cost_and_gradient_by(gradient, params, batch[0], batch[1], choices(batch))

    def backwards(grads: Any, bar: Array) -> tuple[Any, None]:
        return jax.tree.map(lambda g: bar * g, grads), None

    value.defvjp(forwards, backwards)
    return value
