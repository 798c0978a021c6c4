"""The files that this program wrote itself and may open without precautions.

They are known by their contents: those that come with the program from `models/SHA256SUMS`
(made by ``cd models && sha256sum */model.keras */trigger-*.npz > SHA256SUMS``), those written on
this computer from an empty file each in the cache. Everything else is a file from elsewhere, and
so is all that was written here once the cache is deleted; see `engine.networks.untrusted`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from engine.core import atomic_files, paths
from engine.networks.untrusted import checksum

_SHIPPED = paths.SHIPPED_MODELS / "SHA256SUMS"


def add(path: Path) -> str:
    """Remember that this program wrote the file; returns its SHA-256."""
    found = checksum(path)
    atomic_files.write_text(_mark(found), "")
    return found


def is_own(sha256: str) -> bool:
    """Whether this program wrote the file with that checksum, here or before it was shipped."""
    return sha256 in shipped() or _mark(sha256).exists()


@cache
def shipped() -> frozenset[str]:
    """Checksums of the networks and triggers that come with the program."""
    lines = _SHIPPED.read_text(encoding="utf-8").splitlines() if _SHIPPED.exists() else []
    return frozenset(line.split()[0] for line in lines if line)


def _mark(sha256: str) -> Path:
    return paths.cache_folder() / "own" / sha256
