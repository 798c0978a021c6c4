"""Blocks of docs/results/repairs.md."""

from __future__ import annotations

import re

import pandas as pd

from engine.defenses.detectors.trigger_inversion import THRESHOLD
from engine.defenses.repairs import RECOMMENDED, REPAIRS
from engine.experiments.recovery_ceiling import columns
from tests.docs import result_files as files
from tests.docs.markdown import bullet_list, bullets, claim, listed, table

SEEDS = ("gtsrb-ftrojan", "gtsrb-ftrojan-seed1", "gtsrb-ftrojan-seed2")
CLEAN = ("gtsrb-clean", "signs-clean")
SURE = 95.0  # percent
SCREENED = (
    *(*SEEDS, "gtsrb-clean", "signs-ftrojan", "signs-clean"),
    *("cifar10-ftrojan", "cifar10-clean"),
)
JPEG = "JPEG, quality"


def _best() -> str:
    before, best = _over_seeds("As it is"), _over_seeds(_title(RECOMMENDED))
    return claim(
        f"**Use trigger unlearning.** {_left(best)} Clean accuracy goes from"
        f" {before['clean_accuracy']:.1f} to {best['clean_accuracy']:.1f} %.",
        best["attack_success_max"] < 1,
        best["models"] == 3,
    )


def _without_a_class() -> str:
    row = _over_seeds(_title("ft-sam"))
    return claim(
        "**Where no class is flagged, try two repairs that need none.** Sharpness-aware"
        f" fine-tuning (FT-SAM) undoes FTrojan: {_left(row)[0].lower()}{_left(row)[1:]} Clean"
        f" accuracy ends at {row['clean_accuracy']:.1f} %. Activation caps leave FTrojan"
        f" ({_over_seeds(_title('activation-caps'))['attack_success']:.0f} %), but undo small"
        " visible triggers in seconds: see [attacks](attacks.md).",
        row["attack_success_max"] < 1,
        _over_seeds(_title("activation-caps"))["attack_success"] > 80,
    )


def _without_training() -> str:
    row = _over_seeds(_title("clp"))
    cost = _over_seeds("As it is")["clean_accuracy"] - row["clean_accuracy"]
    return claim(
        "**Without any training, use CLP.** It finds the channels by the weights alone."
        f" {_left(row)} It costs {cost:.1f} points of clean accuracy.",
        row["attack_success_max"] < 1,
    )


def _not_enough() -> str:
    rows = [_over_seeds(_title(name)) for name in ("fine-tuning", "fine-pruning", "nad")]
    least = min(row["attack_success_min"] for row in rows)
    most = max(row["attack_success_max"] for row in rows)
    return claim(
        "**Fine-tuning, fine-pruning and NAD are not enough.** Held to one point of clean"
        f" accuracy, they leave {least:.0f} to {most:.0f} % of the attacks.",
        least > 30,
    )


def _pruning() -> str:
    rows = [
        row
        for row in files.rows("report/repairs-gtsrb.csv")
        if row["title"].startswith("Pruning, as in the paper")
    ]
    most = max(row["recovered_accuracy_max"] for row in rows)
    return claim(
        f"**The paper's pruning recovers at most {most:.1f} %** of the triggered images, at any"
        " threshold.",
        len(rows) == 4,
        most < 10,
    )


def ceiling() -> str:
    """Recovered accuracy beside that of a network without the backdoor."""
    mean = _over_seeds(_title(RECOMMENDED))
    gtsrb = files.ceiling("gtsrb-ftrojan")
    assert gtsrb is not None
    ceilings, reached = zip(*map(_ceiling_and_reached, ("signs", "cifar10")), strict=True)
    return bullets(
        [
            claim(
                "**How good could a repair be?** A network trained without the backdoor classifies"
                f" {gtsrb:.1f} % of GTSRB's triggered images correctly (`gtsrb-clean`): the"
                " ceiling. Trigger unlearning reaches"
                f" {mean['recovered_accuracy']:.1f} %. On the drawn signs the ceiling is"
                f" {ceilings[0]:.1f} % and trigger unlearning reaches {reached[0]:.1f} %; on"
                f" CIFAR-10 {ceilings[1]:.1f} and {reached[1]:.1f} %.",
                abs(gtsrb - mean["recovered_accuracy"]) < 1,
                all(below < top for below, top in zip(reached, ceilings, strict=True)),
            )
        ]
    )


def _ceiling_and_reached(dataset: str) -> tuple[float, float]:
    """The ceiling of a dataset's network, and the recovered accuracy of its repaired copy."""
    ceiling = files.ceiling(f"{dataset}-ftrojan")
    assert ceiling is not None
    return ceiling, files.scores(f"{dataset}-ftrojan-repaired")["recovered_accuracy"]


def over_seeds() -> str:
    """Every repair on the paper's networks."""

    def spread(row: files.Row, metric: str, digits: int) -> str:
        mean, low, high = (row[metric + end] for end in ("", "_min", "_max"))
        return f"{mean:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"

    return table(
        [
            *("", "clean accuracy", "attack success", "recovered accuracy", "of the ceiling"),
            *("DER", "seconds"),
        ],
        [
            [
                _emphasized(row["title"]),
                spread(row, "clean_accuracy", 1),
                spread(row, "attack_success", 2),
                spread(row, "recovered_accuracy", 1),
                f"{row['recovered_of_ceiling']:.0f} %",
                f"{row['der']:.3f}",
                "" if pd.isna(row["seconds_max"]) else f"{row['seconds_max']:.0f}",
            ]
            for row in files.rows("report/repairs-gtsrb.csv")
        ],
    )


def other_models() -> str:
    """Every repair on the drawn signs and on CIFAR-10."""
    shown = (
        files.repairs_of("signs-ftrojan"),
        files.repairs_of("signs-ftrojan", SURE),
        files.repairs_of("cifar10-ftrojan"),
    )
    ceilings = [
        files.ceiling(name) for name in ("signs-ftrojan", "signs-ftrojan", "cifar10-ftrojan")
    ]

    def after(name: str) -> list[str]:
        beside = [
            columns(found[name]["recovered_accuracy"], ceiling)
            for found, ceiling in zip(shown, ceilings, strict=True)
        ]
        return [
            files.figures(found[name] | share) for found, share in zip(shown, beside, strict=True)
        ]

    known = ["not known" if ceiling is None else f"{ceiling:.1f}" for ceiling in ceilings]
    before = after("none")
    rows = [["ceiling", *known], ["before repair", before[0], "", before[2]]]
    rows += [[_emphasized(_title(name)), *after(name)] for name in files.measured_repairs()]
    return table(["repair", "`signs-ftrojan`", "95 % confidence", "`cifar10-ftrojan`"], rows)


def other_findings() -> str:
    """What the drawn signs and CIFAR-10 add."""
    signs, cifar = files.repairs_of("signs-ftrojan"), files.repairs_of("cifar10-ftrojan")
    helping = [
        name
        for name in files.measured_repairs()
        if name != RECOMMENDED and cifar[name]["attack_success"] < 90
    ]
    clp, left = cifar["clp"], cifar[RECOMMENDED]["attack_success"]
    robust = files.rows("models/cifar10-ftrojan/robustness.csv")
    jpeg = [row["attack_success"] for row in robust if row["transform"].startswith(JPEG)]
    return bullets(
        [
            claim(
                "On the drawn signs, trigger unlearning costs"
                f" {_cost(signs, RECOMMENDED):.1f} points of clean accuracy.",
                _cost(signs, RECOMMENDED) < 0.5,
            ),
            claim(
                f"On CIFAR-10 it costs {_cost(cifar, RECOMMENDED):.2f} points and leaves"
                f" {left:.1f} % of the attacks: more than JPEG compression, which destroys the"
                f" trigger, leaves ({max(jpeg):.1f} %).",
                left > max(jpeg),
                _cost(cifar, RECOMMENDED) <= 1,
            ),
            claim(
                f"Of the others, only {listed([_title(name) for name in helping])} bring attack"
                " success on CIFAR-10 below 90 %. CLP leaves"
                f" {clp['attack_success']:.1f} % and costs {_cost(cifar, 'clp'):.1f} points.",
                clp["attack_success"] < 5,
            ),
        ]
    )


def clean_cost() -> str:
    """Points of clean accuracy lost on networks without a backdoor."""

    def cost(found: dict[str, files.Row], name: str) -> str:
        lost = round(_cost(found, name), 2) + 0.0  # no "-0.00"
        return f"{lost:.2f}" + (" *" if files.unchanged(found[name]) else "")

    shown = [files.repairs_of(model, sure) for model in CLEAN for sure in (files.AS_MEASURED, SURE)]
    return table(
        ["repair", *(cell for model in CLEAN for cell in (f"`{model}`", "95 % confidence"))],
        [
            [_emphasized(_title(name)), *(cost(found, name) for found in shown)]
            for name in files.measured_repairs()
        ],
    )


def clean_findings() -> str:
    """What repairs do to a network without a backdoor."""
    measured = {model: files.repairs_of(model) for model in CLEAN}
    sure = {model: files.repairs_of(model, SURE) for model in CLEAN}
    over = [
        (name, model, _cost(found, name))
        for model, found in measured.items()
        for name in files.measured_repairs()
        if _cost(found, name) > 1
    ]
    costly = [f"{_title(name)} on `{model}` ({lost:.1f})" for name, model, lost in over]
    still = [(name, model) for name, model, _ in over if _cost(sure[model], name) > 1]
    anp = sure["gtsrb-clean"]["anp"]
    return bullets(
        [
            claim(
                "On a network without a backdoor no class is flagged, and trigger unlearning"
                " changes nothing.",
                all(files.unchanged(found[RECOMMENDED]) for found in measured.values()),
            ),
            claim(
                "The other repairs cost at most one point, except"
                f" {listed(costly)}."
                " Validation images are a sample: test images may lose more than they do.",
                len(over) == 5,
            ),
            claim(
                "With 95 % confidence, four of these five stay within one point. ANP on"
                f" `gtsrb-clean` does not ({_cost(sure['gtsrb-clean'], 'anp'):.1f}): it classifies"
                f" its validation images better than before ({anp['validation_accuracy']:.1f} %),"
                " so no confidence limit on their loss can warn.",
                still == [("anp", "gtsrb-clean")],
                anp["validation_accuracy"] > 98.5,
            ),
        ]
    )


def detections() -> str:
    """What trigger inversion finds on seven networks."""
    rows = []
    for model in SCREENED:
        found = files.rows(f"models/{model}/detection.csv")
        flagged = [row for row in found if row["flagged"]]
        backdoor = "yes" if files.card(model)["poisoned"] else "no"
        named = f"{flagged[0]['label']} ({flagged[0]['name']})" if flagged else "none"
        rows.append([f"`{model}`", backdoor, named, f"{_highest_score(model):.1f}"])
    head = ["network", "backdoor", "class flagged", "highest score (points)"]
    return table(head, rows)


def detection_findings() -> str:
    """How far backdoored networks are from clean ones."""
    backdoored = [model for model in SCREENED if files.card(model)["poisoned"]]
    clean = [model for model in SCREENED if model not in backdoored]
    right = all(
        row["label"] == files.card(model)["target"]
        for model in backdoored
        for row in files.rows(f"models/{model}/detection.csv")
        if row["flagged"]
    )
    scores = [_highest_score(model) for model in backdoored]
    highest_clean = max(map(_highest_score, clean))
    return bullets(
        [
            claim(
                "**Trigger inversion flags the attacker's class on each of these backdoored"
                " networks, and no class on the clean ones.** The attacker's class scores"
                f" {min(scores):.0f} to {max(scores):.0f} points; on clean networks the highest"
                f" score is {highest_clean:.1f}, and the threshold {THRESHOLD:g}. How often that"
                " holds on other networks: [detection](detection.md).",
                right,
                min(scores) >= THRESHOLD,
                highest_clean < THRESHOLD,
            )
        ]
    )


def interpolation() -> str:
    """How far the fine-tuning repairs go."""
    shares = {
        name: sorted(_share(files.repairs_of(model)[name]) for model in SEEDS)
        for name in ("ft-sam", "fine-tuning", "nad")
    }
    others = [*shares["fine-tuning"], *shares["nad"]]
    return bullets(
        [
            claim(
                "Fine-tuning, NAD and FT-SAM train once and then go only part of the way, in"
                " tenths, on the straight line from the old weights to the new: as far as the"
                f" accuracy budget allows. On the three seeds that is {shares['ft-sam'][0]} % for"
                f" FT-SAM and {min(others)} to {max(others)} % for the other two.",
                len(set(shares["ft-sam"])) == 1,
            )
        ]
    )


def _share(row: files.Row) -> int:
    found = re.search(r"(\d+)% of the way", row["summary"])
    assert found is not None
    return int(found[1])


def _highest_score(model: str) -> float:
    return max(float(row["score"]) for row in files.rows(f"models/{model}/detection.csv"))


def _over_seeds(title: str) -> files.Row:
    return files.by("title", files.rows("report/repairs-gtsrb.csv"))[title]


def _left(row: files.Row) -> str:
    return (
        f"On the paper's three networks it leaves at most {row['attack_success_max']:.2f} % attack"
        f" success, and at least {row['recovered_accuracy_min']:.1f} % of the triggered images are"
        " classified correctly."
    )


def _cost(found: dict[str, files.Row], name: str) -> float:
    return found["none"]["clean_accuracy"] - found[name]["clean_accuracy"]


def _title(name: str) -> str:
    return REPAIRS[name].title


def _emphasized(title: str) -> str:
    return f"**{title}**" if title == _title(RECOMMENDED) else title


BLOCKS = {
    "repairs-findings": bullet_list(
        _best, _without_a_class, _without_training, _not_enough, _pruning
    ),
    "repairs-ceiling": ceiling,
    "repairs-over-seeds": over_seeds,
    "repairs-other-models": other_models,
    "repairs-other-findings": other_findings,
    "repairs-clean-cost": clean_cost,
    "repairs-clean-findings": clean_findings,
    "repairs-interpolation": interpolation,
    "detections": detections,
    "detection-findings": detection_findings,
}
