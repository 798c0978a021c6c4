"""What must be settled before any test imports NumPy or TensorFlow."""

import os

import pytest
from xdist.scheduler import LoadScopeScheduling

# As `engine.core.tensorflow_runtime` chooses, whichever test imports TensorFlow first.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

if "PYTEST_XDIST_WORKER" in os.environ:
    # Tests run side by side, and so do the programs they start: one thread each, or all would
    # fight for the same cores.
    for threads in ("TF_NUM_INTRAOP_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(threads, "1")

# Tests that share what is made once a process: they run in one, one after the other.
TOGETHER = (
    "tests/browser",
    "tests/engine/datasets/test_signs.py",
    "tests/engine/defenses/test_spectral_inversion.py",
    "tests/engine/defenses/test_pruning.py",
    "tests/engine/attacks/test_learned_triggers.py",
    "tests/engine/defenses/test_every_repair.py",
    "tests/engine/store/test_shipped_models.py",
    "tests/hostile/test_served.py",
)


class Scheduling(LoadScopeScheduling):
    """Groups of tests go to a process whole, all others one by one."""

    def _split_scope(self, nodeid: str) -> str:
        return next((group for group in TOGETHER if nodeid.startswith(group)), nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Scheduling:
    """See `Scheduling`."""
    return Scheduling(config, log)
