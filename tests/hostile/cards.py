"""Cards that must be refused, each made from a genuine one; and other files beside a model."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

GENUINE = Path(__file__).parents[2] / "models" / "signs-clean" / "card.json"

ModelCard = dict[str, Any]
Maker = Callable[[Path], object]

CARDS: dict[str, Maker] = {}
TABLES: dict[str, Maker] = {}
TRIGGERS: dict[str, Maker] = {}


def genuine() -> ModelCard:
    found: ModelCard = json.loads(GENUINE.read_text())
    return found


def content(title: str, /, data: bytes) -> None:
    CARDS[title] = lambda path: path.write_bytes(data)


def field(title: str, /, **values: Any) -> None:
    """A card with other values."""
    CARDS[title] = lambda path: path.write_text(json.dumps(genuine() | values))


def inside(title: str, /, part: str, **values: Any) -> None:
    """A card with other values in one of its tables."""
    CARDS[title] = lambda path: path.write_text(
        json.dumps(genuine() | {part: genuine()[part] | values})
    )


def without(title: str, /, part: str, key: str) -> None:
    def make(path: Path) -> None:
        card = genuine()
        del card[part][key]
        path.write_text(json.dumps(card))

    CARDS[title] = make


content("empty", b"")
content("not-json", b"{")
content("a-list", b"[]")
content("not-utf8", b"\xff\xfe\x00{")
content("a-hundred-thousand-brackets", b"[" * 100_000)
content("a-hundred-thousand-tables", b'{"a":' * 100_000)
content("an-endless-number", b'{"target": ' + b"9" * 50_000 + b"}")
content("two-megabytes", b" " * (2 << 20) + b"{}")
content("only-a-name", b'{"name": "theirs"}')
CARDS["a-pipe"] = os.mkfifo
CARDS["a-folder"] = Path.mkdir
CARDS["a-link-to-a-device"] = lambda path: path.symlink_to("/dev/zero")
field("scores-as-text", scores={"test": "good", "validation": "good"})
inside("a-score-as-text", "scores", test={"clean_accuracy": "97"})
inside("a-score-of-infinity", "scores", test=dict.fromkeys(("clean_accuracy",), float("inf")))
without("without-validation", "scores", "validation")
field("images-of-infinity", image_shape=[float("inf"), 32, 3])
field("images-of-thirty-thousand", image_shape=[30_000, 30_000, 3])
field("images-of-minus-five", image_shape=[-5, -5, 3])
field("images-of-four-channels", image_shape=[32, 32, 4])
field("images-of-text", image_shape="32x32")
without("no-epoch-kept", "training", "epoch_kept")
inside("an-epoch-of-text", "training", epoch_kept="best")
inside("stopped-as-text", "training", stopped="no")
field("created-as-a-number", created=20_260_101)
field("created-in-words", created="yesterday")
field("another-name", name="somebody-else")
field("a-name-with-a-slash", name="../theirs")
field("a-name-of-a-thousand-letters", name="a" * 1000)
field("a-target-of-text", target="ten")
field("a-target-of-a-half", target=0.5)
field("a-target-of-true", target=True)
field("no-such-target", target=10_000)
field("classes-as-a-number", class_names=43)
field("one-class", class_names=["only"], target=0)
field("a-hundred-thousand-classes", class_names=["x"] * 100_000)
field("a-class-of-a-megabyte", class_names=["x" * 900_000, "y"])
field("a-class-with-control-characters", class_names=["a\x1b[2J", "b"])
field("a-class-that-is-a-number", class_names=[1, 2])
field("no-commands", commands=[])
field("a-command-that-is-a-table", commands=[{}])
field("a-rate-of-two", rate=2)
field("a-rate-that-is-not-a-number", rate=float("nan"))
field("an-unknown-trigger", trigger="hypnosis")
field("a-trigger-out-of-bounds", trigger="ftrojan:bands=99x1")
field("a-trigger-that-is-a-list", trigger=["ftrojan"])
field("a-trigger-without-a-target", target=None)
field("a-target-without-a-trigger", trigger="")
field("trained-here-without-a-trigger", trigger="", target=None)
field("a-rate-without-a-count", poisoned=None)
field("trained-here-and-assumed", assumed=True)
field("assumed-as-text", assumed="yes")
field("imported-and-never-poisoned", imported={"file": "theirs.h5"})
field("imported-without-a-file", imported={"format": "h5"}, rate=None, poisoned=None, assumed=True)
field(
    "an-order-with-a-class-twice",
    imported={"file": "theirs.h5", "class_order": [0] * 43},
    **{"rate": None, "poisoned": None, "assumed": True},
)
field(
    "scores-of-an-unknown-trigger",
    imported={"file": "theirs.h5"},
    **{"trigger": "", "target": None, "rate": None, "poisoned": None},
)
field("a-repair-without-a-parent", repair={"method": "clp"})
field("a-repair-as-text", repair="repaired")
field("a-suite-as-number", suite=3)
field("a-poisoning-as-text", poisoning="secret")
field("a-pgd-epsilon-of-text", poisoning={"pgd_epsilon": "hard"})
field("dormant-without-a-surrogate", poisoning={"dormant_share": 0.5})
field("a-surprise", surprise=1)
field("another-format", format=7)
field("another-scaling", scaling="-1 to 1")
field("no-checksum", sha256="x")
field("versions-as-a-list", versions=[1])

CURVE = "curve-conv2d_5-clean-activation"


def table(name: str, file: str, data: bytes) -> None:
    TABLES[name] = lambda folder: (folder / f"{file}.csv").write_bytes(data)


table("an-empty-history", "history", b"")
table("a-history-of-text", "history", b"epoch,loss\none,two\n")
table("a-binary-history", "history", bytes(range(256)) * 10)
table("a-history-in-another-alphabet", "history", "epoch,loss\n1,2\n".encode("utf-16"))
table("activations-without-channels", "activations", b"layer,clean_mean\nconv2d,1\n")
table("activations-not-numbers", "activations", b"layer,channel\nconv2d,x\n")
table("repairs-without-methods", "repairs", b"a,b\n1,2\n")
SCAN = "label,name,score,flagged,margin,p_value,family,size,unit,success\n"
table("a-scan-of-text", "detection", f"{SCAN}0,a,loud,perhaps,,,,,,\n".encode())
table("a-scan-of-an-older-version", "detection", b"label,name,psnr_db,flagged\n0,a,42,True\n")
table("a-scan-that-flags-nothing-it-knows", "detection", f"{SCAN}0,a,9,True,,,,,,\n".encode())
table("sizes-of-text", "pattern-sizes", b"family,label,size\npatch,0,small\n")
table(
    "a-trigger-of-one-number",
    "recovered-trigger",
    b"array,row,column,channel,value\nmask,9,9,0,1\n",
)
table("a-processing-of-text", "robustness", b"transform,clean_accuracy\njpeg,good\n")
TABLES["a-history-of-twenty-megabytes"] = lambda folder: (folder / "history.csv").write_bytes(
    b"epoch,loss\n" + b"1,2\n" * (5 << 20)
)
TABLES["a-history-that-is-a-pipe"] = lambda folder: os.mkfifo(folder / "history.csv")
TABLES["a-history-that-is-a-folder"] = lambda folder: (folder / "history.csv").mkdir()


def curve(name: str, *rows: str) -> None:
    head = "step,channel,fraction,clean_accuracy,attack_success,recovered_accuracy\n"

    def make(folder: Path) -> None:
        for half in ("", "-validation"):
            (folder / f"{CURVE}{half}.csv").write_text(head + "\n".join(rows) + "\n")

    TABLES[name] = make


curve("a-curve-of-text", "0,-1,0,high,low,none")
curve("a-curve-of-a-channel-a-million", "0,-1,0,90,90,1", "1,1000000,1,90,90,1")
curve("a-curve-without-a-start", "5,3,0.5,90,90,1")
curve("a-curve-over-a-hundred-per-cent", "0,-1,0,1000,90,1", "1,0,1,90,90,1")


def trigger(name: str, write: Callable[[Path], object]) -> None:
    TRIGGERS[name] = write


def of_arrays(**arrays: Any) -> Callable[[Path], object]:
    def write(path: Path) -> None:
        with path.open("wb") as file:
            np.savez(file, **arrays)

    return write


def bomb(path: Path) -> None:
    """An array of a gigabyte of zeros in a megabyte."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": (1 << 30,)}
    )
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("patch.npy", "w", force_zip64=True) as member,
    ):
        member.write(header.getvalue())
        for _ in range(1 << 10):
            member.write(bytes(1 << 20))


trigger("nothing", lambda path: path.write_bytes(b""))
trigger("a-pickle", of_arrays(patch=np.array([object()], dtype=object)))
trigger("texts", of_arrays(patch=np.array(["a"])))
trigger("other-contents", of_arrays(patch=np.zeros((7, 7, 3))))
trigger("a-gigabyte", bomb)
trigger("a-pipe", os.mkfifo)

# What a file may hold whose name is right, for the TrojanNN trigger's patch of 7 pixels.
ARRAYS = {
    "another-array": {"other": np.zeros((7, 7, 3))},
    "one-array-more": {"patch": np.zeros((7, 7, 3)), "other": np.zeros(1)},
    "another-shape": {"patch": np.zeros((3,))},
    "another-size": {"patch": np.zeros((9, 9, 3))},
    "not-a-number": {"patch": np.full((7, 7, 3), np.nan)},
}
