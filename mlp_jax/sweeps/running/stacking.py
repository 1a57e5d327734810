"""Members side by side: their initial weights, padded to one shape, and their example weights."""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import jax
import numpy as np

from mlp_jax.labels import class_weights
from mlp_jax.parameters import SCHEMES, Layer, Scheme
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
    """What `mlp_jax.init` draws for a seed, for networks of any shape.

    One draw a seed, and one more where some schemes draw normal numbers and others uniform ones.
    The first numbers of a long draw are those of a short one, so no shape compiles a draw of its
    own.
    """

    def __init__(self, task: Task) -> None:
        longest: dict[bool, int] = {}
        for scheme, sizes in {(_scheme(c), task.sizes(c)) for c in task.configurations}:
            numbers = scheme.numbers(sizes)
            longest[scheme.uniform] = max(numbers, longest.get(scheme.uniform, 1))
        self._task = task
        self._lengths = {uniform: _length(most) for uniform, most in longest.items()}
        self._draws: dict[tuple[bool, int], np.ndarray] = {}
        # `fit` draws in float32 whatever the dtype.
        self._dtype = np.dtype(np.float32) if task.as_fit else task.X.dtype

    def draw(self, members: Sequence[Member]) -> None:
        """Draws what these members need and is not there yet, all seeds in one program."""
        schemes = {self._scheme_of(member).uniform: self._scheme_of(member) for member in members}
        for uniform, scheme in schemes.items():
            needed = {m.seed for m in members if self._scheme_of(m).uniform == uniform}
            missing = sorted(seed for seed in needed if (uniform, seed) not in self._draws)
            length = self._lengths[uniform]
            most = max(1, DRAWN_AT_ONCE // (length * self._dtype.itemsize))
            for first in range(0, len(missing), most):
                some = missing[first : first + most]
                count = 1 << (len(some) - 1).bit_length()  # so that few numbers of seeds compile
                seeds = np.resize(np.array(some, np.uint32), count)
                key = None if self._task.as_fit else self._task.key_init
                drawn = np.asarray(_draws(key, seeds, scheme, length, self._dtype))
                names = ((uniform, seed) for seed in some)
                self._draws |= dict(zip(names, drawn, strict=False))

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
            scheme = self._scheme_of(member)
            drawn = scheme.layers(self._draws[scheme.uniform, member.seed], own)
            for (W, b), (corner, biases) in zip(layers, drawn, strict=True):
                n_prev, n = corner.shape
                W[place, :n_prev, :n] = corner
                if biases is not None:
                    b[place, :n] = biases
        return layers

    def _scheme_of(self, member: Member) -> Scheme:
        return _scheme(self._task.configurations[member.configuration])


def _scheme(configuration: Configuration) -> Scheme:
    return SCHEMES[configuration.init]


def _length(longest: int) -> int:
    """Of few lengths, for each compiles; and an eighth too long at most, for a draw takes time."""
    apart = max(1, (1 << (longest - 1).bit_length()) // 16)
    return -(-longest // apart) * apart


@partial(jax.jit, static_argnums=(2, 3, 4))
def _draws(key: Any, seeds: Any, scheme: Scheme, length: int, dtype: Any) -> jax.Array:
    """(seeds, length) numbers, each row as `mlp_jax.init` draws it.

    key: what seeds are folded into; None where each is a key of its own.
    """

    def of_seed(seed: Any) -> jax.Array:
        own = jax.random.key(seed) if key is None else jax.random.fold_in(key, seed)
        return scheme.draw(own, length, dtype)

    return jax.vmap(of_seed)(seeds)


def cut_out(params: Any, index: int, sizes: tuple[int, ...]) -> tuple[Layer, ...]:
    """One member's own parameters out of a padded stack, copied."""
    return tuple(
        Layer(layer.W[index, :n_prev, :n].copy(), layer.b[index, :n].copy())
        for layer, (n_prev, n) in zip(params, pairwise(sizes), strict=True)
    )
