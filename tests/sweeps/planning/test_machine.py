"""The speed of a machine: measured once, kept in the cache folder, measured anew where damaged."""

import pytest

import mlp_jax
from mlp_jax.sweeps.planning import machine
from mlp_jax.sweeps.planning.costs import CPU

GOOD = '{"compilation": [1, 2], "flops_per_second": 7, "flops_of_update": 1, "seconds_of_unit": 1}'
SLOW = CPU._replace(flops_per_second=1e9, compilation=(20.0, 5.0))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty cache folder, and a process that has not looked there yet."""
    monkeypatch.setenv("MLP_JAX_CACHE_DIR", str(tmp_path / "cache"))
    machine.rates_of_machine.cache_clear()
    yield tmp_path / "cache"
    machine.rates_of_machine.cache_clear()


def measures(monkeypatch, rates):
    """Puts these in the place of a measurement; returns how often they were asked for."""
    asked = []
    monkeypatch.setattr(machine, "measured", lambda: asked.append(1) or rates)
    return asked


def test_rates_are_measured_once_for_all_processes(folder, monkeypatch):
    asked = measures(monkeypatch, SLOW)
    assert machine.rates_of_machine() == SLOW
    machine.rates_of_machine.cache_clear()  # as another process
    assert machine.rates_of_machine() == SLOW
    assert len(asked) == 1
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize(
    "content",
    [
        *("", "{", "[]", "{}", '{"compilation": 1}'),
        *(GOOD.replace("7", wrong) for wrong in ("0", "NaN", "-1", '"fast"', "null")),
        GOOD.replace("[1, 2]", "[1]"),
    ],
)
def test_a_file_that_is_none_is_measured_anew(content, folder, monkeypatch):
    machine.keep(CPU)
    [path] = folder.iterdir()
    path.write_text(content)
    asked = measures(monkeypatch, SLOW)
    assert machine.rates_of_machine() == SLOW
    assert len(asked) == 1
    machine.rates_of_machine.cache_clear()
    assert machine.rates_of_machine() == SLOW
    assert len(asked) == 1


def test_a_folder_that_cannot_be_written_to_is_no_error(folder, monkeypatch):
    folder.write_text("a file in its place")
    measures(monkeypatch, SLOW)
    assert machine.rates_of_machine() == SLOW


def test_a_plan_is_of_the_machine_it_is_made_on(folder):
    machine.keep(SLOW)
    plan = mlp_jax.plan_sweep(
        [[0.0], [1.0]] * 20, [0, 1] * 20, {"width": [64]}, validation=0.5, chunk=1
    )
    assert plan.buckets[0].compiling == SLOW.compile_seconds(plan.buckets[0].kind)


def test_what_is_measured_is_of_a_processor_and_not_of_a_program_on_disk():
    first, second = machine.measured(), machine.measured()
    for rates in (first, second):
        assert 1e8 < rates.flops_per_second < 1e13
        assert 1e-11 < rates.seconds_of_unit < 1e-6
        # Of a parameter, in FLOPs: an update reads and writes three arrays.
        assert 1 < rates.flops_of_update < 1e5
    assert second.compilation[0] > 0.2 * first.compilation[0]
