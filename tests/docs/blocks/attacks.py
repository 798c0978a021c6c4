"""Blocks of docs/results/attacks.md."""

from __future__ import annotations

import json
import math

from engine.core.paths import PROJECT
from engine.defenses.repairs import RECOMMENDED, REPAIRS
from tests.docs import result_files as files
from tests.docs.markdown import bullet_list, bullets, claim, listed, table

TABLE, LONGER = "report/attacks-gtsrb/attacks.csv", "report/attacks-gtsrb/longer.csv"
CLP, UNLEARNING = REPAIRS["clp"].title, REPAIRS[RECOMMENDED].title
BEST = (CLP, UNLEARNING)
WORKING, UNDONE = 50.0, 5.0  # percent of attack success before and after
UNTOUCHED = "As it is"
OTHERS = tuple(name for name in files.measured_repairs() if name not in ("clp", RECOMMENDED))
OBEYED = 95.0  # percent of attack success
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


def _strong_attacks() -> str:
    attacks = _attacks()
    obeyed = [row for row in attacks.values() if row["attack_success"] >= OBEYED]
    loud = [row["psnr"] for name, row in attacks.items() if not _is_ftrojan(name)]
    return claim(
        f"**{_number(len(obeyed))} attacks reach {OBEYED:.0f} % attack success and cost at most 1.5"
        f" points of clean accuracy:** {listed([row['title'] for row in obeyed])}. FTrojan alone"
        f" has a PSNR above 40 dB; every other trigger lies between {min(loud):.1f} and"
        f" {max(loud):.1f} dB.",
        all(row["clean_cost"] <= 1.5 for row in obeyed),
        max(loud) < 40,
        all(row["psnr"] > 40 for name, row in attacks.items() if _is_ftrojan(name)),
    )


def _unlearned() -> str:
    undone = _undone()
    costs, shares = (
        _costs(RECOMMENDED),
        [_left(n, UNLEARNING)["recovered_of_ceiling"] for n in undone],
    )
    mean = sum(costs.values()) / len(costs)
    return claim(
        f"**Trigger unlearning undoes {len(undone)} of the {len(_working())} attacks that succeed"
        f" more than half of the time:** {listed([_name(name) for name in undone])}. At most"
        f" {UNDONE:.0f} % of each still succeed, and {min(shares):.0f} to {max(shares):.0f} % of"
        f" what a clean network recovers is recovered. It costs {mean:.1f} points of clean accuracy"
        f" on average, {max(costs.values()):.1f} at most.",
        len(undone) > len(_working()) / 2,
        min(shares) > 80,
    )


def _left_over() -> str:
    rest = [name for name in _working() if name not in _undone()]
    unflagged = [name for name in rest if files.unchanged(_left(name, UNLEARNING))]
    weakened = [name for name in rest if name not in unflagged]
    shown = [f"{_name(n)} ({_left(n, UNLEARNING)['attack_success']:.0f} %)" for n in weakened]
    return claim(
        f"**It leaves part of {listed(shown)}, and does not touch"
        f" {listed([_name(name) for name in unflagged])}:** there no class stands out, and the"
        " repair says so and changes nothing.",
        all("o class stands out" in _left(n, UNLEARNING)["summary"] for n in unflagged),
        len(weakened) > 0,
        len(unflagged) > 0,
    )


def _other_repairs_fail() -> str:
    others = [name for name in files.measured_repairs() if name != RECOMMENDED]
    least = {name: min(_success(repair, name) for repair in others) for name in _undone()}
    alone = [name for name, success in least.items() if success > 50]
    return claim(
        "**No other repair touches"
        f" {listed([_name(name) for name in alone])}:** within one point of clean accuracy, at"
        f" least {min(least[name] for name in alone):.0f} % of these attacks survive each of them.",
        len(alone) > 1,
    )


def _pruning_aware() -> str:
    pruned, clp, unlearned = (
        _left("pruning-aware", defense)["attack_success"] for defense in (files.TEN_POINTS, *BEST)
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
    ceilings = {name: row["ceiling"] for name, row in _attacks().items()}
    hiding = sorted(ceilings, key=lambda name: ceilings[name])[:4]
    shown = [f"{_attacks()[name]['title']} ({ceilings[name]:.1f} %)" for name in hiding]
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
                _ceiling(row),
                *(_two(left[row["attack"], name]) for name in (files.TEN_POINTS, CLP, UNLEARNING)),
                f"{unlearned['clean_accuracy']:.2f}",
            ]
        )
    head = ["attack", "PSNR (dB)", "SSIM", "poisoned", "clean", "cost", "attack success"]
    after = ["pruned, 10 points", "CLP", "trigger unlearning", "clean after it"]
    return table([*head, "ceiling", *after], rows)


def pruning_findings() -> str:
    """What ten points of pruning do."""
    left = files.defended("gtsrb")
    gone = [name for name in _attacks() if left[name, files.TEN_POINTS]["attack_success"] < 1]
    recovered = [left[name, files.TEN_POINTS]["recovered_accuracy"] for name in gone]
    working = [name for name in gone if name != "ftrojan-clean-label"]
    most = max(left[name, files.TEN_POINTS]["recovered_accuracy"] for name in working)
    return bullets(
        [
            claim(
                "At a drop of 10 points, pruning brings"
                f" {listed([_attacks()[name]['title'] for name in working])} below 1 %, but at most"
                f" {most:.0f} % of their triggered images are classified correctly.",
                len(recovered) == len(working) + 1,
                most < 70,
            )
        ]
    )


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
    short, trained = _attacks(), files.by("model", files.rows(LONGER))
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
                f" {_number(len(helped)).lower()} of them to {min(helped):.0f} % or more, and none"
                f" costs more than {cost:.1f} points of clean accuracy. What WaNet and IAB cost"
                " after three epochs is the price of a training cut short.",
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
                _ceiling(row),
                *(after(name, text) for text in (UNTOUCHED, *(REPAIRS[o].title for o in OTHERS))),
            ]
            for name, row in _attacks().items()
        ],
    )


def _ft_sam() -> str:
    attacks, cost = _attacks(), _costs("ft-sam")

    def halved(name: str) -> int:
        return sum(_success(name, a) < row["attack_success"] / 2 for a, row in attacks.items())

    return claim(
        f"**FT-SAM helps most widely** and costs at most {max(cost.values()):.1f} points of clean"
        f" accuracy; on WaNet it gains {-cost['wanet']:.1f}. Fine-tuning and NAD go less far on the"
        " same way.",
        max(cost.values()) < 0.5,
        cost["wanet"] < -1,
        max(OTHERS, key=halved) == "ft-sam",
    )


def _anp_and_rnp() -> str:
    fine = [_success(name, attack) for name in ("anp", "rnp") for attack in ("ftrojan-rgb", "bpp")]
    rising = min(_success(name, "sig") for name in ("anp", "rnp", "clp"))
    return claim(
        "**ANP and RNP do much against fine structure and WaNet,** for up to"
        f" {max(_costs('anp').values()):.1f} and {max(_costs('rnp').values()):.1f} points. RNP"
        " leaves FTrojan and the random patch as they are. SIG's attack success rises after both,"
        " as it does after CLP.",
        max(fine) < 5,
        max(_success("anp", "wanet"), _success("rnp", "wanet")) < 30,
        min(_success("rnp", "ftrojan"), _success("rnp", "dynamic")) > 95,
        rising > _attacks()["sig"]["attack_success"],
    )


def _i_bau_and_fine_pruning() -> str:
    def changed(name: str) -> list[str]:
        return [
            row["title"]
            for attack, row in _attacks().items()
            if not files.unchanged(_left(attack, REPAIRS[name].title))
        ]

    once = changed("i-bau")
    return claim(
        f"**I-BAU changes {_number(len(once)).lower()} network ({listed(once)}), and fine-pruning"
        " none:** within one point of clean accuracy, no setting is allowed.",
        len(once) == 1,
        not changed("fine-pruning"),
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
                f"**The same seed gives other figures on another machine.** {_number(len(clean))}"
                " of the networks were trained on two machines ([first](first-machine.csv))."
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


def on_signs() -> str:
    """Every attack on the drawn signs."""
    left = files.defended("signs")
    return table(
        [
            *("attack on `signs`", "clean", "cost", "attack success", "ceiling"),
            *("pruned, 10 points", "CLP"),
        ],
        [
            [
                row["title"],
                f"{row['clean_accuracy']:.2f}",
                f"{row['clean_cost']:.2f}" if row["rate"] else "",
                f"{row['attack_success']:.2f}" if row["rate"] else "",
                _ceiling(row) if row["rate"] else "",
                *(
                    _two(left[row["attack"], defense]) if row["rate"] else ""
                    for defense in (files.TEN_POINTS, CLP)
                ),
            ]
            for row in files.rows("report/attacks-signs/attacks.csv")
        ],
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
                    found[name]["attack_success"] < _attacks()[name]["attack_success"]
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
            claim(
                "The pruning-aware attacker does worse: at a drop of 10 points"
                f" {aware:.0f} % of the attacks still succeed. That network was trained further"
                " from `signs-clean`, so it costs no clean accuracy.",
                aware < 50,
                found["pruning-aware"]["clean_cost"] < 0,
                found["pruning-aware"]["surrogate"] == "signs-clean",
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
    badnets = _attacks()["badnets"]
    rows = []
    for title, (file, psnr, ssim) in QAFM.items():
        path = PROJECT / "report" / f"{file}-fidelity.json"
        here = json.loads(path.read_text("utf-8")) if file else {}
        own = (here.get("psnr_db", badnets["psnr"]), here.get("ssim", badnets["ssim"]))
        rows.append([title, f"{psnr:.2f} / {ssim:g}", f"{own[0]:.2f} / {own[1]:.4f}"])
    return table(["trigger", "published: PSNR (dB) / SSIM", "here"], rows)


def _attacks() -> dict[str, files.Row]:
    return {row["attack"]: row for row in files.rows(TABLE) if row["rate"]}


def _is_ftrojan(name: str) -> bool:
    return name.startswith("ftrojan") or name == "pruning-aware"


def _left(attack: str, defense: str) -> files.Row:
    """What a defense left of an attack on GTSRB."""
    return files.defended("gtsrb")[attack, defense]


def _success(repair: str, attack: str) -> float:
    """Attack success, percent, after a repair."""
    return _left(attack, REPAIRS[repair].title)["attack_success"]


def _costs(repair: str) -> dict[str, float]:
    """Points of clean accuracy that a repair costs, by attack."""
    title = REPAIRS[repair].title
    return {
        attack: row["clean_accuracy"] - _left(attack, title)["clean_accuracy"]
        for attack, row in _attacks().items()
    }


def _working() -> list[str]:
    """The attacks that succeed more than half of the time."""
    return [name for name, row in _attacks().items() if row["attack_success"] > WORKING]


def _undone() -> list[str]:
    """Those of them that trigger unlearning leaves at most `UNDONE` percent of."""
    return [name for name in _working() if _success(RECOMMENDED, name) <= UNDONE]


def _name(attack: str) -> str:
    title: str = _attacks()[attack]["title"]
    return title


def _ceiling(row: files.Row) -> str:
    """The ceiling of recovered accuracy, percent."""
    return "not known" if math.isnan(row["ceiling"]) else f"{row['ceiling']:.1f}"


def _number(count: int) -> str:
    words = "No One Two Three Four Five Six Seven Eight Nine Ten Eleven Twelve Thirteen"
    return words.split()[count]


def _two(row: files.Row) -> str:
    return files.figures(row, files.METRICS[1:])


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
    "attack-longer": longer,
    "attack-longer-findings": longer_findings,
    "attack-other-repairs": other_repairs,
    "attack-other-findings": bullet_list(_ft_sam, _anp_and_rnp, _i_bau_and_fine_pruning),
    "attack-machines": machines,
    "attack-signs": on_signs,
    "attack-signs-findings": signs_findings,
    "attack-published": published,
    "attack-fidelity": fidelity,
}
