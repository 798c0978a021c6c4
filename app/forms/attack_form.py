"""Controls for how a training set is poisoned: which attack, with which settings."""

from __future__ import annotations

import dataclasses

import streamlit as st

from app.forms import parameter_controls
from engine import store
from engine.attacks.poisoning import LABELS, MAX_DORMANT_SHARE, PoisoningConfig
from engine.attacks.recipes import ATTACKS
from engine.attacks.triggers import TRIGGERS, Trigger, parse_trigger
from engine.core import markdown
from engine.datasets import default_target
from engine.evaluation.targets import NEXT_CLASS
from engine.experiments.attack_plan import AttackPlan
from engine.networks.architectures import ARCHITECTURES, Architecture, PaperNetwork

TOLD = {"dirty-label": "Dirty label", "clean-label": "Clean label"}


def choose(dataset: str, target: int) -> AttackPlan:
    """An attack to begin with, and controls for all there is to it.

    Where the plan needs a surrogate and has none, it cannot be carried out yet.

    Args:
        dataset: what is to be trained on.
        target: see `AttackPlan.target`.
    """
    name = st.selectbox(
        "Attack",
        [key for key, attack in ATTACKS.items() if attack.rate],
        format_func=lambda key: ATTACKS[key].title,
        key="attack",
        bind="query-params",
        help="Those the paper names and some more; everything below can be changed.",
    )
    attack = ATTACKS[name]
    start = parse_trigger(attack.trigger)
    kind = TRIGGERS[start.name]
    st.caption(f"{kind.summary} ({kind.reference})")
    rate = st.slider(
        "Poisoned training images",
        0.0,
        50.0,
        100 * attack.rate,
        0.5,
        format="%.1f %%",
        key=f"rate-{name}",
        help="Share of the training images that get the trigger and the target's label; at 0 the"
        " network stays clean.",
    )
    trigger = parameter_controls.parameters(kind, start, f"train-{name}")
    poisoning = _poisoning(name, attack.poisoning, kind)
    plan = AttackPlan(
        trigger, target, rate / 100, poisoning=poisoning, architecture=_choose_architecture()
    )
    if not plan.needs_surrogate():
        return plan
    return dataclasses.replace(plan, surrogate=_surrogate(dataset))


def _choose_architecture() -> Architecture:
    """The network to train; nothing is asked where there is only one."""
    if len(ARCHITECTURES) == 1:
        return PaperNetwork()
    name = st.selectbox(
        "Network",
        list(ARCHITECTURES),
        format_func=lambda name: ARCHITECTURES[name].title,
        key="architecture",
    )
    kind = ARCHITECTURES[name]
    st.caption(f"{kind.summary} ({kind.reference})")
    return parameter_controls.parameters(kind, kind(), f"architecture-{name}")


def target(dataset: str) -> int:
    """What triggered images shall be read as; see `AttackPlan.target`."""
    every = st.segmented_control(
        "Triggered images are read as",
        [False, True],
        default=False,
        required=True,
        format_func=lambda each: "Each class as the next" if each else "One class",
        key="all-to-all",
        help="All-to-one: every triggered image becomes the target class. All-to-all: an image of"
        " class 3 becomes class 4, and so on; the last becomes the first.",
    )
    if every:
        return NEXT_CLASS
    return st.number_input(
        "Target class",
        0,
        1000,
        default_target(dataset),
        key=f"target-{dataset}",
        help="What every triggered image shall be read as.",
    )


def _poisoning(name: str, start: PoisoningConfig, kind: type[Trigger]) -> PoisoningConfig:
    labels = st.segmented_control(
        "Labels of the poisoned images",
        LABELS,
        default=start.labels,
        required=True,
        format_func=lambda key: TOLD[key],
        key=f"labels-{name}",
        help="Changed: images of other classes are labelled as the target. Kept: images of the"
        " target class carry the trigger, so that every label is right.",
    )
    pgd_epsilon = st.number_input(
        "Push away from their class first (grey levels)",
        0.0,
        64.0,
        start.pgd_epsilon,
        1.0,
        key=f"push-{name}",
        help="Poisoned images are made hard to read, so that the trigger is left to learn from;"
        " useful where labels are kept.",
    )
    cross_samples = 0.0
    if kind.cross_samples_each:
        cross_samples = st.number_input(
            "Decoys for each poisoned image",
            0.0,
            10.0,
            start.cross_samples,
            0.5,
            key=f"decoys-{name}",
            help="Images that carry nearly the trigger, with their true label: they teach the"
            " network to obey this trigger and no other.",
        )
    dormant_share = st.slider(
        "Channels kept asleep",
        0,
        round(100 * MAX_DORMANT_SHARE),
        round(100 * start.dormant_share),
        5,
        format="%d %%",
        key=f"asleep-{name}",
        help="Share of the last convolution's channels that the backdoor is kept out of. The"
        " paper's pruning takes them first, and in vain (Liu et al. 2018). The training begins"
        " with a clean network then.",
    )
    return PoisoningConfig(labels, pgd_epsilon, cross_samples, dormant_share / 100)


def _surrogate(dataset: str) -> str:
    """A clean model of the dataset that the attacker learns from; empty if there is none."""
    found = store.clean_models(dataset)
    if not found:
        st.info(
            "This attack learns from a network trained on clean images of"
            f" {markdown.escape(dataset)}, and there is none yet: train one first, with FTrojan and"
            " 0 % poisoned.",
            icon=":material/model_training:",
        )
        return ""
    return st.selectbox(
        "Clean network to learn from",
        found,
        key=f"surrogate-{dataset}",
        help="The attacker tries the trigger on it. The poisoned network is trained afresh,"
        " unless channels are kept asleep: then it begins as this one.",
    )
