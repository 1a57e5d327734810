"""The search of `mlp-jax sweep`: all of a plan, or as much as fits into a time."""

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlp_jax.cli.options import TableOptions, as_bytes

if TYPE_CHECKING:
    from mlp_jax.cli.division import Division
    from mlp_jax.sweeps.results.result import SweepResult
    from mlp_jax.tables.table import EncodedTable, Table


@dataclass(frozen=True)
class Limit:
    """How long the command may take.

    seconds: in all; None for no limit.
    began: when the command began, by `time.monotonic`.
    report: a report is written, which takes time too.
    """

    seconds: float | None
    began: float
    report: bool


@dataclass(frozen=True)
class Search:
    """What is searched, and how it is told.

    table: of the rows.
    parts: the rows, encoded.
    space: as of `mlp_jax.sweep`; None for the default one.
    asked: the options of the table.
    quiet: neither plan nor progress is shown.
    """

    table: "Table"
    parts: "EncodedTable"
    space: Any
    asked: TableOptions
    quiet: bool

    def run(
        self,
        division: "Division",
        limit: Limit,
        *,
        n: int | None,
        halving: int | None,
        checkpoint: Path | None,
        **choices: Any,
    ) -> "SweepResult":
        """Runs the sweep; further arguments as of `task_of_table`."""
        from mlp_jax.sweeps.space_files import losses_of
        from mlp_jax.tables.model_of_table import check_loss

        for loss in losses_of(self.space):
            check_loss(self.table, loss)
        choices |= {"space": self.space, "n": n, "seed": self.asked.seed}
        choices["halving"] = {None: "auto", 1: None}.get(halving, halving)
        if limit.seconds is None:
            return self._all(division, checkpoint, **choices)
        return self._in_time(limit.seconds, limit, **choices)

    def _all(self, division: "Division", checkpoint: Path | None, **choices: Any) -> "SweepResult":
        """Plans the sweep, prints the plan, and runs it."""
        from mlp_jax.sweeps.run import plan_of, run
        from mlp_jax.sweeps.tables.search import task_of_table

        task, halve = task_of_table(self.table, self.parts, **choices)
        division.check_halving(halve)
        budget = as_bytes(self.asked.memory)
        with division.executor() as executor:
            how: dict[str, Any] = {"shard": division.part, "executor": executor}
            plan = plan_of(task, memory=budget, halving=halve, **how)
            if not self.quiet:
                click.echo(str(plan))
            how = {"executor": executor, "progress": self._shows_bar()}
            return run(task, plan, checkpoint=checkpoint, **how)

    def _in_time(self, seconds: float, limit: Limit, **choices: Any) -> "SweepResult":
        """Runs the sweep until the time is over but for its answer; prints how much fitted."""
        from mlp_jax.sweeps.running.limit import TimeLimit
        from mlp_jax.sweeps.tables.search import search_in_time

        whole = TimeLimit(seconds).less(time.monotonic() - limit.began)
        how = {"memory": as_bytes(self.asked.memory), "progress": self._shows_bar()}
        found = search_in_time(
            *(self.table, self.parts, whole), refit=True, report=limit.report, how=how, **choices
        )
        if not self.quiet:
            click.echo(f"{len(found.ranking):,} configurations tried in {found.seconds:.1f} s")
        return found

    def _shows_bar(self) -> bool:
        return not self.quiet and sys.stderr.isatty()
