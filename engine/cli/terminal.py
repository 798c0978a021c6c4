"""How progress and answers are printed in a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

from engine.core.progress import Progress

WIDTH = 24


class Bar:
    """A reporter that draws events on standard error.

    In a terminal one line is drawn over and over; into a file, each new message gets a line.
    """

    def __init__(self) -> None:
        self.drawn = 0.0
        self.message = ""

    def __call__(self, event: Progress) -> None:
        """Draw `event`, at most five times a second for the same message."""
        now = time.monotonic()
        if event.message == self.message and (now - self.drawn < 0.2 or not sys.stderr.isatty()):
            return
        self.drawn, self.message = now, event.message
        line = _line(event)
        if sys.stderr.isatty():
            end = "\n" if event.total and event.done >= event.total else ""
            print(f"\r\033[K{line}", end=end, file=sys.stderr, flush=True)
        else:
            print(line, file=sys.stderr, flush=True)


def _line(event: Progress) -> str:
    parts = [event.message]
    if event.total:
        filled = round(WIDTH * event.done / event.total)
        parts.insert(0, f"[{'#' * filled}{'.' * (WIDTH - filled)}]")
    if "images_per_second" in event.figures:
        parts.append(f"{event.figures['images_per_second']:.0f} images/s")
    if "seconds_left" in event.figures:
        parts.append(f"{duration(event.figures['seconds_left'])} left")
    return "  ".join(parts)


def duration(seconds: float) -> str:
    """Seconds as text, such as 45 s, 12 min or 1 h 20 min."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def describe(answer: Mapping[str, Any]) -> str:
    """An answer as aligned lines; a list of rows becomes a table."""
    width = max((len(key) for key in answer), default=0)
    return "\n".join(_entry(key, value, width) for key, value in answer.items())


def _entry(key: str, value: Any, width: int) -> str:
    label = key.replace("_", " ").ljust(width)
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        import pandas as pd  # slow to import, and most answers have no table

        table = pd.DataFrame(value).to_string(index=False, na_rep="")
        return f"{label.rstrip()}\n{table}"
    if isinstance(value, Mapping):
        return f"{label}  " + ", ".join(f"{name} {item}" for name, item in value.items())
    if isinstance(value, float):
        return f"{label}  {value:.2f}"
    return f"{label}  {', '.join(map(str, value)) if isinstance(value, list) else value}"
