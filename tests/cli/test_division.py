"""`mlp-jax sweep` in several processes, and options that do not go together."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from click.testing import CliRunner

from mlp_jax.cli.main import commands
from mlp_jax.processes import engines

SPACE_FILE = "width = [4, 6]\nlearning_rate = {log_uniform = [1e-3, 1e-1]}\n"


def facts(tmp_path, *words):
    (tmp_path / "space.toml").write_text(SPACE_FILE)
    about = ["--space", str(tmp_path / "space.toml"), "--n", "6", "--epochs", "9", "--json"]
    done = CliRunner().invoke(commands, ["sweep", *about, "--folds", "2", *words])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout) if done.stdout else done.stderr


def test_processes_and_shards_find_the_same(tmp_path, monkeypatch):
    started = []

    def threads(count):
        started.append(count)
        return ThreadPoolExecutor(count)

    monkeypatch.setattr(engines, "Processes", threads)
    alone, divided = facts(tmp_path), facts(tmp_path, "--processes", "2")
    assert started == [2]
    saves = ["--halving", "1", "--checkpoint", str(tmp_path / "saves")]
    for number in (1, 2):
        said = facts(tmp_path, "--shard", f"{number}/2", *saves)
        assert said.startswith(f"shard {number}/2: 3 configurations, 6 members in ")
    whole = facts(tmp_path, *saves)
    assert alone["best"][0]["configuration"] == divided["best"][0]["configuration"]
    assert alone["best"][0]["score"] == pytest.approx(divided["best"][0]["score"], abs=1e-3)
    assert (whole["members"], whole["interrupted"]) == (12, False)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--shard", "1/2"], "--shard needs the folder that all shards share: type --checkpoint"),
        (["--shard", "3/2"], "--shard is '3/2'; expected I/N, such as 1/4"),
        (["--shard", "a"], "--shard is 'a'; expected I/N"),
        (["--shard", "1/2", "--processes", "2"], "--processes and --shard are two ways"),
        (["--distributed", "--processes", "2"], "--processes and --distributed are two ways"),
        (["--scheduler", "a:1", "--processes", "2"], "--processes and --scheduler are two ways"),
        (["--shard", "1/2", "--checkpoint", "c", "--report", "r.html"], "r.html needs all shards"),
        (
            ["--shard", "1/2", "--checkpoint", "c", "--halving", "3"],
            "which do not wait for one another: type --halving 1 in all calls, or --processes",
        ),
    ],
)
def test_what_does_not_go_together_is_one_line(words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(commands, ["sweep", *words])
    assert result.exit_code == 2
    assert message in result.output
    assert result.output.count("\n") == 1


def test_without_dask_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setattr("mlp_jax.cli.division.find_spec", lambda name: None)
    result = CliRunner().invoke(commands, ["sweep", "--scheduler", "tcp://a:1"])
    assert result.exit_code == 2
    assert result.output == "mlp-jax: --scheduler needs Dask: type pip install 'mlp_jax[cluster]'\n"
