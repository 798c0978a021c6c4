import pytest

from engine.core.progress import Progress, exhaust, timed


def work():
    yield Progress(0, 0, "getting ready")
    yield Progress(0, 10, "first")
    yield Progress(5, 10, "first")
    yield Progress(8, 10, "first", {"seconds_left": 77})
    yield Progress(0, 4, "second")
    yield Progress(1, 4, "second")
    return "done"


def test_the_time_left_follows_the_pace_of_each_piece_of_work():
    seconds = iter([0, 100, 110, 200, 203])
    events = []
    assert exhaust(timed(work(), lambda: next(seconds)), events.append) == "done"
    left = [event.figures.get("seconds_left") for event in events]
    assert left == [None, None, pytest.approx(10), 77, None, pytest.approx(9)]
    assert [(event.done, event.total, event.message) for event in events] == [
        (event.done, event.total, event.message) for event in work()
    ]
