"""A sweep in parts: who takes which, what comes back, and what is lost with a worker."""

import pickle
import shutil
import threading
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from types import SimpleNamespace

import cloudpickle
import numpy as np
import pytest

from mlp_jax.losses import LOSSES
from mlp_jax.sweeps.divided import engine
from mlp_jax.sweeps.divided.part import with_examples, without_examples
from mlp_jax.sweeps.divided.worker import train_part
from mlp_jax.sweeps.task import as_task
from tests.sweeps.divided.divided import SPACE, X, Y, check_same, swept


class Noted(Executor):
    """An engine of one worker, here; `before` and `after` a call they may do what they like."""

    num_workers = 2

    def __init__(self, before=lambda part: part, after=lambda answer: answer, dumps=pickle.dumps):
        self.before, self.after, self.dumps, self.parts = before, after, dumps, []

    def submit(self, fn, part):
        self.parts.append(part)
        future = Future()
        try:
            # As between processes.
            answer = fn(pickle.loads(self.dumps(self.before(part))))
            future.set_result(self.after(pickle.loads(pickle.dumps(answer))))
        except Exception as error:
            future.set_exception(error)
        return future


@pytest.mark.parametrize("halving", [None, 3])
def test_parts_make_the_sweep(alone, halving):
    noted, seen = Noted(), []
    found = swept(halving=halving, chunk=6, executor=noted, progress=lambda *s: seen.append(s))
    check_same(found, alone[halving])
    assert seen[-1][:2] == (48, 48)
    assert {part.until for part in noted.parts} == ({3, 7, 20} if halving else {20})
    first = [part for part in noted.parts if part.until in (3, 20) and not part.standing]
    # More than workers, of about as much to do, and each with its own configurations alone.
    assert len(first) >= 4
    work = [sum(bucket.seconds for bucket in part.buckets) for part in first]
    assert max(work) < 2.5 * min(work)
    for part in noted.parts:
        assert len(part.task.configurations) == len(part.numbers) < 24
        rates = part.task.configurations.columns["learning_rate"]
        assert len(rates.options) == len(set(rates.codes))
        assert isinstance(part.task.X, int)
    assert sum(seconds for _, seconds in found.bucket_seconds.values()) > 0


def test_a_worker_that_does_not_see_the_file_is_sent_the_examples(alone):
    def elsewhere(part):
        name, file, _ = part.examples
        return part._replace(examples=part.examples._replace(name=f"{name} there", file=file + "x"))

    noted = Noted(elsewhere)
    check_same(swept(executor=noted), alone[None])
    sent = [part.examples.arrays is not None for part in noted.parts]
    assert 0 < sum(sent) < len(sent) - 1  # and a worker that has them is not sent them again


@pytest.mark.parametrize("halving", [None, 3])
def test_a_part_whose_worker_dies_is_handed_out_again(alone, halving):
    calls = []

    def dies_once(part):
        calls.append(part)
        if not part.turn:
            raise BrokenExecutor("a worker died")
        return part

    check_same(swept(halving=halving, executor=Noted(dies_once)), alone[halving])
    assert [part.turn for part in calls].count(0) == len(calls) / 2


def test_a_part_that_is_lost_three_times_is_said_and_the_others_are_kept(alone):
    lost = []

    def dies_of(part):
        if 0 in part.numbers:
            lost.append(part)
            raise BrokenExecutor("a worker died")
        return part

    with pytest.warns(UserWarning, match=r"went wrong 3 times, .* interrupted: BrokenExec.*died"):
        found = swept(executor=Noted(dies_of))
    assert {part.turn for part in lost} == {0, 1, 2}
    assert found.interrupted
    statuses = [member.status for member in found.members]
    assert 0 < statuses.count("interrupted") < len(statuses)
    kept = [m.status for m in alone[None].members]
    assert all(s in (k, "interrupted") for s, k in zip(statuses, kept, strict=True))


def test_where_no_part_comes_back_it_is_an_error():
    def always(part):
        raise OSError("disk")

    said = r"no part of the sweep came back .*disk.*if __name__ == \"__main__\""
    with pytest.raises(RuntimeError, match=said):
        swept(executor=Noted(always))


class Deserted(Noted):
    """An executor of Dask whose workers come once somebody has been told that they are missing."""

    def __init__(self):
        super().__init__()
        self._client, self.scheduler = self, SimpleNamespace(address="tcp://10.0.0.1:8786")
        self.waiting, self.told = [], threading.Event()

    def nthreads(self):
        return {"a worker": 1} if self.told.is_set() or not self.parts else {}

    def submit(self, fn, part):
        self.parts.append(part)
        future, trained = Future(), Noted().submit(fn, part)
        threading.Thread(target=self.comes, args=(future, trained)).start()
        return future

    def comes(self, future, trained):
        self.told.wait(20)  # or the test fails
        future.set_result(trained.result())


def test_a_sweep_without_workers_says_so_and_waits(alone, monkeypatch):
    monkeypatch.setattr(engine, "LONELY", 0.05)
    deserted, told = Deserted(), []

    def warned(message, **_):
        told.append(message)
        deserted.told.set()

    monkeypatch.setattr(engine.warnings, "warn", warned)
    check_same(swept(executor=deserted), alone[None])
    [said] = told
    assert "no worker is connected to the scheduler tcp://10.0.0.1:8786" in said
    assert "dask worker tcp://10.0.0.1:8786" in said


@pytest.mark.parametrize(
    ("halving", "at", "error", "said"),
    [
        (None, 2, BrokenExecutor("no more"), "a worker has died, and the executor takes no more"),
        (3, 9, Exception("Client is closed"), "^the executor takes no more parts: Client is cl"),
    ],
)
def test_an_executor_that_is_broken_is_said_and_the_folder_goes_on(
    alone, halving, at, error, said, tmp_path
):
    class Breaks(Noted):
        def submit(self, fn, part):
            if len(self.parts) == at:
                raise error
            return super().submit(fn, part)

    how = {"halving": halving, "chunk": 6, "checkpoint": tmp_path}
    with pytest.warns(UserWarning, match=said):
        found = swept(executor=Breaks(), **how)
    assert found.interrupted
    again, whole = Noted(), Noted()
    shutil.copytree(tmp_path, tmp_path / "copy")
    check_same(swept(executor=again, **how), alone[halving])
    check_same(swept(executor=whole, halving=halving, chunk=6), alone[halving])
    assert 0 < len(again.parts) <= len(whole.parts) - at + 1
    # And a process alone goes on from there, too.
    check_same(swept(**(how | {"checkpoint": tmp_path / "copy"})), alone[halving])


def test_an_error_of_the_training_is_the_callers(monkeypatch):
    def fails(answer):
        return answer._replace(error=RuntimeError("no more"))

    with pytest.raises(RuntimeError, match="no more"):
        swept(executor=Noted(after=fails))
    part = Noted()
    swept(executor=part)
    found = train_part(part.parts[0]._replace(buckets=None))
    assert found.outcomes is None
    assert "in a worker:\nTraceback" in found.error.__notes__[0]


def squared(Z):
    return Z**2


def twice(Z):
    return 2 * Z


def test_an_activation_of_the_user_travels_as_its_two_functions():
    space = {"activation": [(squared, twice), "tanh"], "width": [3]}
    check_same(swept(space=space, executor=Noted()), swept(space=space))


def test_what_cannot_travel_is_said():
    with pytest.raises(ValueError, match=r"cannot be sent to another process .*lambda.*scoring="):
        swept(executor=Noted(), scoring=lambda A, Y, weights: A.mean())


def test_a_function_that_is_sent_by_value_compiles_once():
    scoring = lambda A, Y, weights: (A * Y).mean()  # noqa: E731  # a new one with every part
    found = swept(executor=Noted(dumps=cloudpickle.dumps), scoring=scoring)
    assert found.compilations == 1
    np.testing.assert_allclose(found.scores, swept(scoring=scoring).scores, rtol=1e-10)


def test_ctrl_c_keeps_what_the_workers_have(tmp_path):
    cancel = threading.Event()
    space = [{"width": 3, "epochs": epochs} for epochs in [2] * 10 + [10**6] * 10]
    with ThreadPoolExecutor(2) as pool:
        found = swept(
            space=space,
            executor=pool,
            chunk=1,
            cancel=cancel,
            checkpoint=tmp_path,
            progress=lambda *_: cancel.set(),
        )
    assert found.interrupted
    statuses = [member.status for member in found.members]
    assert statuses.count("finished") > 0
    begun = [m for m in found.members if m.status == "interrupted" and m.best_epoch > 0]
    assert begun
    assert list(tmp_path.glob("states-*"))  # where they stand


def test_a_task_is_itself_again():
    for loss in LOSSES.values():
        assert pickle.loads(pickle.dumps(loss)) is loss
    task = as_task(X, Y, SPACE, folds=2, weights=np.arange(60.0))
    stripped, arrays = without_examples(task)
    again = with_examples(pickle.loads(pickle.dumps(stripped)), arrays)
    assert again.metric == task.metric
    np.testing.assert_array_equal(again.X, task.X)
    np.testing.assert_array_equal(again.splits[1][0], task.splits[1][0])
    part = task.only(np.array([3, 5]))
    assert list(part.configurations) == [task.configurations[3], task.configurations[5]]


@pytest.mark.parametrize("choice", [0, True, "two", 1.5])
def test_what_is_no_executor_is_refused(choice):
    with pytest.raises(ValueError, match=r"executor is .*client\.get_executor\(\) of Dask"):
        swept(executor=choice)


@pytest.mark.parametrize("more", [{"shard": (0, 2)}, {"devices": [None]}])
def test_an_executor_divides_by_itself(more):
    with pytest.raises(ValueError, match="leave devices and shard out"):
        swept(executor=2, **more)
