"""The load test itself, small and untimed."""

from tests.benchmarks import load


def test_a_few_sessions_move_their_thresholds_without_an_error():
    found = load.measure(sessions=3, moves=3, rounds=1)
    assert found["moves"] == 9
    assert found["errors"] == 0
    assert found["TensorFlow in the server"] is False
