"""Controls for the attack: how the training set is poisoned."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.forms import parameter_controls
from engine import store
from engine.attacks.poisoning import LABELS, MAX_DORMANT_SHARE, PoisoningConfig
from engine.attacks.recipes import ATTACKS
from engine.attacks.triggers import TRIGGERS, Trigger, parse_trigger
from engine.core import markdown
from engine.datasets import default_target
from engine.evaluation.targets import NEXT_CLASS
from engine.experiments.attack_plan import AttackPlan
from engine.networks.architectures import Architecture

LABEL_TITLES = {"dirty-label": "Dirty label", "clean-label": "Clean label"}


@dataclass(frozen=True)
class Places:
    """Where the controls of an attack stand.

    Attributes:
        attack: its name, target and rate.
        trigger: the trigger's parameters.
        more: everything else, which is seldom changed.
    """

    attack: DeltaGenerator
    trigger: DeltaGenerator
    more: DeltaGenerator


def choose(dataset: str, architecture: Architecture, places: Places) -> AttackPlan:
    """Controls for a named attack and all its settings.

    A plan that needs a surrogate and has none cannot be trained.

    Args:
        dataset: the network will be trained on.
        architecture: the network.
        places: where the controls stand.
    """
    with places.attack:
        name = choose_attack("A starting point: every setting of it can be changed.")
        attack = ATTACKS[name]
        target = _choose_target(dataset)
        rate = st.slider(
            "Poisoning rate",
            0.0,
            50.0,
            100 * attack.rate,
            0.5,
            format="%.1f %%",
            key=f"rate-{name}",
            help="Share of the training images that get the trigger. At 0 the network stays clean.",
        )
    with places.trigger:
        trigger = choose_trigger(name)
    with places.more:
        poisoning = _choose_poisoning(name, attack.poisoning, type(trigger))
    plan = AttackPlan(trigger, target, rate / 100, poisoning=poisoning, architecture=architecture)
    if not plan.needs_surrogate():
        return plan
    with places.attack:
        return dataclasses.replace(plan, surrogate=_choose_surrogate(dataset))


def choose_attack(help: str) -> str:
    """A control for the name of an attack that poisons; the address keeps it.

    Args:
        help: what the attack is for.
    """
    return st.selectbox(
        "Attack",
        [key for key, attack in ATTACKS.items() if attack.rate],
        format_func=lambda key: ATTACKS[key].title,
        key="attack",
        bind="query-params",
        help=help,
    )


def choose_trigger(attack: str) -> Trigger:
    """Controls for the parameters of an attack's trigger."""
    start = parse_trigger(ATTACKS[attack].trigger)
    kind = TRIGGERS[start.name]
    trigger = parameter_controls.choose_parameters(kind, start, f"train-{attack}")
    st.caption(f"{kind.summary} ({kind.reference})")
    return trigger


def _choose_target(dataset: str) -> int:
    """Controls for the attacker's target; see `AttackPlan.target`."""
    all_to_all = st.segmented_control(
        "Attacker's target",
        [False, True],
        default=False,
        required=True,
        format_func=lambda each: "All-to-all" if each else "All-to-one",
        key="all-to-all",
        help="All-to-one: triggered images of every class lead to the target class. All-to-all:"
        " those of class 3 lead to class 4, and so on; those of the last class to class 0.",
    )
    if all_to_all:
        return NEXT_CLASS
    return st.number_input(
        "Target class",
        0,
        1000,
        default_target(dataset),
        key=f"target-{dataset}",
        help="The class that the attacker chose for every triggered image.",
    )


def _choose_poisoning(name: str, start: PoisoningConfig, kind: type[Trigger]) -> PoisoningConfig:
    labels = st.segmented_control(
        "Labels of the poisoned images",
        LABELS,
        default=start.labels,
        required=True,
        format_func=lambda key: LABEL_TITLES[key],
        key=f"labels-{name}",
        help="Dirty label: images of other classes get the target's label. Clean label: only images"
        " of the target class are poisoned, so that every label stays correct.",
    )
    pgd_epsilon = st.number_input(
        "PGD perturbation (grey levels)",
        0.0,
        64.0,
        start.pgd_epsilon,
        1.0,
        key=f"pgd-{name}",
        help="The largest adversarial perturbation of poisoned images before they get the trigger."
        " It makes them hard to classify, so that the network learns the trigger instead. Useful"
        " with clean labels.",
    )
    cross_samples = _choose_cross_samples(name, start) if kind.cross_samples_each else 0.0
    dormant_share = _choose_dormant_share(name, start)
    return PoisoningConfig(labels, pgd_epsilon, cross_samples, dormant_share)


def _choose_cross_samples(name: str, start: PoisoningConfig) -> float:
    return st.number_input(
        "Cross-samples per poisoned image",
        0.0,
        10.0,
        start.cross_samples,
        0.5,
        key=f"cross-samples-{name}",
        help="Images with a similar trigger and their true label. They teach the network to"
        " respond to this trigger only.",
    )


def _choose_dormant_share(name: str, start: PoisoningConfig) -> float:
    percent = st.slider(
        "Dormant channels",
        0,
        round(100 * MAX_DORMANT_SHARE),
        round(100 * start.dormant_share),
        5,
        format="%d %%",
        key=f"dormant-{name}",
        help="Share of the last convolution's channels that the backdoor avoids. The paper's"
        " pruning removes them first, which does not affect the backdoor (Liu et al. 2018). Above"
        " 0, training starts from a clean network.",
    )
    return percent / 100


def _choose_surrogate(dataset: str) -> str:
    """A control for the clean model that the attacker uses; empty if there is none."""
    found = store.clean_models(dataset)
    if not found:
        st.info(
            f"This attack needs a clean model of {markdown.escape(dataset)}, and there is none yet:"
            " train one first, with FTrojan at a poisoning rate of 0 %.",
            icon=":material/model_training:",
        )
        return ""
    return st.selectbox(
        "Surrogate (clean model)",
        found,
        key=f"surrogate-{dataset}",
        help="The attacker prepares the attack on this model. The poisoned network is trained from"
        " scratch; with dormant channels, training starts from this model.",
    )
