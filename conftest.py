"""What must be settled before any test imports NumPy or TensorFlow."""

import os

# As `engine.quiet` chooses, whichever test imports TensorFlow first.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

if "PYTEST_XDIST_WORKER" in os.environ:
    # Tests run side by side, and so do the programs they start: one thread each, or all would
    # fight for the same cores.
    for threads in ("TF_NUM_INTRAOP_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(threads, "1")
