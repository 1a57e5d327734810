"""Members side by side: their initial weights, padded to one shape, and their example weights."""

import threading
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import jax
import numpy as np

from mlp_jax.labels import class_weights
from mlp_jax.parameters import SCHEMES, Layer, Scheme
from mlp_jax.sweeps.columns import distinct
from mlp_jax.sweeps.configuration import Configuration
from mlp_jax.sweeps.task import Task

_OF_SHAPE = ("hidden", "init")  # choices that decide how a network begins
KEPT_STACKS, KEPT_STACK = 16, 2 << 20  # stacks that are kept, and bytes of one at most
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
        self._shapes, self._shape_of = _shapes_of(task)
        longest: dict[bool, int] = {}
        for name, hidden, outputs in self._shapes:
            scheme, sizes = SCHEMES[name], (task.X.shape[1], *hidden, outputs)
            longest[scheme.uniform] = max(scheme.numbers(sizes), longest.get(scheme.uniform, 1))
        self._task = task
        self._lengths = {uniform: _length(most) for uniform, most in longest.items()}
        self._draws: dict[tuple[bool, int], np.ndarray] = {}
        # `fit` draws in float32 whatever the dtype.
        self._dtype = np.dtype(np.float32) if task.as_fit else task.X.dtype
        self._stacks: dict[Any, tuple[Layer, ...]] = {}  # the last few
        self._keeping = threading.Lock()

    def _draw(self, scheme: Scheme, seeds: list[int]) -> np.ndarray:
        """What these seeds draw, (seeds, numbers); what is not there yet in one program."""
        missing = sorted({seed for seed in seeds if (scheme.uniform, seed) not in self._draws})
        length = self._lengths[scheme.uniform]
        most = max(1, DRAWN_AT_ONCE // (length * self._dtype.itemsize))
        for first in range(0, len(missing), most):
            some = missing[first : first + most]
            count = 1 << (len(some) - 1).bit_length()  # so that few numbers of seeds compile
            key = None if self._task.as_fit else self._task.key_init
            padded = np.resize(np.array(some, np.uint32), count)
            drawn = np.asarray(_draws(key, padded, scheme, length, self._dtype))
            names = ((scheme.uniform, seed) for seed in some)
            self._draws |= dict(zip(names, drawn, strict=False))
        found = [self._draws[scheme.uniform, seed] for seed in seeds]
        return found[0][None] if len(found) == 1 else np.stack(found)

    def stack(self, members: np.ndarray, hidden: tuple[int, ...]) -> tuple[Layer, ...]:
        """Initial parameters of members of one fold, padded with zeros to these hidden widths.

        Networks of one shape and scheme are cut out of their draws together.

        Args:
          members: configuration, seed and fold of each, (members, 3).
          hidden: widths of the layers.

        Returns:
          layers with the members on the first axis: W (members, n_prev, n), b (members, n, 1); not
          to be written to, for members that begin alike on another fold are given the same.
        """
        numbers, seeds, folds = np.asarray(members, np.int64).reshape(-1, 3).T
        shapes, fold = self._shape_of[numbers], int(folds[0])
        name = shapes.tobytes(), seeds.tobytes(), self._task.columns(fold), hidden
        found = self._stacks.get(name)
        if found is None:
            found = self._stacked(shapes, seeds, fold, hidden)
            if sum(leaf.nbytes for layer in found for leaf in layer) <= KEPT_STACK:
                with self._keeping:
                    while len(self._stacks) >= KEPT_STACKS:
                        del self._stacks[next(iter(self._stacks))]
                    self._stacks[name] = found
        return found

    def _stacked(
        self, shapes: np.ndarray, seeds: np.ndarray, fold: int, hidden: tuple[int, ...]
    ) -> tuple[Layer, ...]:
        """The layers of members of these shapes, see `_shapes_of`, and seeds."""
        task, dtype = self._task, self._task.X.dtype
        outputs = self._shapes[shapes[0]][-1]
        wide = (task.X.shape[1], *hidden, outputs)
        layers = tuple(
            Layer(np.zeros((len(seeds), a, b), dtype), np.zeros((len(seeds), b, 1), dtype))
            for a, b in pairwise(wide)
        )
        alike = bool((shapes == shapes[0]).all())
        for shape in shapes[:1] if alike else np.unique(shapes):
            name, own, _ = self._shapes[shape]
            sizes = (task.columns(fold), *own, outputs)
            places = slice(None) if alike else np.flatnonzero(shapes == shape)
            self._fill(layers, places, SCHEMES[name], sizes, seeds[places])
        return layers

    def _fill(
        self,
        layers: tuple[Layer, ...],
        places: Any,
        scheme: Scheme,
        sizes: tuple[int, ...],
        seeds: np.ndarray,
    ) -> None:
        """Writes the initial parameters of networks of one shape into their places."""
        one = bool((seeds == seeds[0]).all())  # which most are: of that one all are cut out
        drawn = self._draw(scheme, seeds[:1].tolist() if one else seeds.tolist())
        for (W, b), (corner, biases) in zip(layers, scheme.layers(drawn, sizes), strict=True):
            n_prev, n = corner.shape[1:]
            W[places, :n_prev, :n] = corner
            if biases is not None:
                b[places, :n] = biases


def _shapes_of(task: Task) -> tuple[list[tuple[Any, ...]], np.ndarray]:
    """(each scheme, hidden widths and outputs once, the number of every configuration's)."""
    configurations = task.configurations
    codes = [one.codes for name, one in configurations.columns.items() if name in _OF_SHAPE]
    first, numbers = distinct(len(configurations), configurations.network_codes, *codes)
    ones = [configurations[row] for row in first.tolist()]
    return [(one.init, one.hidden, task.sizes(one)[-1]) for one in ones], numbers


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
