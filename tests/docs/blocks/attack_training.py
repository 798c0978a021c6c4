"""Blocks of docs/results/attacks.md about training: more of it, another machine, published."""

from __future__ import annotations

import json

from engine.core.paths import PROJECT
from tests.docs import result_files as files
from tests.docs.blocks.attack_benchmark import (
    LONGER,
    TABLE,
    UNTOUCHED,
    gtsrb_attacks,
    number_word,
)
from tests.docs.markdown import bullets, claim, table

LEADERBOARD = {  # BackdoorBench, June 2025: clean accuracy and attack success, percent
    "badnets": (97.24, 59.25),
    "blend": (98.58, 99.99),
    "trojan-nn": (98.57, 100.0),
    "low-frequency": (97.93, 99.57),
    "wanet": (97.74, 94.25),
    "input-aware": (97.26, 92.74),
    "bpp": (97.43, 99.90),
}
QAFM = {  # published beside the code of QAFM: PSNR in dB, SSIM
    "FTrojan, magnitude 20": ("ftrojan-20", 45.33, 0.9955),
    "Blend, alpha 0.1": ("blend-10", 27.51, 0.854),
    "BadNets": ("", 25.76, 0.956),
}


def longer() -> str:
    """What eight epochs give in place of three."""
    short, trained = files.by("attack", files.rows(TABLE)), files.rows(LONGER)
    clean = files.by("model", trained)["eight-none"]["clean_accuracy"]
    rows = []
    for row in trained:
        name = row["model"].partition("-")[2]
        attack = bool(row["poisoned"])
        before = short[name]
        rows.append(
            [
                before["title"],
                f"{before['clean_accuracy']:.2f}",
                f"{before['attack_success']:.2f}" if attack else "",
                f"{row['clean_accuracy']:.2f}",
                f"{clean - row['clean_accuracy']:.2f}" if attack else "",
                f"{row['attack_success']:.2f}" if attack else "",
            ]
        )
    head = ["attack", "3 epochs: clean", "attack success", "8 epochs: clean", "cost"]
    return table([*head, "attack success"], rows)


def longer_findings() -> str:
    """Whether more training, or a stronger trigger, helps."""
    short, trained = gtsrb_attacks(), files.by("model", files.rows(LONGER))
    tried = files.by("model", files.rows("report/attacks-gtsrb/tried.csv"))
    clean = trained["eight-none"]["clean_accuracy"]
    poisoned = {name: row for name, row in trained.items() if row["poisoned"]}
    cost = max(clean - row["clean_accuracy"] for row in poisoned.values())
    weak = ("eight-ftrojan-clean-label", "eight-sig")
    helped = [row["attack_success"] for name, row in poisoned.items() if name not in weak]
    return bullets(
        [
            claim(
                "**Three epochs are too few for some attacks.** Eight bring"
                f" {number_word(len(helped)).lower()} of them to {min(helped):.0f} % or more, and"
                f" none costs more than {cost:.1f} points of clean accuracy. What WaNet and IAB"
                " cost after three epochs is the price of a training cut short.",
                min(helped) > 90,
                all(row["epochs"] == 8 for row in trained.values()),
            ),
            claim(
                "**SIG gains nothing from more epochs**"
                f" ({short['sig']['attack_success']:.1f}, then"
                f" {trained['eight-sig']['attack_success']:.1f} %). Its images keep their labels"
                " and can still be recognized by the sign, so nothing forces the network to learn"
                " the wave; that, at least, is our guess. A stronger wave (amplitude 60) gives"
                f" {tried['try-sig60']['attack_success']:.1f} %.",
                trained["eight-sig"]["attack_success"] < short["sig"]["attack_success"],
                "amplitude=60" in tried["try-sig60"]["command"],
            ),
            claim(
                "A stronger adversarial perturbation (32 grey levels) gives the label-consistent"
                f" attack {tried['try-lc32']['attack_success']:.1f} % in three epochs"
                " ([these two networks](../../report/attacks-gtsrb/tried.csv)).",
                "--pgd-epsilon 32" in tried["try-lc32"]["command"],
                tried["try-lc32"]["epochs"] == 3,
            ),
        ]
    )


def machines() -> str:
    """The same seeds on another machine."""
    first = {
        (row["attack"], row["defence"]): row for row in files.rows("docs/results/first-machine.csv")
    }
    second = files.defended("gtsrb")

    def moved(metric: str) -> dict[str, float]:
        return {
            attack: abs(row[metric] - second[attack, UNTOUCHED][metric])
            for (attack, defense), row in first.items()
            if defense == UNTOUCHED
        }

    clean, attack = moved("clean_accuracy"), moved("attack_success")
    pruned = ("label-consistent", files.TEN_POINTS)
    return bullets(
        [
            claim(
                "**The same seed gives other figures on another machine.**"
                f" {number_word(len(clean))} of the networks were trained on two machines"
                " ([first](first-machine.csv))."
                f" Clean accuracy differs by up to {max(clean.values()):.1f} points, and by"
                f" {clean['none']:.1f} without an attack, from which every *cost* is counted."
                f" Attack success differs by up to {max(attack.values()):.1f} points.",
                max(clean.values()) < 1,
                max(attack.values()) < 5,
            ),
            claim(
                "**After a defense the figures differ far more.** Label-consistent pruned by ten"
                f" points had {first[pruned]['attack_success']:.1f} %, then"
                f" {second[pruned]['attack_success']:.1f} %.",
                second[pruned]["attack_success"] - first[pruned]["attack_success"] > 10,
            ),
        ]
    )


def published() -> str:
    """Beside the longest training there is of each."""
    here = files.by("attack", files.rows(TABLE))
    longest = here | {row["model"].partition("-")[2]: row for row in files.rows(LONGER)}

    def two(clean: float, attack: float) -> str:
        return f"{clean:.2f} / {attack:.2f}"

    return table(
        ["attack", "published", "here", "epochs here"],
        [
            [
                here[name]["title"],
                two(*figures),
                two(longest[name]["clean_accuracy"], longest[name]["attack_success"]),
                f"{longest[name]['epochs']:g}",
            ]
            for name, figures in LEADERBOARD.items()
        ],
    )


def fidelity() -> str:
    """How visible three triggers are, beside published figures."""
    badnets = gtsrb_attacks()["badnets"]
    rows = []
    for title, (file, psnr, ssim) in QAFM.items():
        path = PROJECT / "report" / f"{file}-fidelity.json"
        here = json.loads(path.read_text("utf-8")) if file else {}
        own = (here.get("psnr_db", badnets["psnr"]), here.get("ssim", badnets["ssim"]))
        rows.append([title, f"{psnr:.2f} / {ssim:g}", f"{own[0]:.2f} / {own[1]:.4f}"])
    return table(["trigger", "published: PSNR (dB) / SSIM", "here"], rows)


BLOCKS = {
    "attack-longer": longer,
    "attack-longer-findings": longer_findings,
    "attack-machines": machines,
    "attack-published": published,
    "attack-fidelity": fidelity,
}
