"""How many processor cores this process may use."""

from __future__ import annotations

import os
from pathlib import Path

QUOTA = Path("/sys/fs/cgroup/cpu.max")  # of a container: microseconds of work per period, or "max"


def available_cores() -> int:
    """Cores that the system, and the limit of a container, leave to this process; at least 1."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min(cores, _quota() or cores))


def _quota() -> int:
    """Whole cores, at least 1, that the container's limit amounts to; 0 without a limit."""
    try:
        work, period = QUOTA.read_text(encoding="ascii").split()
        return max(1, round(int(work) / int(period)))
    except (OSError, ValueError, ZeroDivisionError):
        return 0
