import pytest

from engine.core import progress
from engine.core.progress import Stopped, reporting_to, stopping_when, timed, titled


def work():
    progress.report(0, 0, "getting ready")
    progress.report(0, 10, "first")
    progress.report(5, 10, "first")
    progress.report(8, 10, "first", {"seconds_left": 77})
    progress.report(0, 4, "second")
    progress.report(1, 4, "second")
    return "done"


def test_the_time_left_follows_the_pace_of_each_piece_of_work():
    seconds = iter([0, 100, 110, 200, 203])
    events = []
    with reporting_to(events.append), timed(lambda: next(seconds)):
        assert work() == "done"
    left = [event.figures.get("seconds_left") for event in events]
    assert left == [None, None, pytest.approx(10), 77, None, pytest.approx(9)]
    plain = []
    with reporting_to(plain.append):
        work()
    assert [(event.done, event.total, event.message) for event in events] == [
        (event.done, event.total, event.message) for event in plain
    ]


def test_work_runs_to_its_end_where_nobody_watches():
    assert work() == "done"


def test_a_reporter_is_gone_after_its_block_also_when_the_work_fails():
    seen = []
    with pytest.raises(ZeroDivisionError), reporting_to(seen.append):
        progress.report(1, 2, "within")
        raise ZeroDivisionError
    progress.report(2, 2, "after")
    assert [event.message for event in seen] == ["within"]


def test_titles_nest_and_the_outer_one_comes_first():
    seen = []
    with reporting_to(seen.append), titled("Model 1"), titled("Repair 2"):
        progress.report(0, 0, "reading")
    assert [event.message for event in seen] == ["Model 1: Repair 2: reading"]


def test_work_is_given_up_at_the_first_event_after_a_stop():
    seen = []
    with (
        pytest.raises(Stopped),
        reporting_to(seen.append),
        stopping_when(lambda: len(seen) == 2),
    ):
        work()
    assert len(seen) == 2
