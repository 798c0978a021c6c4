"""Files from strangers: `opening` has a limited child process open them."""

from engine.networks.untrusted.opening import (
    PROBLEM,
    OpenedNetwork,
    checksum,
    open_network_file,
    own_parts,
    rewritten_arrays,
    rewritten_parts,
)
from engine.networks.untrusted.parts import Parts

__all__ = [
    "PROBLEM",
    "OpenedNetwork",
    "Parts",
    "checksum",
    "open_network_file",
    "own_parts",
    "rewritten_arrays",
    "rewritten_parts",
]
