"""The layers that an estimator's first training begins with: by default as scikit-learn's do."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from mlp_jax.activations import ACTIVATIONS, Activation
from mlp_jax.network import Network
from mlp_jax.parameters import Layer, check_scheme, init


def scheme_of(chosen: Any, network: Network) -> str:
    """The scheme of `mlp_jax.init` for an estimator's parameter `init`.

    scikit-learn's factor for "glorot" is another where the hidden layers are logistic sigmoids.

    Raises:
      ValueError: it is none.
    """
    check_scheme("init", chosen)
    of_each = network.activation
    hidden = (of_each,) if isinstance(of_each, Activation) else of_each
    sigmoids = set(hidden) == {ACTIVATIONS["sigmoid"]}
    return "glorot_sigmoid" if chosen == "glorot" and sigmoids else str(chosen)


def new_layers(seed: int, sizes: Sequence[int], scheme: str, dtype: Any) -> tuple[Layer, ...]:
    """The initial layers, in the dtype of the samples.

    seed: of the weights. sizes: units of every layer, inputs first.
    """
    # Drawn in float32 whatever the dtype, so that a seed stands for the same weights.
    params = init(jax.random.key(seed), sizes, scheme=scheme, dtype=np.float32)
    return tuple(Layer(*(np.asarray(leaf, dtype) for leaf in pair)) for pair in params)
