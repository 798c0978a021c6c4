"""``python -m engine``: quiet about being interrupted, and about readers that have seen enough."""

import os
import signal
import sys
from types import FrameType

INTERRUPTED = 128 + 2  # as shells tell of Ctrl-C
NO_READER = 128 + 13  # and of SIGPIPE


def run() -> int:
    """Run one command; returns the exit status."""
    interruptible = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if interruptible:  # until the command begins and once it is over, nothing is to be put away
        signal.signal(signal.SIGINT, _leave)
    from engine.cli.main import main

    try:
        if interruptible:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            return main()
        finally:
            if interruptible:
                signal.signal(signal.SIGINT, _leave)
            if sys.stdout:
                sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _write_to_nobody()
        return NO_READER


def _leave(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    os._exit(INTERRUPTED)


def _write_to_nobody() -> None:
    """Let what is still to be written go nowhere, or Python complains when it ends."""
    nobody = os.open(os.devnull, os.O_WRONLY)
    for stream in filter(None, (sys.stdout, sys.stderr)):
        os.dup2(nobody, stream.fileno())


sys.exit(run())
