"""``python -m engine``: ends quietly on Ctrl-C, and when the reader of its output has gone."""

import os
import signal
import sys
from types import FrameType

INTERRUPTED = 128 + signal.SIGINT  # the exit statuses that shells use for a signal
NO_READER = 128 + 13  # SIGPIPE, which some systems do not define


def run() -> int:
    """Run one command; returns the exit status."""
    # Until the command starts and once it is over, Ctrl-C ends the process at once: an exception
    # in the middle of an import can surface as a traceback from anywhere. A process that was
    # started with Ctrl-C ignored goes on ignoring it.
    interruptible = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if interruptible:
        signal.signal(signal.SIGINT, _leave)
    from engine.cli.main import main

    def begin() -> None:
        if interruptible:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    try:
        try:
            return main(begin=begin)
        finally:
            if interruptible:
                signal.signal(signal.SIGINT, _leave)
            if sys.stdout:
                sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _discard_output()
        return NO_READER


def _leave(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    os._exit(INTERRUPTED)


def _discard_output() -> None:
    """Let buffered output go nowhere, or Python complains about it when it exits."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in filter(None, (sys.stdout, sys.stderr)):
        os.dup2(nowhere, stream.fileno())


if __name__ == "__main__":
    sys.exit(run())
