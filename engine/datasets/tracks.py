"""Tracks: which images show the same object, told from their file names by a pattern."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.core.errors import UserError, quoted

MAX_PATTERN = 200  # characters
SECONDS = 10  # for all names of a dataset
_PROGRAM = Path(__file__).with_name("match_names.py")
_SUGGESTED = r"(\d+)[_-]\d+\.\w+$"  # TRACK_FRAME, as in GTSRB
_LOOKED_AT = 100  # characters at the end of a name
_EACH = 2  # images of a track at least, on average


def check_pattern(pattern: str) -> str:
    """`pattern`, if it is one.

    Raises:
        UserError: it is too long, no regular expression, or has no group.
    """
    if len(pattern) > MAX_PATTERN:
        raise UserError(f"The pattern for tracks is too long: {MAX_PATTERN} characters at most.")
    try:
        groups = re.compile(pattern).groups
    except (re.error, RecursionError, OverflowError) as error:
        raise UserError(
            f"The pattern {quoted(pattern)} is not a regular expression ({error}): try {_SUGGESTED}"
        ) from None
    if not groups:
        raise UserError(
            f"The pattern {quoted(pattern)} has no group: put the part of the name that says which"
            " object it is in parentheses."
        )
    return pattern


def find_tracks(pattern: str, names: Sequence[str]) -> np.ndarray:
    """The number of the object that each image shows: int64 [n].

    Args:
        pattern: a regular expression that is searched for in file names; its first group tells
            objects apart.
        names: of images; only what follows the last "/" counts.

    Raises:
        UserError: the pattern is unfit, does not match a name, or takes too long.
    """
    check_pattern(pattern)
    files = [name.rpartition("/")[2] for name in names]
    found = _match(pattern, files)
    missing = next((file for file, key in zip(files, found, strict=True) if key is None), None)
    if missing is not None:
        count = sum(key is None for key in found)
        raise UserError(
            f"The pattern {quoted(pattern)} does not match {count} of the {len(files)} file names,"
            f" such as {quoted(missing)}: change it, or leave it out."
        )
    numbers = {key: number for number, key in enumerate(dict.fromkeys(found))}
    return np.array([numbers[key] for key in found], np.int64)


def _match(pattern: str, files: Sequence[str]) -> list[str | None]:
    """The first group for each name, matched in a process that is ended if it takes too long."""
    asked = json.dumps({"pattern": pattern, "names": list(files)})
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(_PROGRAM)],
            input=asked,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=True,
        )
    except subprocess.TimeoutExpired:
        raise UserError(
            f"The pattern {quoted(pattern)} takes too long to match: make it simpler."
        ) from None
    except (OSError, subprocess.CalledProcessError) as error:
        raise UserError(f"The pattern {quoted(pattern)} could not be matched.") from error
    answer: list[str | None] = json.loads(done.stdout)
    return answer


def suggest_pattern(names: Sequence[str]) -> str:
    """A pattern if all names look like TRACK_FRAME, with two frames or more each; else empty."""
    tracks = set()
    for name in names:
        folder, _, file = name.rpartition("/")
        match = re.search(_SUGGESTED, file[-_LOOKED_AT:])
        if match is None:
            return ""
        tracks.add((folder, match[1]))
    return _SUGGESTED if names and _EACH * len(tracks) <= len(names) else ""
