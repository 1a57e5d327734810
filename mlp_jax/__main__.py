"""`python -m mlp_jax` and `mlp-jax`."""

import signal
import sys

INTERRUPTED = 128 + signal.SIGINT


def main() -> None:
    """Runs the command line, or says what it needs."""
    try:
        from mlp_jax.cli import commands

        commands(prog_name="mlp-jax")
    except ModuleNotFoundError as missing:  # also of what a command imports when it runs
        if missing.name is None or missing.name.partition(".")[0] == "mlp_jax":
            raise
        print(
            f"mlp-jax: the command line needs {missing.name}: type pip install 'mlp_jax[all]'",
            file=sys.stderr,
        )
        raise SystemExit(2) from None
    except KeyboardInterrupt:  # while the command line is imported, or a mistake is told
        print("mlp-jax: interrupted", file=sys.stderr)
        raise SystemExit(INTERRUPTED) from None
    finally:
        # Where Ctrl-C came while a text was executed, as named tuples are made, Python remembers
        # that alone, and ends by the signal whatever the exit code; another text has it forget.
        eval("None")


if __name__ == "__main__":
    main()
