"""What ends a command and is no mistake of its user: one line and exit code 2, but for our own."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import jax
import pytest
from click.testing import CliRunner

from mlp_jax.__main__ import main
from mlp_jax.cli import main as cli
from mlp_jax.cli import sweep as command
from mlp_jax.processes.joined import LostPeerError

ROOT = Path(__file__).parents[2]
NO_MEMORY = {
    "Python": MemoryError(),
    "NumPy": MemoryError("Unable to allocate 8.00 TiB for an array"),
    "JAX": jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes.\n0"),
    "CUDA": RuntimeError("INTERNAL: CUDA_ERROR_OUT_OF_MEMORY: out of memory"),
}


def swept(monkeypatch, error, *words):
    """What a sweep that ends by this error exits with."""

    def fails(*_, **__):
        raise error

    monkeypatch.setattr(command.Search, "run", fails)
    return CliRunner().invoke(cli.commands, ["sweep", *words])


@pytest.mark.parametrize("whose", NO_MEMORY)
def test_too_little_memory_is_one_line(whose, monkeypatch):
    done = swept(monkeypatch, NO_MEMORY[whose])
    assert done.exit_code == 2
    assert done.output.startswith("mlp-jax: out of memory")
    assert "use fewer rows or columns" in done.output
    assert done.output.count("\n") == 1


def test_a_lost_peer_is_one_line(monkeypatch):
    done = swept(monkeypatch, LostPeerError("one of the processes has ended"))
    assert done.exit_code == 2
    assert done.output == "mlp-jax: one of the processes has ended\n"


def test_an_error_of_ours_is_not_hidden(monkeypatch):
    done = swept(monkeypatch, RuntimeError("mine"))
    assert done.exit_code == 1
    assert str(done.exception) == "mine"


def test_an_extra_that_a_command_needs_is_named():
    code = (
        "import sys; from mlp_jax.__main__ import main\n"
        "sys.modules['matplotlib'], sys.argv = None, ['mlp-jax', 'train']\n"
        "main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    expected = "the command line needs matplotlib: type pip install 'mlp_jax[all]'"
    assert done.stderr == f"mlp-jax: {expected}\n"


def test_a_mistake_is_told_before_anything_large_is_imported(tmp_path):
    (tmp_path / "t.csv").write_text("a,b,kind\n1,2,x\n")
    (tmp_path / "s.toml").write_text("width = {normal = [1, 2]}")
    table, space = str(tmp_path / "t.csv"), str(tmp_path / "s.toml")
    mistakes = {
        "has no column 'kinds'; did you mean 'kind'?": ["train", table, "--target", "kinds"],
        "has no column 'c'": ["sweep", table, "--target", "kind", "--drop", "c"],
        "which column of": ["check", table],
        "expected integers from 1": ["check", table, "--target", "kind", "--hidden", "x"],
        "width is {'normal': [1, 2]}": ["sweep", "--space", space],
        "--seconds and --checkpoint do not": [
            "sweep",
            "--seconds",
            "9",
            "--checkpoint",
            str(tmp_path),
        ],
        "--seconds and --processes do not": ["sweep", "--seconds", "9", "--processes", "2"],
    }
    code = (
        "import sys; from click.testing import CliRunner; from mlp_jax.cli.main import commands\n"
        f"for words in {list(mistakes.values())}:\n"
        "    print(CliRunner().invoke(commands, words).output, end='')\n"
        "print({'jax', 'matplotlib', 'pandas', 'scipy', 'sklearn'} & set(sys.modules) or 'none')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    told = done.stdout.splitlines()
    for said, line in zip(mistakes, told, strict=False):
        assert said in line
    assert told[len(mistakes) :] == ["none"]


def test_ctrl_c_before_the_first_command_is_one_line(monkeypatch, capsys):
    def interrupted(**_):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "commands", interrupted)
    with pytest.raises(SystemExit, match="130"):
        main()
    assert capsys.readouterr().err == "mlp-jax: interrupted\n"


@pytest.mark.usefixtures("_interruptible")
def test_ctrl_c_that_a_library_swallows_is_in_the_exit_code(monkeypatch):
    """As JAX does in places, by `except:` without a name."""

    def swallowed(**_):
        with contextlib.suppress(BaseException):
            signal.raise_signal(signal.SIGINT)
        sys.exit(0)

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(cli, "commands", swallowed)
    with pytest.raises(SystemExit, match="130"):
        main()
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_while_a_text_is_executed_has_its_exit_code(tmp_path):
    """As while a named tuple is made; `python -m` alone would end by the signal."""
    (tmp_path / "stopped.py").write_text(
        "import click, sys\n"
        "from mlp_jax.cli import main as cli\n"
        "from mlp_jax.__main__ import main\n"
        "@click.command()\n"
        "def stopped(): exec('raise KeyboardInterrupt')\n"
        "cli.commands.add_command(stopped)\n"
        "sys.argv = ['mlp-jax', 'stopped']\n"
        "main()\n"
    )
    start = [sys.executable, "-m", "stopped"]
    path = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    done = subprocess.run(start, env=path, capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == "mlp-jax: interrupted"
    assert done.returncode == 130


@pytest.mark.parametrize("words", [["--help"], ["--version"]])
def test_a_full_disk_under_the_help_is_one_line(words, monkeypatch, capsys):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("click.decorators.echo", full)
    with pytest.raises(SystemExit, match="2"):
        cli.commands(words, prog_name="mlp-jax")
    assert capsys.readouterr().err == "mlp-jax: No space left on device\n"


def test_a_module_of_ours_that_is_missing_is_not_an_extra(monkeypatch):
    def fails(**_):
        raise ModuleNotFoundError("No module named 'mlp_jax.lost'", name="mlp_jax.lost")

    monkeypatch.setattr(cli, "commands", fails)
    with pytest.raises(ModuleNotFoundError, match=r"mlp_jax\.lost"):
        main()
