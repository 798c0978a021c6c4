"""What the dashboard keeps in memory never answers for something else."""

import dataclasses

import pytest

from app import caches
from engine import store
from engine.core.errors import UserError


def test_a_cached_network_is_checked_against_every_card():
    genuine = store.find("signs-clean")
    assert caches.predictions.network(genuine) is caches.predictions.network(genuine)
    card = dataclasses.replace(genuine.card, class_names=("a", "b"), target=1)
    with pytest.raises(UserError, match="other classes"):
        caches.predictions.network(dataclasses.replace(genuine, card=card))
