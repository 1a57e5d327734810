"""`python -m mlp_jax` and `mlp-jax`."""

import signal
import sys
from typing import Any

INTERRUPTED = 128 + signal.SIGINT


def main() -> None:
    """Runs the command line, or says what it needs."""
    pressed = False

    def noted(*_: Any) -> None:
        nonlocal pressed
        pressed = True
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:  # and not ignored, as behind nohup
        signal.signal(signal.SIGINT, noted)
    try:
        from mlp_jax.cli.main import commands

        commands(prog_name="mlp-jax")
    except ModuleNotFoundError as missing:  # also of what a command imports when it runs
        if missing.name is None or missing.name.partition(".")[0] == "mlp_jax":
            raise
        print(
            f"mlp-jax: the command line needs {missing.name}: type pip install 'mlp_jax[all]'",
            file=sys.stderr,
        )
        raise SystemExit(2) from None
    except SystemExit as end:
        if pressed and not end.code:  # a library took it for another error, and went on
            raise SystemExit(INTERRUPTED) from None
        raise
    except KeyboardInterrupt:  # while the command line is imported, or a mistake is told
        print("mlp-jax: interrupted", file=sys.stderr)
        raise SystemExit(INTERRUPTED) from None
    finally:
        signal.signal(signal.SIGINT, before)
        # Where Ctrl-C came while a text was executed, as named tuples are made, Python remembers
        # that alone, and ends by the signal whatever the exit code; another text has it forget.
        eval("None")


if __name__ == "__main__":
    main()
