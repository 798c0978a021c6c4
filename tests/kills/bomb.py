"""A process that kills itself just before it changes a file, so that kills are repeatable."""

import os
import signal
import sys
from pathlib import Path

CHANGES = ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Bomb:
    """Counts this process's changes of files below a folder.

    Attributes:
        count: changes so far.
    """

    def __init__(self, folder: Path, at: int) -> None:
        """Die just before the change number `at`; 0 never does."""
        self.folder, self.at, self.count = str(folder), at, 0
        sys.addaudithook(self._seen)

    def _seen(self, event: str, arguments: tuple) -> None:
        if event not in CHANGES or not self._ours(event, arguments):
            return
        self.count += 1
        if self.count == self.at:
            os.kill(os.getpid(), signal.SIGKILL)

    def _ours(self, event: str, arguments: tuple) -> bool:
        path = arguments[0]
        if event == "open" and (isinstance(path, int) or not arguments[2] & WRITING):
            return False
        relative = event in ("os.remove", "os.rmdir") and arguments[1] not in (-1, None)
        return relative or os.fsdecode(path).startswith(self.folder)
