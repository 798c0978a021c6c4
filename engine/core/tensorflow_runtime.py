"""TensorFlow imported as it should be: fast, and without its start-up remarks."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def import_tensorflow() -> None:
    """Import TensorFlow and run its first operation without a word on standard error."""
    if "tensorflow" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Its faster convolutions (oneDNN), which it chooses by itself on some processors only.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with _no_standard_error():
        import tensorflow

        tensorflow.get_logger().setLevel("ERROR")
        tensorflow.zeros(1)


@contextmanager
def _no_standard_error() -> Iterator[None]:
    """Its remarks come from C++, past Python's sys.stderr."""
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
