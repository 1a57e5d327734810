"""One event tells of the progress of trainings and sweeps, to whoever is to be told."""

import sys

import pytest

from mlp_jax.training.progress import (
    SWEEP,
    TRAINING,
    Progress,
    TakesProgress,
    as_progress,
    event_of,
)

EVENTS = {
    "training": (TRAINING, Progress(3, 9, {"cost": 0.25, "validation_loss": 0.5}, "cost 0.25")),
    "sweep": (SWEEP, Progress(4, 8, {"best_score": 0.75}, "best accuracy of a member 0.75")),
}
KINDS = pytest.mark.parametrize(("kind", "event"), EVENTS.values(), ids=list(EVENTS))


@KINDS
def test_a_function_is_called_with_the_numbers_of_the_event(kind, event):
    called = []
    with as_progress(lambda *numbers: called.append(numbers), kind) as show:
        show(event)
    assert called == [(event.done, event.total, *event.values.values())]
    assert event_of(*called[0]) == event._replace(text="")


@KINDS
def test_an_event_has_the_values_of_its_kind(kind, event):
    assert tuple(event.values) == kind.values


@KINDS
def test_what_takes_events_is_shown_the_event(kind, event):
    shown = []

    class Listener(TakesProgress):
        def show(self, event):
            shown.append(event)

    with as_progress(Listener(), kind) as show:
        show(event)
    assert shown == [event]


@pytest.mark.parametrize("choice", [None, False])
def test_nobody_is_told(choice):
    with as_progress(choice, SWEEP) as show:
        assert show is None


@KINDS
def test_the_bar_says_the_count_and_the_values(kind, event, capsys):
    with as_progress(True, kind) as show:
        show(event)
    shown = capsys.readouterr().err
    assert event.text in shown
    assert ("epoch 3 of 9" if kind is TRAINING else "4 of 8 members") in shown


@pytest.mark.parametrize(("total", "shown"), [(None, ""), (8, "0 of 8 members")])
def test_a_bar_is_there_before_the_first_event_if_the_total_is_known(total, shown, capsys):
    with as_progress(True, SWEEP, total):
        pass
    found = capsys.readouterr().err
    assert shown in found
    assert ("members" in found) == bool(shown)


@pytest.mark.parametrize(
    ("kind", "match"),
    [(TRAINING, r"or hand a function of \(epoch, epochs, cost"), (SWEEP, "or progress=False")],
)
def test_without_rich_it_says_what_to_type(kind, match, monkeypatch):
    monkeypatch.setitem(sys.modules, "rich", None)
    with pytest.raises(ValueError, match=match), as_progress(True, kind):
        pass


@pytest.mark.parametrize(("kind", "of"), [(TRAINING, r"\(epoch, epochs,"), (SWEEP, r"\(done, mem")])
def test_another_choice_is_an_error(kind, of):
    match = f"progress is 3; expected True, False, or a function of {of}"
    with pytest.raises(ValueError, match=match), as_progress(3, kind):
        pass
