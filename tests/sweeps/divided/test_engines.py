"""Real engines: processes of this machine, Dask, MPI. A worker is killed, and nothing is lost."""

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import joblib
import numpy as np
import pytest
from click.testing import CliRunner

import mlp_jax
from mlp_jax.cli.main import commands
from mlp_jax.processes.engines import executor_of_joblib, workers_of
from mlp_jax.processes.pool import Processes
from tests.sweeps.divided.divided import X, Y, check_same, swept

ROOT = Path(__file__).parents[3]
# Sockets to a worker that is killed are closed when Dask's objects are collected.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def killing(pids, at):
    """What is told of progress: at its call number `at` a process is killed."""
    calls = []

    def progress(done, members, best):
        calls.append(done)
        if len(calls) == at:
            os.kill(pids()[0], signal.SIGKILL)

    return progress


def test_processes_lose_nothing_where_one_is_killed(alone):
    with Processes(2) as processes:
        seen = []
        pids = lambda: seen.append(processes.pids()) or seen[-1]  # noqa: E731
        check_same(swept(executor=processes, chunk=6, progress=killing(pids, 2)), alone[None])
        again = processes.pids()
        assert [one in again for one in seen[0]] == [False, True]  # the other one goes on
        check_same(swept(executor=processes, chunk=6, halving=3), alone[3])
        assert processes.pids() == again  # and none was started for nothing


def test_a_pool_of_the_standard_library_trains(alone):
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, spawn) as executor:
        check_same(swept(executor=executor, halving=3), alone[3])


@pytest.fixture(scope="module")
def client():
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=60
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def test_the_command_line_finds_the_workers_of_a_scheduler(client, tmp_path):
    options = ["--space", tmp_path / "s.json", "--n", "4", "--folds", "2", "--epochs", "3"]
    (tmp_path / "s.json").write_text('{"width": {"int_uniform": [2, 9]}}')
    words = ["sweep", *options, "--json", "--scheduler", client.scheduler.address]
    done = CliRunner().invoke(commands, list(map(str, words)))
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["members"] == 8


@pytest.mark.parametrize("address", ["localhost:nope", "tcp://127.0.0.1:1"])
def test_the_command_line_says_where_no_scheduler_is(address):
    pytest.importorskip("distributed")
    done = CliRunner().invoke(commands, ["sweep", "--n", "2", "--scheduler", address])
    assert done.exit_code == 2
    assert f"--scheduler is {address}, where no scheduler of Dask answers" in done.stderr
    assert "expected the address that dask scheduler prints" in done.stderr


def test_a_search_inside_joblib_is_divided(client):
    mlp = mlp_jax.MLPClassifier(max_iter=4, random_state=0)
    space = {"hidden_layer_sizes": [(3,), (5,)], "alpha": [1e-3, 1e-1]}
    search = mlp_jax.SweepCV(mlp, space, n_iter=None, cv=2, refit=False)
    alone = search.fit(X, Y).cv_results_["mean_test_score"]
    with joblib.parallel_config(backend="dask"):
        divided = search.fit(X, Y)
    assert divided.sweep_results_[0].compilations > 0  # not here, where all is compiled
    np.testing.assert_allclose(divided.cv_results_["mean_test_score"], alone, rtol=1e-10)


def test_joblib_says_who_trains():
    assert executor_of_joblib(None) is executor_of_joblib(2) is None
    with joblib.parallel_config(backend="loky", n_jobs=2):
        assert workers_of(executor_of_joblib(None)) == 2
        assert executor_of_joblib(1) is None
    with joblib.parallel_config(backend="threading", n_jobs=2):
        assert executor_of_joblib(None) is None


def test_dask_loses_nothing_where_a_worker_is_killed(client, alone):
    executor = client.get_executor()
    assert workers_of(executor) == 2
    pids = list(client.run(os.getpid).values())
    found = swept(executor=executor, chunk=6, halving=3, progress=killing(lambda: pids, 2))
    check_same(found, alone[3])
    check_same(swept(executor=executor, chunk=6), alone[None])


ON_MPI = """
import json, jax
from mpi4py.futures import MPIPoolExecutor
from tests.sweeps.divided.divided import swept
if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    with MPIPoolExecutor() as executor:
        found = swept(executor=executor, halving=3)
        workers = executor.num_workers
    print(json.dumps([workers, [member.score for member in found.members]]))
"""


def test_mpi_finds_the_same(alone, tmp_path):
    pytest.importorskip("mpi4py")
    beside = Path(sys.executable).parent / "mpiexec"
    mpiexec = shutil.which("mpiexec") or shutil.which(beside)
    if mpiexec is None:
        pytest.skip("there is no mpiexec")
    (tmp_path / "on_mpi.py").write_text(ON_MPI)
    words = [mpiexec, "-n", "2", sys.executable, "-m", "mpi4py.futures", tmp_path / "on_mpi.py"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    workers, scores = json.loads(done.stdout)
    assert workers == 1  # the first of the two ranks hands out
    np.testing.assert_allclose(scores, [m.score for m in alone[3].members], rtol=1e-10)
