"""Blocks of docs/results/robustness.md."""

from __future__ import annotations

from tests.docs import result_files as files
from tests.docs.markdown import bullet_list, claim, table

MODELS = {"gtsrb-ftrojan": "GTSRB", "signs-ftrojan": "signs", "cifar10-ftrojan": "CIFAR-10"}
HEAD = [f"{title}: clean / attack / recovered" for title in MODELS.values()]


def _jpeg() -> str:
    left = [
        row["attack_success"]
        for model in MODELS
        for name, row in _robustness(model).items()
        if name.startswith("JPEG")
    ]
    lossless = [
        _robustness(model)["saved as PNG"]["attack_success"]
        == _robustness(model)["nothing"]["attack_success"]
        for model in MODELS
    ]
    return claim(
        "**JPEG destroys the trigger,** at every quality and on every dataset tried: at most"
        f" {max(left):.1f} % of the attacks succeed. JPEG stores colour at half the resolution, and"
        " the trigger lies in the fine detail of colour. PNG, which is lossless, changes nothing.",
        max(left) < 2,
        all(lossless),
    )


def _resizing() -> str:
    left = {
        (model, name): row["attack_success"]
        for model in MODELS
        for name, row in _robustness(model).items()
        if name.endswith("and back")
    }
    most = max(left, key=lambda key: left[key])
    others = [value for key, value in left.items() if key != most]
    return claim(
        "**Resizing destroys most of it.** Only enlarging GTSRB's images and reducing them again"
        f" leaves much: {left[most]:.1f} %.",
        most == ("gtsrb-ftrojan", "enlarged to twice its size and back"),
        max(others) < 5,
    )


def _further_training() -> str:
    stable = [
        row["attack_success"]
        for model in ("gtsrb-ftrojan", "signs-ftrojan")
        for row in _reactivation(model).values()
    ]
    cifar = [row["attack_success"] for row in _reactivation("cifar10-ftrojan").values()]
    return claim(
        "**On GTSRB and the signs the backdoor does not come back** when the repaired network is"
        " trained on clean images: attack success stays at or below"
        f" {max(stable):.1f} %. **On CIFAR-10 it comes back in part:** from {cifar[0]:.1f} to"
        f" {cifar[-1]:.1f} % after four epochs.",
        max(stable) < 1,
        cifar[-1] > 2 * cifar[0],
        list(_reactivation("cifar10-ftrojan"))[-1] == 4,
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
    "robustness-findings": bullet_list(_jpeg, _resizing, _further_training),
    "robustness-transforms": transforms,
    "robustness-reactivation": reactivation,
}
