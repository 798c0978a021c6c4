"""Blocks of docs/results/attacks.md about the drawn signs."""

from __future__ import annotations

from tests.docs import result_files as files
from tests.docs.blocks.attack_benchmark import (
    CAPS,
    CLP,
    OBEYED,
    UNDONE,
    UNLEARNING,
    WORKING,
    ceiling_of,
    gtsrb_attacks,
    two_figures,
)
from tests.docs.markdown import bullets, claim, listed, table


def on_signs() -> str:
    """Every attack on the drawn signs."""
    left = files.defended("signs")
    return table(
        [
            *("attack on `signs`", "clean", "cost", "attack success", "ceiling"),
            *(
                "pruned, 10 points",
                "CLP",
                "activation caps",
                "trigger unlearning",
                "clean after it",
            ),
        ],
        [
            [
                row["title"],
                f"{row['clean_accuracy']:.2f}",
                f"{row['clean_cost']:.2f}" if row["rate"] else "",
                f"{row['attack_success']:.2f}" if row["rate"] else "",
                ceiling_of(row) if row["rate"] else "",
                *(
                    two_figures(left[row["attack"], defense]) if row["rate"] else ""
                    for defense in (files.TEN_POINTS, CLP, CAPS, UNLEARNING)
                ),
                f"{left[row['attack'], UNLEARNING]['clean_accuracy']:.2f}",
            ]
            for row in files.rows("report/attacks-signs/attacks.csv")
        ],
    )


def _unlearned(found: dict[str, files.Row], left: dict[tuple[str, str], files.Row]) -> str:
    """What trigger unlearning and activation caps undo here."""
    working = [name for name, row in found.items() if row["attack_success"] > WORKING]
    rest = [name for name in working if left[name, UNLEARNING]["attack_success"] > UNDONE]
    costs = [
        row["clean_accuracy"] - left[name, UNLEARNING]["clean_accuracy"]
        for name, row in found.items()
    ]
    shown = [
        f"{found[name]['title']} ({left[name, UNLEARNING]['attack_success']:.0f} %)"
        for name in rest
    ]
    return claim(
        f"Trigger unlearning undoes {len(working) - len(rest)} of the {len(working)} attacks that"
        f" succeed more than half of the time, and leaves {listed(shown)}."
        f" It costs {sum(costs) / len(costs):.1f} points of clean accuracy on average,"
        f" {max(costs):.1f} at most.",
        len(rest) < len(working) / 2,
    )


def signs_findings() -> str:
    """How the drawn signs differ from GTSRB."""
    found = files.by("attack", files.rows("report/attacks-signs/attacks.csv"))
    left = files.defended("signs")
    strong = ("ftrojan", "badnets", "blend", "trojan-nn", "dynamic", "ban")
    weaker = ("wanet", "badnets-all-to-all", "bpp")
    fine = [left[name, CLP]["attack_success"] for name in ("ftrojan", "ftrojan-rgb", "bpp")]
    aware = left["pruning-aware", files.TEN_POINTS]["attack_success"]
    return bullets(
        [
            claim(
                "FTrojan, BadNets, Blend, TrojanNN and both dynamic patches reach"
                f" {min(found[name]['attack_success'] for name in strong):.1f} % or more here as"
                " well. WaNet, all-to-all and BppAttack succeed less often than on GTSRB.",
                min(found[name]["attack_success"] for name in strong) > OBEYED,
                all(
                    found[name]["attack_success"] < gtsrb_attacks()[name]["attack_success"]
                    for name in weaker
                ),
            ),
            claim(
                "CLP undoes FTrojan (YUV and RGB) and BppAttack here too (at most"
                f" {max(fine):.1f} %), but not the random patch"
                f" ({left['dynamic', CLP]['attack_success']:.1f} %).",
                max(fine) < 5,
                left["dynamic", CLP]["attack_success"] > 20,
            ),
            _unlearned(found, left),
            claim(
                "The pruning-aware attacker defeats pruning here too: at a drop of 10 points"
                f" {aware:.0f} % of the attacks still succeed. That network was trained further"
                " from `signs-clean`, so it costs no clean accuracy.",
                aware > 50,
                found["pruning-aware"]["clean_cost"] < 0,
                found["pruning-aware"]["surrogate"] == "signs-clean",
            ),
        ]
    )


BLOCKS = {"attack-signs": on_signs, "attack-signs-findings": signs_findings}
