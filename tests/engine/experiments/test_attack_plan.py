import dataclasses

import pytest

from engine import store
from engine.attacks import poisoning
from engine.attacks.triggers import parse_trigger
from engine.core.errors import UserError
from engine.evaluation import targets
from engine.experiments.new_model import NewModel
from engine.experiments.train import train


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (poisoning.PoisoningConfig("lost"), "no label mode"),  # type: ignore[arg-type]
        (poisoning.PoisoningConfig(pgd_epsilon=-1), "0 to 255 grey levels"),
        (poisoning.PoisoningConfig(cross_samples=1), "no cross-samples"),
        (poisoning.PoisoningConfig(cross_samples=-1), "0 to 100 cross-samples"),
    ],
)
def test_poisoning_that_does_not_fit_the_trigger_is_refused(config, message, dataset, plan):
    with pytest.raises(UserError, match=message):
        dataclasses.replace(plan, poisoning=config).check(dataset)


def test_a_clean_label_attack_cannot_be_all_to_all(dataset, plan):
    both = dataclasses.replace(
        plan, poisoning=poisoning.PoisoningConfig("clean-label"), target=targets.NEXT_CLASS
    )
    with pytest.raises(UserError, match="needs one target class"):
        both.check(dataset)


def test_a_surrogate_for_other_images_is_refused(trained, dataset, plan):
    pgd_plan = dataclasses.replace(
        plan, poisoning=poisoning.PoisoningConfig(pgd_epsilon=8), surrogate="signs-clean"
    )
    with pytest.raises(UserError):
        train(dataset, pgd_plan, NewModel("other", "command"))


def test_a_plan_gives_the_train_command_all_options_that_differ_from_its_defaults(plan):
    usual = dataclasses.replace(plan, trigger=parse_trigger("trojan-nn"), surrogate="clean")
    options = " ".join(usual.command_options())
    assert options.startswith("--trigger trojan-nn:size=7") and "--surrogate clean" in options
    assert "--labels" not in options and "--cross-samples" not in options
    config = poisoning.PoisoningConfig(pgd_epsilon=4, cross_samples=1.0)
    other = dataclasses.replace(
        plan, trigger=parse_trigger("wanet"), poisoning=config, target=targets.NEXT_CLASS
    )
    assert "--pgd-epsilon 4 --cross-samples 1" in " ".join(other.command_options())
    assert other.command_options()[-2:] == ["--target", "next"]


def test_a_plan_without_its_surrogate_is_refused(dataset, plan):
    lacking = dataclasses.replace(
        plan, poisoning=poisoning.PoisoningConfig("clean-label", pgd_epsilon=8), surrogate="missing"
    )
    with pytest.raises(UserError, match="missing"):
        lacking.check(dataset)


def test_no_attack_learns_from_a_model_with_a_backdoor(trained, dataset, plan):
    store.save(trained.card, trained.network(), {})
    own = dataclasses.replace(
        plan, poisoning=poisoning.PoisoningConfig(dormant_share=0.5), surrogate=trained.name
    )
    with pytest.raises(UserError, match="backdoor already"):
        own.check(dataset)
