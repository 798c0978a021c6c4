"""Files from strangers: `opening` has a limited child process open them."""

from engine.networks.untrusted.opening import (
    PROBLEM,
    checksum,
    own_parts,
    rebuilt,
    rewritten_arrays,
    rewritten_parts,
)
from engine.networks.untrusted.parts import Parts

__all__ = [
    "PROBLEM",
    "Parts",
    "checksum",
    "own_parts",
    "rebuilt",
    "rewritten_arrays",
    "rewritten_parts",
]
