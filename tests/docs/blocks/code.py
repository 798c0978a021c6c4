"""Blocks that quote constants and registries of the code."""

from __future__ import annotations

from engine.attacks.triggers import TRIGGERS
from engine.datasets import cifar10, gtsrb
from engine.defenses.detectors import trigger_inversion
from engine.defenses.repairs import REPAIRS
from engine.defenses.repairs.accuracy_budget import DEFAULT_BUDGET
from engine.networks.untrusted import child, config_checks, confine, opening
from tests.docs.markdown import bullets, claim, table

CONTENT = {
    "network": "a network",
    "arrays": "what a trigger learned (.npz)",
}


def limits() -> str:
    """What the child process that opens untrusted files may use."""
    return table(
        ["the child opens", "memory", "seconds", "files it writes"],
        [
            [
                content,
                _memory(kind),
                f"{opening.SECONDS[kind]}",
                f"at most {confine.FILE_SIZE >> 30} GB",
            ]
            for kind, content in CONTENT.items()
        ],
    )


def _memory(kind: str) -> str:
    """What the child may use for its checks, and then for TensorFlow."""
    checks = f"{child.MEMORY[kind] >> 30} GB"
    if kind not in child.MOST_MEMORY:
        return checks
    return f"{checks} for the checks, then {child.MOST_MEMORY[kind] >> 30} GB"


def network_limits() -> str:
    """What an uploaded network may be."""
    return bullets(
        [
            f"A file has at most {opening.MAX_BYTES >> 20} MB; nothing larger is opened.",
            f"A network has at most {config_checks.MAX_LAYERS} layers, of"
            f" {len(config_checks.LAYERS)} allowed kinds, no size above {config_checks.MAX_SIZE},"
            f" and takes images of at most {config_checks.MAX_SIDE} pixels a side.",
            "Custom layers, Lambda layers and anything else that brings code are refused.",
            f"One image must be computed in {child.TRIAL_SECONDS} seconds of processor time.",
        ]
    )


def protocol() -> str:
    """The constants of the protocol."""
    return claim(
        bullets(
            [
                f"**Validation** is {100 * gtsrb.VALIDATION_SHARE:g} % of the training images,"
                " drawn class by class. Where frames of one object form a track, whole tracks are"
                " drawn.",
                f"**The accuracy budget** of a repair is {DEFAULT_BUDGET.points:g} percentage point"
                " of clean validation accuracy, unless you ask for another"
                " (`max_accuracy_drop=`).",
                "**A class is flagged** when its score is the highest and at least"
                f" {trigger_inversion.THRESHOLD:g} points, and its pattern sends at least"
                f" {trigger_inversion.CONFIRMED:g} % of held-out images of other classes there.",
            ]
        ),
        cifar10.VALIDATION_SHARE == gtsrb.VALIDATION_SHARE,
    )


def triggers() -> str:
    """Every trigger, with the summary that its class carries."""
    return table(
        ["name", "trigger", "in one sentence"],
        [[f"`{name}`", kind.title, kind.summary] for name, kind in TRIGGERS.items()],
    )


def repairs() -> str:
    """Every repair, with the summary that its class carries."""
    return table(
        ["name", "repair", "in one sentence"],
        [[f"`{name}`", kind.title, kind.summary] for name, kind in REPAIRS.items()],
    )


BLOCKS = {
    "limits": limits,
    "network-limits": network_limits,
    "protocol": protocol,
    "triggers": triggers,
    "repairs": repairs,
}
