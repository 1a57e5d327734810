"""Members side by side: their initial weights, padded to one shape, and their example weights."""

from collections.abc import Sequence
from functools import cache, partial
from itertools import pairwise
from typing import Any

import jax
import numpy as np

from mlp_jax.labels import class_weights
from mlp_jax.parameters import Layer
from mlp_jax.sweeps.configuration import Configuration
from mlp_jax.sweeps.members import Member
from mlp_jax.sweeps.task import Task

DRAWN_AT_ONCE = 256 << 20  # bytes of initial weights


def weights_of(
    task: Task, configurations: Sequence[Configuration], some: Any, *, by_class: bool = True
) -> np.ndarray:
    """Example weights, (members, 1, m), 0 but for some rows: the row's times its class's.

    Of weights that balance the classes, the shares are those among these rows.

    by_class: classes count; otherwise rows alone.
    """
    made: dict[Any, np.ndarray] = {}
    rows: list[np.ndarray] = []
    for configuration in configurations:
        given = configuration.class_weight if by_class else None
        loss = configuration.network.loss
        name = (repr(given), loss)
        if name not in made:
            Y = task.labels[loss].T
            made[name] = np.zeros((1, Y.shape[1]), Y.dtype)
            of_rows = np.ones(1) if task.weights is None else task.weights[some]
            of_class = 1.0 if given is None else np.asarray(class_weights(Y[:, some], given))
            made[name][:, some] = of_class * of_rows[None]
        rows.append(made[name])
    return np.stack(rows)


class InitialWeights:
    """What `mlp_jax.init` draws for a seed, for networks of any shape, from one draw a seed.

    The first numbers of a long draw are those of a short one, so no shape compiles a draw of its
    own.
    """

    def __init__(self, task: Task) -> None:
        sizes = {task.sizes(configuration) for configuration in task.configurations}
        longest = max(sum(a * b for a, b in pairwise(n)) for n in sizes)
        self._task = task
        # Of few lengths, for each compiles; and an eighth too long at most, for a draw takes time.
        apart = max(1, (1 << (longest - 1).bit_length()) // 16)
        self._length = -(-longest // apart) * apart
        self._draws: dict[int, np.ndarray] = {}
        # `fit` draws in float32 whatever the dtype.
        self._dtype = np.dtype(np.float32) if task.as_fit else task.X.dtype

    def draw(self, members: Sequence[Member]) -> None:
        """Draws what these members need and is not there yet, all seeds in one program."""
        missing = sorted({member.seed for member in members} - self._draws.keys())
        if not missing:
            return
        most = max(1, DRAWN_AT_ONCE // (self._length * self._dtype.itemsize))
        for first in range(0, len(missing), most):
            some = missing[first : first + most]
            count = 1 << (len(some) - 1).bit_length()  # so that few numbers of seeds compile
            seeds = np.resize(np.array(some, np.uint32), count)
            key = None if self._task.as_fit else self._task.key_init
            drawn = np.asarray(_draws(key, seeds, self._length, self._dtype))
            self._draws |= dict(zip(some, drawn, strict=False))

    def stack(self, members: Sequence[Member], hidden: tuple[int, ...]) -> tuple[Layer, ...]:
        """Initial parameters of members of one fold, padded with zeros to these hidden widths.

        Members are on the first axis: W (members, n_prev, n), b (members, n, 1).
        """
        self.draw(members)
        task, dtype = self._task, self._task.X.dtype
        sizes = [task.sizes(task.configurations[m.configuration], m.fold) for m in members]
        wide = (task.X.shape[1], *hidden, sizes[0][-1])
        layers = tuple(
            Layer(np.zeros((len(members), a, b), dtype), np.zeros((len(members), b, 1), dtype))
            for a, b in pairwise(wide)
        )
        for place, (member, own) in enumerate(zip(members, sizes, strict=True)):
            draw, at = self._draws[member.seed], 0
            for (W, _), (n_prev, n) in zip(layers, pairwise(own), strict=True):
                corner = draw[at : at + n_prev * n].reshape(n_prev, n)
                np.multiply(corner, _scale(n_prev, self._dtype), out=W[place, :n_prev, :n])
                at += n_prev * n
        return layers


@cache
def _scale(n_prev: int, dtype: Any) -> np.ndarray:
    """He's, of the weights of a layer."""
    return np.sqrt(np.asarray(2 / n_prev, dtype))


@partial(jax.jit, static_argnums=(2, 3))
def _draws(key: Any, seeds: Any, length: int, dtype: Any) -> jax.Array:
    """(seeds, length) normal numbers, each row as `mlp_jax.init` draws it.

    key: what seeds are folded into; None where each is a key of its own.
    """

    def of_seed(seed: Any) -> jax.Array:
        own = jax.random.key(seed) if key is None else jax.random.fold_in(key, seed)
        return jax.random.normal(own, (length,), dtype)

    return jax.vmap(of_seed)(seeds)


def cut_out(params: Any, index: int, sizes: tuple[int, ...]) -> tuple[Layer, ...]:
    """One member's own parameters out of a padded stack, copied."""
    return tuple(
        Layer(layer.W[index, :n_prev, :n].copy(), layer.b[index, :n].copy())
        for layer, (n_prev, n) in zip(params, pairwise(sizes), strict=True)
    )
