"""Members of a sweep: what is static about one, its numbers, and its padded parameters.

A member is one configuration with one seed, trained on one fold.
"""

from collections.abc import Sequence
from functools import cache, partial
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import numpy as np

from mlp_jax.labels import class_weights
from mlp_jax.losses import Loss
from mlp_jax.network import Network
from mlp_jax.parameters import Layer
from mlp_jax.sweeps.space import Configuration, optimizer_of
from mlp_jax.sweeps.task import Task
from mlp_jax.training.checks import as_batch_size
from mlp_jax.training.epoch import Numbers

DRAWN_AT_ONCE = 256 << 20  # bytes of initial weights


class Kind(NamedTuple):
    """What cannot differ within a program.

    networks: of which the program trains every chunk or member as one, chosen when it runs; they
    differ in their activation alone. optimizer: the structure of its numbers. batch_size: None for
    full batches. dropout: any at all; the others are spared the drawing of masks. weighted: classes
    have weights. depth: hidden layers.
    """

    networks: tuple[Network, ...]
    optimizer: Any
    batch_size: int | None
    dropout: bool
    weighted: bool
    depth: int

    @property
    def loss(self) -> Loss:
        """Of all its networks."""
        return self.networks[0].loss

    def but_for_activation(self) -> Any:
        """The same for kinds that may share a program."""
        return (self.loss, self.networks[0].precision, *self[1:])


class Row(NamedTuple):
    """A member, but for its fold: the number of its configuration, and its seed."""

    configuration: int
    seed: int


def kind_of(task: Task, configuration: Configuration, m: int) -> Kind:
    """The kind of a configuration trained on m examples."""
    optimizer = optimizer_of(configuration)
    return Kind(
        networks=(task.network(configuration),),
        optimizer=jax.tree.structure(optimizer),
        batch_size=as_batch_size(configuration["batch_size"], m, optimizer),
        dropout=configuration.get("dropout", 0.0) > 0,
        weighted=configuration.get("class_weight") is not None,
        depth=len(configuration["hidden"]),
    )


def switches(configurations: Sequence[Configuration]) -> frozenset[str]:
    """Which of the numbers that may be switched off one of the configurations has.

    To the others they are 0, a mean over 1 output, or infinite patience, which is the same to the
    last bit but not free.
    """
    names = ("l2", "label_smoothing", "patience", "ties", "mean_over")
    return frozenset(name for name in names for c in configurations if c.get(name))


def numbers_of(configurations: Sequence[Configuration], on: frozenset[str], dtype: Any) -> Numbers:
    """The traced numbers of members side by side, as NumPy arrays. on: see `switches`."""

    def column(name: str, missing: float) -> np.ndarray:
        values = [c.get(name) for c in configurations]
        return np.array([missing if v is None else v for v in values], dtype)

    optimizers = [optimizer_of(c) for c in configurations]
    return Numbers(
        optimizer=jax.tree.map(lambda *numbers: np.array(numbers, dtype), *optimizers),
        l2=column("l2", 0.0) if "l2" in on else None,
        dropout=column("dropout", 0.0) if configurations[0].get("dropout", 0.0) > 0 else None,
        label_smoothing=column("label_smoothing", 0.0) if "label_smoothing" in on else None,
        patience=column("patience", np.inf) if "patience" in on else None,
        tolerance=column("tolerance", 0.0),
        widths=np.array([c["hidden"] for c in configurations], np.int32),
        ties=column("ties", 0.0) if "ties" in on else None,
        mean_over=column("mean_over", 1.0) if "mean_over" in on else None,
    )


def weights_of(task: Task, configurations: Sequence[Configuration], some: Any) -> np.ndarray:
    """Example weights by class, (members, 1, m), 0 but for some rows.

    Of weights that balance the classes, the shares are those among these rows.
    """
    made: dict[Any, np.ndarray] = {}
    rows: list[np.ndarray] = []
    for configuration in configurations:
        given = configuration["class_weight"]
        loss = task.network(configuration).loss
        name = (repr(given), loss)
        if name not in made:
            Y = task.labels[loss]
            made[name] = np.zeros((1, Y.shape[1]), Y.dtype)
            made[name][:, some] = np.asarray(class_weights(Y[:, some], given))
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

    def key(self, seed: int) -> jax.Array:
        """The key that `mlp_jax.init` needs for the same weights."""
        return self._task.key_of_weights(seed)

    def draw(self, rows: Sequence[Row]) -> None:
        """Draws what these rows need and is not there yet, all seeds in one program."""
        missing = sorted({row.seed for row in rows if row.seed not in self._draws})
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

    def stacked(self, rows: Sequence[Row], hidden: tuple[int, ...], fold: int) -> tuple[Layer, ...]:
        """Initial parameters of members on a fold, padded with zeros to these hidden widths.

        Members are on the first axis: W (members, n_prev, n), b (members, n, 1).
        """
        self.draw(rows)
        task, dtype = self._task, self._task.X.dtype
        sizes = [task.sizes(task.configurations[row.configuration], fold) for row in rows]
        wide = (len(task.X), *hidden, sizes[0][-1])
        layers = tuple(
            Layer(np.zeros((len(rows), a, b), dtype), np.zeros((len(rows), b, 1), dtype))
            for a, b in pairwise(wide)
        )
        for place, (row, own) in enumerate(zip(rows, sizes, strict=True)):
            draw, at = self._draws[row.seed], 0
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
