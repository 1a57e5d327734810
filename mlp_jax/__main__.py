"""`python -m mlp_jax` and `mlp-jax`."""

import sys


def main() -> None:
    """Runs the command line, or says what it needs."""
    try:
        from mlp_jax.cli import commands
    except ModuleNotFoundError as missing:
        print(
            f"mlp-jax: the command line needs {missing.name}: type pip install 'mlp_jax[all]'",
            file=sys.stderr,
        )
        raise SystemExit(2) from None
    commands(prog_name="mlp-jax")


if __name__ == "__main__":
    main()
