"""A process that kills itself before its n-th file change, so that kills are repeatable."""

import os
import signal
import sys
from pathlib import Path

CHANGES = ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Bomb:
    """Counts this process's file changes below a folder.

    Attributes:
        count: file changes so far.
    """

    def __init__(self, folder: Path, at: int) -> None:
        """Kill this process before file change number `at`; never if it is 0."""
        self.folder, self.at, self.count = str(folder), at, 0
        sys.addaudithook(self._on_event)

    def _on_event(self, event: str, arguments: tuple) -> None:
        if event not in CHANGES or not self._is_change_in_folder(event, arguments):
            return
        self.count += 1
        if self.count == self.at:
            os.kill(os.getpid(), signal.SIGKILL)

    def _is_change_in_folder(self, event: str, arguments: tuple) -> bool:
        path = arguments[0]
        if event == "open" and (isinstance(path, int) or not arguments[2] & WRITING):
            return False
        relative = event in ("os.remove", "os.rmdir") and arguments[1] not in (-1, None)
        return relative or os.fsdecode(path).startswith(self.folder)
