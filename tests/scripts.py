"""Scripts of `experiments/`, run as a user runs them."""

import os
import runpy
import subprocess
import sys
import warnings
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from unittest.mock import patch

import jax

ROOT = Path(__file__).parents[1]
BENCHMARKS = ROOT / "experiments/benchmarks"


def run(script, *arguments):
    """What the script prints, run in this process as `python script ...` runs it in its own."""
    printed = StringIO()
    with (
        patch.object(sys, "argv", [str(script), *map(str, arguments)]),
        patch.object(sys, "path", [str(script.parent), *sys.path]),
        jax.enable_x64(False),
        jax.numpy_rank_promotion("allow"),
        warnings.catch_warnings(),
        redirect_stdout(printed),
    ):
        warnings.simplefilter("default")
        try:
            runpy.run_path(str(script), run_name="__main__")
        except SystemExit as end:
            if end.code:  # click says 0 where all went well
                raise
    return printed.getvalue()


def run_alone(script, *arguments):
    """The same in a process of its own, as a user compiles: where bytes and FLOPs are looked at."""
    done = subprocess.run(
        [sys.executable, script, *map(str, arguments)],
        env=os.environ | {"XLA_FLAGS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
