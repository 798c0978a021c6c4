"""Blocks of docs/results/robustness.md."""

from __future__ import annotations

from tests.docs import result_files as files
from tests.docs.markdown import bullets, claim, table

MODELS = {"gtsrb-ftrojan": "GTSRB", "signs-ftrojan": "signs", "cifar10-ftrojan": "CIFAR-10"}
HEAD = [f"{title}: clean / attack / recovered" for title in MODELS.values()]


def findings() -> str:
    """Whether the trigger and the repair last."""
    robust = {model: _robustness(model) for model in MODELS}
    jpeg = [
        row["attack_success"]
        for found in robust.values()
        for name, row in found.items()
        if name.startswith("JPEG")
    ]
    png = all(
        found["saved as PNG"]["attack_success"] == found["nothing"]["attack_success"]
        for found in robust.values()
    )
    enlarged = robust["gtsrb-ftrojan"]["enlarged to twice its size and back"]["attack_success"]
    trained = {model: _reactivation(model) for model in MODELS}
    stable = [
        row["attack_success"]
        for model in ("gtsrb-ftrojan", "signs-ftrojan")
        for row in trained[model].values()
    ]
    cifar = trained["cifar10-ftrojan"]
    return bullets(
        [
            claim(
                "**JPEG destroys the trigger,** at every quality and on every dataset tried: at"
                f" most {max(jpeg):.1f} % of the attacks succeed. JPEG stores colour at half the"
                " resolution, and the trigger lies in the fine detail of colour. PNG, which"
                " is lossless, changes nothing.",
                max(jpeg) < 2,
                png,
            ),
            claim(
                "**Resizing destroys most of it.** Only enlarging GTSRB's images and reducing them"
                f" again leaves much: {enlarged:.1f} %.",
                all(
                    row["attack_success"] < 5
                    for model, found in robust.items()
                    for name, row in found.items()
                    if "and back" in name and not (model == "gtsrb-ftrojan" and "enl" in name)
                ),
            ),
            claim(
                "**On GTSRB and the signs the backdoor does not come back** when the repaired"
                " network is trained on clean images: attack success stays at or below"
                f" {max(stable):.1f} %. **On CIFAR-10 it comes back in part:** from"
                f" {cifar[0]['attack_success']:.1f} to {cifar[4]['attack_success']:.1f} % after"
                " four epochs.",
                max(stable) < 1,
                cifar[4]["attack_success"] > 2 * cifar[0]["attack_success"],
            ),
        ]
    )


def transforms() -> str:
    """What is done to a triggered image on its way to the network."""
    found = [_robustness(model) for model in MODELS]
    return table(
        ["the image is", *HEAD],
        [
            [
                "left as it is" if name == "nothing" else name,
                *(files.figures(rows[name], digits=2) for rows in found),
            ]
            for name in found[0]
        ],
    )


def reactivation() -> str:
    """The repaired network, trained on."""
    found = [_reactivation(model) for model in MODELS]
    return table(
        ["epochs on clean images", *HEAD],
        [
            [str(epochs), *(files.figures(rows[epochs], digits=2) for rows in found)]
            for epochs in found[0]
        ],
    )


def _robustness(model: str) -> dict[str, files.Row]:
    return files.by("transform", files.rows(f"models/{model}/robustness.csv"))


def _reactivation(model: str) -> dict[int, files.Row]:
    rows = files.rows(f"models/{model}-repaired/reactivation.csv")
    return {row["epochs"]: row for row in rows}


BLOCKS = {
    "robustness-findings": findings,
    "robustness-transforms": transforms,
    "robustness-reactivation": reactivation,
}
