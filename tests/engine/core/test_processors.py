import os

import pytest

from engine.core import processors


@pytest.mark.parametrize(
    ("content", "cores"),
    [("max 100000", 8), ("200000 100000", 2), ("50000 100000", 1), ("9900000 100000", 8), ("?", 8)],
)
def test_the_limit_of_a_container_counts(content, cores, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(processors, "QUOTA", tmp_path / "cpu.max")
    assert processors.available_cores() == 8  # no such file: no container
    (tmp_path / "cpu.max").write_text(content)
    assert processors.available_cores() == cores
