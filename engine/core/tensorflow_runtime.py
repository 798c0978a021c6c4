"""Importing TensorFlow with the right settings and without its start-up messages."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def import_tensorflow() -> None:
    """Import TensorFlow and run a first operation, with nothing written to standard error."""
    if "tensorflow" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # oneDNN's convolutions are faster; TensorFlow chooses them on some processors only.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with _silent_standard_error():
        import tensorflow

        tensorflow.get_logger().setLevel("ERROR")
        tensorflow.zeros(1)


@contextmanager
def _silent_standard_error() -> Iterator[None]:
    """Discard what is written to file descriptor 2: the messages come from C++, not Python."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
