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

# Tests that share what is made once in a process: each group runs in one process, in order.
# The longest groups come first, so that no process is still busy when the others have finished.
TOGETHER = (
    "tests/browser",
    "tests/engine/store/test_shipped_models.py",
    "tests/engine/defenses/test_every_repair.py",
    "tests/engine/attacks/test_learned_triggers.py",
    "tests/kills/test_kills.py::test_a_killed",
    "tests/engine/datasets/test_signs.py",
    "tests/engine/defenses/test_pruning.py",
    "tests/hostile/test_served.py",
    "tests/engine/defenses/test_inversion.py",
)

# Long tests that share nothing: after the groups and before all other tests.
LONG = (
    "tests/kills/test_kills.py::test_models",
    "tests/engine/experiments",
    "tests/benchmarks",
    "tests/engine/networks/test_untrusted.py",
    "tests/engine/core/test_jobs.py",
    "tests/engine/cli",
    "tests/pages/test_odd_models.py",
    "tests/pages/test_repairs_page.py",
    "tests/docs",
)


class Scheduling(LoadScopeScheduling):
    """Groups of tests go to one process each, all others one by one."""

    def _split_scope(self, nodeid: str) -> str:
        return next((group for group in TOGETHER if nodeid.startswith(group)), nodeid)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put groups and long tests first; the order stays otherwise as it was."""
    first = (*TOGETHER, *LONG)

    def place(item: pytest.Item) -> int:
        matches = (n for n, start in enumerate(first) if item.nodeid.startswith(start))
        return next(matches, len(first))

    items.sort(key=place)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Scheduling:
    """See `Scheduling`."""
    return Scheduling(config, log)
