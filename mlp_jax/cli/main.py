"""The command line: its commands, and what they say of a mistake.

JAX is imported by the commands alone, so that --help answers at once.
"""

import os
import sys
from typing import Any

import click

import mlp_jax
from mlp_jax.cli.options import INTERRUPTED, hang_up
from mlp_jax.cli.predict import export, info, predict
from mlp_jax.cli.sweep import sweep
from mlp_jax.cli.train import check, train

LESS_MEMORY = (
    "use fewer rows or columns, or smaller networks; of a sweep, --memory says how much it may take"
)


class _Commands(click.Group):
    def main(self, *arguments: Any, **more: Any) -> Any:
        """Runs a command; a mistake in its options is told in one line."""
        try:
            sys.exit(super().main(*arguments, **(more | {"standalone_mode": False})) or 0)
        except click.UsageError as error:
            name = "mlp-jax" if error.ctx is None else error.ctx.command_path
            click.echo(f"mlp-jax: {error.format_message()} Try {name} --help", err=True)
            sys.exit(2)
        except click.Abort:
            click.echo("mlp-jax: interrupted", err=True)
            sys.exit(INTERRUPTED)
        except OSError as error:  # while --help was printed; click deals with a closed pipe
            _say_of_system(error)
            sys.exit(2)

    def invoke(self, ctx: click.Context) -> Any:
        """Runs a command; a mistake of the user, or of the machine, is one line and exit code 2."""
        try:
            return super().invoke(ctx)
        except ValueError as error:
            _say(error)
            ctx.exit(2)
        except (MemoryError, RuntimeError, AssertionError) as error:
            if isinstance(error, click.exceptions.Exit | click.Abort):
                raise
            if _is_of_memory(error):
                detail = f" ({_first_line(error)})" if str(error) else ""
                _say(f"out of memory{detail}: {LESS_MEMORY}")
                ctx.exit(2)
            said = _cure_of(error)
            if said is None:
                raise
            _say(said)
            ctx.exit(2)
        except BrokenPipeError:
            hang_up()
            ctx.exit(1)
        except OSError as error:  # a full disk, a file that may not be read
            _say_of_system(error)
            ctx.exit(2)


def _say(what: object) -> None:
    click.echo(f"mlp-jax: {_first_line(what)}", err=True)


def _say_of_system(error: OSError) -> None:
    where = f"{error.filename}: " if error.filename else ""
    _say(f"{where}{error.strerror or error}")


def _first_line(what: object) -> str:
    return (str(what).splitlines() or [""])[0]


def _is_of_memory(error: Exception) -> bool:
    """Whether there was not enough memory; JAX has no class of its own for that error."""
    said = str(error).lower()
    return isinstance(error, MemoryError) or "resource_exhausted" in said or "out of memory" in said


def _cure_of(error: Exception) -> str | None:
    """What to do where another process or JAX's device is missing; None of any other error."""
    from mlp_jax.processes.joined import LostPeerError

    if isinstance(error, LostPeerError):
        return str(error)
    if _has_a_device():
        return None
    platform = os.environ["JAX_PLATFORMS"]
    return (
        f"JAX cannot compute on {platform} here: type --platform cpu, or install JAX for {platform}"
    )


def _has_a_device() -> bool:
    """Whether JAX can compute. Where it cannot on the platform it was told, errors differ."""
    import jax

    try:
        return bool(jax.devices())
    except (RuntimeError, AssertionError):
        return "JAX_PLATFORMS" not in os.environ


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(mlp_jax.__version__, prog_name="mlp-jax")
@click.option(
    "--platform",
    type=click.Choice(["cpu", "cuda", "rocm", "tpu"]),
    help="What to compute on. By default the fastest that JAX finds.",
)
def commands(platform: str | None) -> None:
    """Train, check and search multi-layer perceptrons whose gradient was derived by hand."""
    if platform is not None:  # before JAX is imported; processes that this one starts get it too
        os.environ["JAX_PLATFORMS"] = platform
        if "jax" in sys.modules:
            sys.modules["jax"].config.update("jax_platforms", platform)


for command in (train, check, sweep, predict, info, export):
    commands.add_command(command)
