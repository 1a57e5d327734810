"""The options of `mlp-jax sweep` that divide it among processes, and what they do. No JAX."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlp_jax.cli.importing_jax import import_jax
from mlp_jax.cli.options import INTERRUPTED
from mlp_jax.cli.supervisor import cancelled_with_stdin, run_shards, words_again

if TYPE_CHECKING:
    from mlp_jax.sweeps.results.result import SweepResult

OPTIONS = (
    click.option(
        "--processes",
        type=click.IntRange(1, 1024),
        help="Divide the sweep among so many processes on this machine, each on cores of its own. "
        "One that dies costs nothing but its work since its last save.",
    ),
    click.option(
        "--restarts",
        type=click.IntRange(0),
        default=3,
        show_default=True,
        help="How often each of them is started again; what is left undone is done at the end.",
    ),
    click.option(
        "--shard",
        metavar="I/N",
        help="Train part I of N alone, into the folder of --checkpoint that all parts share; the "
        "same command without --shard then has it all.",
    ),
    click.option(
        "--distributed",
        is_flag=True,
        help="This is one of several processes that Slurm, Open MPI or Kubernetes has started, or "
        "runs on Cloud TPU: join the others. The first one prints and writes.",
    ),
    click.option("--supervised", is_flag=True, hidden=True),
)
NOT_OF_SHARDS = {"processes", "restarts", "report", "output", "single", "as_json", "checkpoint"}
SUPERVISED = "mlp_jax.supervised"  # key in click's context, of a process that is started again


@dataclass(frozen=True)
class Division:
    """How this process takes part in a sweep; a field for every option of the same name.

    processes: how many this process starts and divides the sweep among; None for none.
    restarts: how often each of them is started again.
    shard: the part of the sweep to train, "I/N"; None for all of it.
    distributed: this is one of several processes that JAX joins.
    supervised: this process was started by another that watches it.
    """

    processes: int | None
    restarts: int
    shard: str | None
    distributed: bool
    supervised: bool

    def __post_init__(self) -> None:
        ways = ("processes", "shard", "distributed")
        given = [f"--{name}" for name in ways if getattr(self, name)]
        if len(given) > 1:
            raise ValueError(f"{given[0]} and {given[1]} are two ways to divide a sweep: type one")
        _ = self.part  # raises for a mistake before anything is read

    @property
    def part(self) -> tuple[int, int] | None:
        """`shard` as `mlp_jax.sweep` takes it."""
        return None if self.shard is None else _as_part(self.shard)

    def check(self, *, data: Path | None, written: Path | None, checkpoint: Path | None) -> None:
        """Raises ValueError for other options that do not go together with these."""
        if self.processes and str(data) == "-":
            raise ValueError(
                "standard input can be read by one process alone: name a file with --processes"
            )
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
        given["--distributed"] = self.distributed or None
        for name, value in given.items():
            if value is not None:
                raise ValueError(
                    f"--seconds and {name} do not go together, for how many configurations fit "
                    f"depends on the machine: type --n instead, or leave {name} out"
                )

    def join(self) -> None:
        """Meets the other processes of the cluster."""
        if self.distributed:
            import_jax()
            from mlp_jax.processes.joined import distributed

            distributed()

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

    def share(self, memory: int | None) -> int | None:
        """Of the bytes for networks those that this process may take; None for what suits it.

        Of the bytes for a table every process may take all.
        """
        if memory is None or not self.supervised or not self.part:
            return memory
        return memory // self.part[1]

    @contextmanager
    def run(self, checkpoint: Path | None, halving: int | None) -> Iterator[dict[str, Any]]:
        """Runs the shards of --processes; the further arguments of `mlp_jax.sweeps.run.run`."""
        import threading

        cancel = cancelled_with_stdin() if self.supervised else None
        if not self.processes:
            yield {"checkpoint": checkpoint, "cancel": cancel}
            return
        with tempfile.TemporaryDirectory() as own:
            folder = str(checkpoint or own)
            words = [
                *words_again(click.get_current_context(), NOT_OF_SHARDS),
                *("--checkpoint", folder),
            ]
            together = halving is not None
            if run_shards(words, self.processes, self.restarts, together=together):
                cancel = threading.Event()
                cancel.set()
            yield {"checkpoint": folder, "cancel": cancel}


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
        click.get_current_context().meta[SUPERVISED] = division.supervised
        command(division=division, **options)

    for option in reversed(OPTIONS):
        divided = option(divided)
    return divided
