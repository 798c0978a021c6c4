import pytest

from engine.attacks import recipes
from engine.attacks.triggers import parse_trigger
from engine.core.errors import UserError
from tests.conftest import TARGET


def test_every_recipe_fits_its_trigger():
    for attack in recipes.ATTACKS.values():
        trigger = parse_trigger(attack.trigger)
        attack.poisoning.check(trigger, TARGET if attack.target is None else attack.target)
        assert attack.poisoning.cross_samples == trigger.cross_samples_each
    with pytest.raises(UserError, match="There is no attack"):
        recipes.find_attack("nonsense")
