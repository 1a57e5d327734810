"""How many members train side by side: what suits the cache, the memory, and how many there are."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from mlp_jax.sweeps.halving import stages
from mlp_jax.sweeps.planning.buckets import Bucket
from mlp_jax.sweeps.planning.costs import (
    Rates,
    bytes_of_device,
    bytes_of_member,
    bytes_of_step,
    ends,
    seconds_per_step,
    steps,
)
from mlp_jax.sweeps.task import Task

CACHE = 2 << 20  # bytes that a chunk should stay in
WIDEST = 64  # members of a chunk on a CPU; more do not make its products any faster
CHUNKS_OF_COHORT = 8  # of which early stopping can make fewer


class Size(NamedTuple):
    """What decides the size of chunks.

    chunk: the size that the user asked for, or None.
    workers: how many chunks of one bucket run at the same time.
    at_a_time: how many chunks of all buckets run at the same time.
    held: bytes that the sweep takes beside its chunks.
    memory: bytes that all of it may take, or None.
    room: bytes that each device has for its examples and the chunks that run there, or None.
    halving: as for `sweep`.
    seconds: that a thread may take for a chunk, or None.
    """

    chunk: int | None
    workers: int
    at_a_time: int
    held: int
    memory: int | None
    room: int | None
    halving: int | None
    seconds: float | None = None


class Needs(NamedTuple):
    """The memory of a bucket, in bytes.

    running: a member, while its chunk runs.
    shared: a chunk, however many members it has.
    waiting: the state of a member that waits for its turn.
    """

    running: int
    shared: int
    waiting: int


def needs_of(task: Task, bucket: Bucket) -> Needs:
    """The memory that a bucket's members and chunks take."""
    first = task.configurations[int(bucket.configurations[0])]
    kind, hidden, folds = bucket.kind, bucket.hidden, bucket.folds
    return Needs(*bytes_of_member(task, kind, hidden, folds, first))


def with_chunk(rates: Rates, task: Task, bucket: Bucket, needs: Needs, size: Size) -> Bucket:
    """The bucket with the size of its chunks, and the bytes that a chunk and its cohort take.

    Raises:
      ValueError: there is no memory for a chunk of one.
    """
    first = task.configurations[int(bucket.configurations[0])]
    kind, hidden, folds = bucket.kind, bucket.hidden, bucket.folds
    chunk = size.chunk
    if chunk is None:
        touched = bytes_of_step(task, kind, hidden, ends(task, first))
        most = rates.chunk or max(4, min(WIDEST, CACHE // touched))
        most = _within(task, bucket, needs, size, most)
        epochs = int(task.configurations.epochs[bucket.configurations].max())
        side_by_side = size.workers / len(folds)
        step = seconds_per_step(rates, task, kind, folds, first, hidden)
        if size.seconds is not None:
            of_member = step * steps(task, kind, folds[:1]) * epochs
            most = int(max(1, min(most, size.seconds / of_member)))
        if bucket.narrow:  # members of a chunk would be as wide as the widest of them
            most = 1
        again = rates.chunk is None and _is_padded(task, bucket)
        chunk = (found_again if again else quickest)(
            *(bucket.counts, most, (rates.seconds_of_step, step)),
            *(stages(epochs, size.halving), side_by_side),
        )
    return bucket._replace(chunk=chunk, bytes=int(_bytes(bucket, needs, size, chunk)))


def _is_padded(task: Task, bucket: Bucket) -> bool:
    """Whether a member is narrower than its program, of which the next sweep has as many or so."""
    widths = task.configurations.widths[bucket.configurations, : bucket.kind.depth]
    return bool((widths != np.array(bucket.hidden)).any())


def _bytes(bucket: Bucket, needs: Needs, size: Size, chunk: Any) -> Any:
    """The bytes that a running chunk of so many members takes, with those of its cohort that wait.

    With halving all members wait, and the plan counts them.
    """
    chunks: Any = 1
    if size.halving is not None:
        chunks = 0
    elif "patience" in bucket.on:
        chunks = np.minimum(CHUNKS_OF_COHORT, -(-bucket.per_fold // chunk))
    return needs.shared + chunk * (needs.running + chunks * needs.waiting)


def check_chunk(buckets: Sequence[Bucket], needs: Sequence[Needs], size: Size) -> None:
    """Raises ValueError if there is no memory for chunks of the size that they are to be."""
    if size.chunk is None or size.memory is None or not buckets:
        return
    pairs = list(zip(buckets, needs, strict=True))
    most = max(int(_bytes(bucket, need, size, size.chunk)) for bucket, need in pairs)
    takes = size.held + size.at_a_time * most
    if takes > size.memory:
        fits = min(_fitting(bucket, need, size, size.chunk) for bucket, need in pairs)
        raise ValueError(
            f"memory={size.memory} does not suffice for chunk={size.chunk}, which takes {takes} "
            f"bytes with data and results; type chunk={fits} or less, or {_as_typed(takes)}"
        )


def _as_typed(least: int) -> str:
    """The memory to ask for, in bytes as in Python and in MiB as on the command line."""
    return f"memory={least} or more (on the command line --memory {-(-least // 2**20)})"


def _fitting(bucket: Bucket, needs: Needs, size: Size, most: int) -> int:
    """The largest chunk, at most `most`, for which there is memory, as for all smaller ones."""
    assert size.memory is not None
    budget = (size.memory - size.held) // size.at_a_time
    chunks = np.arange(1, min(most, max(1, budget // needs.running)) + 1)
    fits = _bytes(bucket, needs, size, chunks) <= budget
    if not fits[0]:
        least = size.held + size.at_a_time * int(_bytes(bucket, needs, size, 1))
        raise ValueError(
            f"memory={size.memory} does not suffice: with data and results, {size.at_a_time} "
            f"networks at a time of hidden widths {bucket.hidden} take {least} bytes; type "
            f"{_as_typed(least)}, or a smaller space"
        )
    return len(fits) if fits.all() else int(np.argmin(fits))


def _within(task: Task, bucket: Bucket, needs: Needs, size: Size, most: int) -> int:
    """The largest chunk, at most `most`, for which there is memory, here and on the devices."""
    if size.memory is not None:
        most = _fitting(bucket, needs, size, most)
    if size.room is not None:
        beside = bytes_of_device(task) + needs.shared
        if size.room < beside + needs.running:
            raise ValueError(
                f"a device has {size.room} bytes free, and examples with one network of hidden "
                f"widths {bucket.hidden} take {beside + needs.running}; type a smaller "
                "batch_size, fewer rows, or devices=jax.devices('cpu')"
            )
        most = min(most, (size.room - beside) // needs.running)
    return int(most)


def found_again(
    counts: np.ndarray,
    most: int,
    seconds: tuple[float, float],
    stages: list[tuple[float, float]],
    side_by_side: float,
) -> int:
    """A size of chunks that a sweep of other members has too: a power of 2, at most `most`.

    The last chunk of each group has half its places idle, on average: so it is reckoned, for as
    many members a group as the power of 4 that is next to their mean. Arguments as of `quickest`.

    Example:
      >>> [found_again(np.array(c), 38, (5e-5, 2e-5), [(1, 1)], 1) for c in ([10, 13], [20, 17])]
      [8, 8]
    """
    members = 4.0 ** round(math.log(max(1.0, counts.mean()), 4))
    sizes = 2 ** np.arange(most.bit_length())
    sizes = sizes[(sizes == 1) | (sizes * side_by_side <= counts.sum())][::-1]
    places = sum(
        share * (np.maximum(1, going * members) + (sizes - 1) / 2) for going, share in stages
    )
    return int(sizes[np.argmin(places / sizes * (seconds[0] + sizes * seconds[1]))])


def quickest(
    counts: np.ndarray,
    most: int,
    seconds: tuple[float, float],
    stages: list[tuple[float, float]],
    side_by_side: float,
) -> int:
    """The size of chunks of the shortest time: 65 members are 33 and 32, not 64 and 1.

    Args:
      counts: how many members may share a chunk, one entry a group of such members.
      most: the largest chunk that is allowed.
      seconds: (of a chunk's step whatever its size, that every member adds to a step).
      stages: of halving.
      side_by_side: chunks of a fold that run at the same time.
    """
    chunks = np.arange(most, 0, -1)
    turns = turns_of(counts, chunks, stages, side_by_side)
    return int(chunks[np.argmin(turns * (seconds[0] + chunks * seconds[1]))])


def turns_of(
    counts: np.ndarray, chunk: Any, stages: list[tuple[float, float]], side_by_side: float = 1.0
) -> Any:
    """How many turns chunks take in an epoch of a fold, on average; counts: see `quickest`."""
    of_stage = [
        share * np.ceil(np.ceil(going * counts[:, None] / chunk).sum(axis=0) / side_by_side)
        for going, share in stages
    ]
    return sum(of_stage)
