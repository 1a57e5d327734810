"""The options of `mlp-jax sweep` that divide it among processes, and what they do. No JAX."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import wraps
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlp_jax.cli.importing_jax import import_jax
from mlp_jax.cli.options import INTERRUPTED

if TYPE_CHECKING:
    from mlp_jax.sweeps.results.result import SweepResult

ANSWERS_WITHIN = 10.0  # seconds, a scheduler
OPTIONS = (
    click.option(
        "--processes",
        type=click.IntRange(1, 1024),
        help="Divide the sweep among so many processes on this machine, each on cores of its own. "
        "One that dies costs nothing but the part that it was at.",
    ),
    click.option(
        "--scheduler",
        metavar="ADDRESS",
        help="Divide the sweep among the workers of a Dask scheduler, such as tcp://10.0.0.1:8786; "
        "needs pip install 'mlp_jax[cluster]', there too.",
    ),
    click.option(
        "--shard",
        metavar="I/N",
        help="Train part I of N alone, into the folder of --checkpoint that all parts share; the "
        "same command without --shard then has it all. With halving use --processes or --scheduler "
        "instead, or type --halving 1: shards do not wait for one another.",
    ),
    click.option(
        "--distributed",
        is_flag=True,
        help="This is one of several processes that Slurm, Open MPI or Kubernetes has started, or "
        "runs on Cloud TPU: join the others. The first one prints and writes.",
    ),
)


@dataclass(frozen=True)
class Division:
    """How this process takes part in a sweep; a field for every option of the same name.

    processes: how many this process starts and divides the sweep among; None for none.
    scheduler: of Dask, among whose workers the sweep is divided; None for none.
    shard: the part of the sweep to train, "I/N"; None for all of it.
    distributed: this is one of several processes that JAX joins.
    """

    processes: int | None
    scheduler: str | None
    shard: str | None
    distributed: bool

    def __post_init__(self) -> None:
        given = [f"--{one.name}" for one in fields(self) if getattr(self, one.name)]
        if len(given) > 1:
            raise ValueError(f"{given[0]} and {given[1]} are two ways to divide a sweep: type one")
        _ = self.part  # raises for a mistake before anything is read

    @property
    def part(self) -> tuple[int, int] | None:
        """`shard` as `mlp_jax.sweep` takes it."""
        return None if self.shard is None else _as_part(self.shard)

    def check(self, *, written: Path | None, checkpoint: Path | None) -> None:
        """Raises ValueError for what is missing, or does not go together with these options."""
        if self.scheduler and find_spec("distributed") is None:
            raise ValueError("--scheduler needs Dask: type pip install 'mlp_jax[cluster]'")
        if self.shard is None:
            return
        if checkpoint is None:
            raise ValueError("--shard needs the folder that all shards share: type --checkpoint")
        if written is not None:
            raise ValueError(
                f"{written} needs all shards: leave it out, and type the same command without "
                "--shard once they are done"
            )

    def check_undivided(self, checkpoint: Path | None) -> None:
        """Raises ValueError for options that a sweep with a limit of time does without."""
        given = {"--checkpoint": checkpoint, "--processes": self.processes, "--shard": self.shard}
        given["--scheduler"] = self.scheduler
        given["--distributed"] = self.distributed or None
        for name, value in given.items():
            if value is not None:
                raise ValueError(
                    f"--seconds and {name} do not go together, for how many configurations fit "
                    f"depends on the machine: type --n instead, or leave {name} out"
                )

    def check_halving(self, halving: int | None) -> None:
        """Raises ValueError for shards, which do not wait for one another, with halving."""
        if self.shard is not None and halving is not None:
            raise ValueError(
                "halving compares the configurations of all shards, which do not wait for one "
                "another: type --halving 1 in all calls, or --processes or --scheduler instead"
            )

    def join(self) -> None:
        """Meets the other processes of the cluster."""
        if self.distributed:
            import_jax()
            from mlp_jax.processes.joined import distributed

            distributed()

    @contextmanager
    def executor(self) -> Iterator[Any]:
        """Whoever trains, as `mlp_jax.sweep` takes it."""
        if self.scheduler is None:
            yield self.processes
            return
        from distributed import Client
        from distributed.comm import get_address_host_port

        try:  # no client is begun in vain: to collect one may block those that follow
            socket.create_connection(get_address_host_port(self.scheduler), ANSWERS_WITHIN).close()
        except (OSError, ValueError) as error:
            raise ValueError(
                f"--scheduler is {self.scheduler}, where no scheduler of Dask answers ({error}); "
                "expected the address that dask scheduler prints, such as tcp://10.0.0.1:8786"
            ) from error
        with Client(self.scheduler) as client:
            yield client.get_executor()

    def speaks(self) -> bool:
        """Whether this process prints, and writes what was asked for."""
        if self.distributed:
            import jax

            return jax.process_index() == 0
        return self.shard is None

    def end(self, result: "SweepResult") -> None:
        """Ends a process that does not speak."""
        if self.shard is not None:
            numbers = {number for bucket in result.plan.buckets for number in bucket.configurations}
            click.echo(
                f"shard {self.shard}: {len(numbers)} configurations, {result.plan.members} members "
                f"in {result.seconds:.1f} s",
                err=True,
            )
        raise SystemExit(INTERRUPTED if result.interrupted else 0)


def _as_part(words: str) -> tuple[int, int]:
    number, _, count = words.partition("/")
    if not number.isdigit() or not count.isdigit() or not 1 <= int(number) <= int(count):
        raise ValueError(f"--shard is {words!r}; expected I/N, such as 1/4 for the first of four")
    return int(number) - 1, int(count)


def shard_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options, handed to the command as its `division`."""

    @wraps(command)
    def divided(**options: Any) -> None:
        division = Division(**{field.name: options.pop(field.name) for field in fields(Division)})
        command(division=division, **options)

    for option in reversed(OPTIONS):
        divided = option(divided)
    return divided
