"""What the tests of pages share."""

import pytest

from app import caches
from engine.core import paths


@pytest.fixture
def nothing_shipped(tmp_path, monkeypatch):
    """No model comes with the program, and what was read of those that do is forgotten."""
    monkeypatch.setattr(paths, "SHIPPED_MODELS", tmp_path / "none")
    caches.models.training_estimates.clear()
    yield
    caches.models.training_estimates.clear()
