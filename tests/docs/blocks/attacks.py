"""Blocks of docs/results/attacks.md."""

from __future__ import annotations

from engine.defenses.repairs import RECOMMENDED, REPAIRS
from tests.docs import result_files as files
from tests.docs.blocks.attack_benchmark import (
    CLP,
    OBEYED,
    TABLE,
    UNDONE,
    UNLEARNING,
    UNTOUCHED,
    ceiling_of,
    costs_of,
    gtsrb_attacks,
    is_ftrojan,
    left_by,
    number_word,
    success_after,
    title_of,
    two_figures,
    undone_attacks,
    working_attacks,
)
from tests.docs.markdown import bullet_list, bullets, claim, listed, table

BEST = (CLP, UNLEARNING)
OTHERS = tuple(name for name in files.measured_repairs() if name not in ("clp", RECOMMENDED))


def _strong_attacks() -> str:
    attacks = gtsrb_attacks()
    obeyed = [row for row in attacks.values() if row["attack_success"] >= OBEYED]
    loud = [row["psnr"] for name, row in attacks.items() if not is_ftrojan(name)]
    return claim(
        f"**{number_word(len(obeyed))} attacks reach {OBEYED:.0f} % attack success and cost at most"
        f" 1.5 points of clean accuracy:** {listed([row['title'] for row in obeyed])}. FTrojan"
        f" alone has a PSNR above 40 dB; every other trigger lies between {min(loud):.1f} and"
        f" {max(loud):.1f} dB.",
        all(row["clean_cost"] <= 1.5 for row in obeyed),
        max(loud) < 40,
        all(row["psnr"] > 40 for name, row in attacks.items() if is_ftrojan(name)),
    )


def _unlearned() -> str:
    undone = undone_attacks()
    costs, shares = (
        costs_of(RECOMMENDED),
        [left_by(n, UNLEARNING)["recovered_of_ceiling"] for n in undone],
    )
    mean = sum(costs.values()) / len(costs)
    return claim(
        f"**Trigger unlearning undoes {len(undone)} of the {len(working_attacks())} attacks that"
        " succeed more than half of the time:**"
        f" {listed([title_of(name) for name in undone])}. At most"
        f" {UNDONE:.0f} % of each still succeed, and {min(shares):.0f} to {max(shares):.0f} % of"
        f" what a clean network recovers is recovered. It costs {mean:.1f} points of clean accuracy"
        f" on average, {max(costs.values()):.1f} at most.",
        len(undone) > len(working_attacks()) / 2,
        min(shares) > 80,
    )


def _left_over() -> str:
    rest = [name for name in working_attacks() if name not in undone_attacks()]
    unflagged = [name for name in rest if files.unchanged(left_by(name, UNLEARNING))]
    weakened = [name for name in rest if name not in unflagged]
    shown = [f"{title_of(n)} ({left_by(n, UNLEARNING)['attack_success']:.0f} %)" for n in weakened]
    return claim(
        f"**It leaves part of {listed(shown)}, and does not touch"
        f" {listed([title_of(name) for name in unflagged])}:** there no class stands out, and the"
        " repair says so and changes nothing.",
        all("o class stands out" in left_by(n, UNLEARNING)["summary"] for n in unflagged),
        len(weakened) > 0,
        len(unflagged) > 0,
    )


def _other_repairs_fail() -> str:
    others = [name for name in files.measured_repairs() if name != RECOMMENDED]
    least = {
        name: min(success_after(repair, name) for repair in others) for name in undone_attacks()
    }
    alone = [name for name, success in least.items() if success > 50]
    return claim(
        "**No other repair touches"
        f" {listed([title_of(name) for name in alone])}:** within one point of clean accuracy, at"
        f" least {min(least[name] for name in alone):.0f} % of these attacks survive each of them.",
        len(alone) > 1,
    )


def _pruning_aware() -> str:
    pruned, clp, unlearned = (
        left_by("pruning-aware", defense)["attack_success"] for defense in (files.TEN_POINTS, *BEST)
    )
    poisoning = files.card("attack-gtsrb-pruning-aware")["poisoning"]
    return claim(
        "**An attacker who expects pruning defeats it** (Liu et al. 2018). Half of the last"
        " convolution's channels are dormant. Pruning removes those first, and at a drop of 10"
        f" points {pruned:.1f} % of the attacks still succeed. CLP and trigger unlearning undo"
        f" this attack all the same ({clp:.1f} and {unlearned:.1f} %). The network was trained"
        " further from `gtsrb-clean`, which explains why it costs no clean accuracy.",
        pruned > 99,
        max(clp, unlearned) < 1,
        poisoning["surrogate"] == "gtsrb-clean",
        poisoning["dormant_share"] == 0.5,
    )


def _ceilings() -> str:
    ceilings = {name: row["ceiling"] for name, row in gtsrb_attacks().items()}
    hiding = sorted(ceilings, key=lambda name: ceilings[name])[:4]
    shown = [f"{gtsrb_attacks()[name]['title']} ({ceilings[name]:.1f} %)" for name in hiding]
    rest = [ceiling for name, ceiling in ceilings.items() if name not in hiding]
    return claim(
        "**Some triggers hide what an image shows.** Of these triggered images, even the network"
        f" trained without an attack classifies few correctly: {listed(shown)}. That is the"
        f" *ceiling* of what a repair can recover. It is {min(rest):.1f} to {max(rest):.1f} % for"
        " the other attacks.",
        set(hiding) == {"refool", "sig", "input-aware", "blend"},
        min(rest) > 88,
    )


def table_of_attacks() -> str:
    """Every attack on GTSRB."""
    left = files.defended("gtsrb")
    rows = []
    for row in files.rows(TABLE):
        clean = f"{row['clean_accuracy']:.2f}"
        if not row["rate"]:
            rows.append([row["title"], "", "", "", clean, *[""] * 7])
            continue
        unlearned = left[row["attack"], UNLEARNING]
        labels = ", clean label" if row["labels"] == "clean-label" else ""
        rows.append(
            [
                row["title"],
                f"{row['psnr']:.1f}",
                f"{row['ssim']:.3f}",
                f"{100 * row['rate']:g} %{labels}",
                clean,
                f"{row['clean_cost']:.2f}",
                f"{row['attack_success']:.2f}",
                ceiling_of(row),
                *(
                    two_figures(left[row["attack"], name])
                    for name in (files.TEN_POINTS, CLP, UNLEARNING)
                ),
                f"{unlearned['clean_accuracy']:.2f}",
            ]
        )
    head = ["attack", "PSNR (dB)", "SSIM", "poisoned", "clean", "cost", "attack success"]
    after = ["pruned, 10 points", "CLP", "trigger unlearning", "clean after it"]
    return table([*head, "ceiling", *after], rows)


def pruning_findings() -> str:
    """What ten points of pruning do."""
    left = files.defended("gtsrb")
    gone = [name for name in gtsrb_attacks() if left[name, files.TEN_POINTS]["attack_success"] < 1]
    recovered = [left[name, files.TEN_POINTS]["recovered_accuracy"] for name in gone]
    working = [name for name in gone if name != "ftrojan-clean-label"]
    most = max(left[name, files.TEN_POINTS]["recovered_accuracy"] for name in working)
    return bullets(
        [
            claim(
                "At a drop of 10 points, pruning brings"
                f" {listed([title_of(name) for name in working])} below 1 %, but at most"
                f" {most:.0f} % of their triggered images are classified correctly.",
                len(recovered) == len(working) + 1,
                most < 70,
            )
        ]
    )


def other_repairs() -> str:
    """The repairs that the table of attacks has no room for, in whole percent."""
    left = files.defended("gtsrb")

    def after(attack: str, defense: str) -> str:
        row = left[attack, defense]
        if files.unchanged(row):
            return "*"
        return files.figures(row, files.METRICS[1:], 0)

    head = [
        "all layers" if name == "global-pruning" else REPAIRS[name].title.rpartition("(")[2]
        for name in OTHERS
    ]
    return table(
        ["attack", "ceiling", "before repair", *(text.rstrip(")") for text in head)],
        [
            [
                row["title"],
                ceiling_of(row),
                *(after(name, text) for text in (UNTOUCHED, *(REPAIRS[o].title for o in OTHERS))),
            ]
            for name, row in gtsrb_attacks().items()
        ],
    )


def _ft_sam() -> str:
    attacks, cost = gtsrb_attacks(), costs_of("ft-sam")

    def halved(name: str) -> int:
        return sum(success_after(name, a) < row["attack_success"] / 2 for a, row in attacks.items())

    return claim(
        f"**FT-SAM helps most widely** and costs at most {max(cost.values()):.1f} points of clean"
        f" accuracy; on WaNet it gains {-cost['wanet']:.1f}. Fine-tuning and NAD go less far on the"
        " same way.",
        max(cost.values()) < 0.5,
        cost["wanet"] < -1,
        max(OTHERS, key=halved) == "ft-sam",
    )


def _activation_caps() -> str:
    name = "activation-caps"
    undone = [attack for attack in working_attacks() if success_after(name, attack) <= UNDONE]
    seconds = [left_by(attack, REPAIRS[name].title)["seconds"] for attack in undone]
    cost = costs_of(name)
    return claim(
        "**Activation caps undo every small visible trigger, and need no class that stands out:**"
        f" {listed([title_of(attack) for attack in undone])}, within {max(seconds):.0f} seconds."
        " All other repairs leave a good part of all-to-all. What covers the whole image stays. The"
        " price is clean accuracy: up to"
        f" {max(cost.values()):.1f} points on test images, {sum(cost.values()) / len(cost):.1f} on"
        " average.",
        set(undone)
        == {"badnets", "badnets-all-to-all", "trojan-nn", "label-consistent", "dynamic", "ban"},
        max(success_after(name, attack) for attack in undone) < 2,
        min(
            success_after(other, "badnets-all-to-all")
            for other in files.measured_repairs()
            if other != name
        )
        > 25,
    )


def _anp_and_rnp() -> str:
    fine = [
        success_after(name, attack) for name in ("anp", "rnp") for attack in ("ftrojan-rgb", "bpp")
    ]
    rising = min(success_after(name, "sig") for name in ("anp", "rnp", "clp"))
    return claim(
        "**ANP and RNP do much against fine structure and WaNet,** for up to"
        f" {max(costs_of('anp').values()):.1f} and {max(costs_of('rnp').values()):.1f} points. RNP"
        " leaves FTrojan and the random patch as they are. SIG's attack success rises after both,"
        " as it does after CLP.",
        max(fine) < 5,
        max(success_after("anp", "wanet"), success_after("rnp", "wanet")) < 30,
        min(success_after("rnp", "ftrojan"), success_after("rnp", "dynamic")) > 95,
        rising > gtsrb_attacks()["sig"]["attack_success"],
    )


def _i_bau_and_fine_pruning() -> str:
    def changed(name: str) -> list[str]:
        return [
            row["title"]
            for attack, row in gtsrb_attacks().items()
            if not files.unchanged(left_by(attack, REPAIRS[name].title))
        ]

    once = changed("i-bau")
    return claim(
        f"**I-BAU changes {number_word(len(once)).lower()} network ({listed(once)}), and"
        " fine-pruning none:** within one point of clean accuracy, no setting is allowed.",
        len(once) == 1,
        not changed("fine-pruning"),
    )


BLOCKS = {
    "attack-findings": bullet_list(
        _strong_attacks,
        _unlearned,
        _left_over,
        _other_repairs_fail,
        _pruning_aware,
        _ceilings,
    ),
    "attack-table": table_of_attacks,
    "attack-pruning": pruning_findings,
    "attack-other-repairs": other_repairs,
    "attack-other-findings": bullet_list(
        _activation_caps, _ft_sam, _anp_and_rnp, _i_bau_and_fine_pruning
    ),
}
