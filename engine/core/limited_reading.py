"""Reading untrusted files: within limits, and refused in one sentence.

A parser of bytes that anybody may have made can fail in any way. So every reader works inside
`refusing`, and none keeps a list of its own of what zipfile, pickle, pandas or Pillow may raise.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.core.errors import UserError


class Unfit(ValueError):
    """Why something read is not used, as part of a sentence: "it has no rows"."""


@contextmanager
def refusing(source: object, damaged: str, advice: str) -> Iterator[None]:
    """Turn any error while reading into a `UserError`.

    Args:
        source: what is read, such as a path; begins the sentence.
        damaged: the reason given for an error that only a damaged file can cause.
        advice: what to do next.
    """
    try:
        yield
    except UserError:
        raise
    except Unfit as error:
        raise UserError(f"{source} cannot be read ({error}): {advice}.") from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno:  # gzip's own have no number
            raise unreadable(Path(error.filename or str(source)), error) from error
        raise UserError(f"{source} cannot be read ({damaged}): {advice}.") from error


def unreadable(path: Path, error: OSError) -> UserError:
    """The sentence that says why the system does not let `path` be read."""
    if isinstance(error, PermissionError):
        return UserError(f"{path} may not be read: give yourself permission, or choose another.")
    return UserError(f"{path} cannot be read ({error.strerror or error}).")


def read_bytes(path: Path, limit: int) -> bytes:
    """The content of a regular file.

    Args:
        path: a pipe or device there is not opened: reading it might never end.
        limit: the most bytes it may have.

    Raises:
        Unfit: it is no regular file, or has more bytes.
        OSError: the system does not let it be read.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise Unfit("it is not a regular file")
    if status.st_size > limit:
        raise Unfit(f"it is larger than {limit >> 20} MB")
    with path.open("rb") as file:
        return file.read(status.st_size)


def read_json_object(path: Path, limit: int) -> dict[str, Any]:
    """The JSON object in a file of at most `limit` bytes.

    Raises:
        Unfit: as `read_bytes`, or the file holds JSON other than an object.
        OSError: the system does not let it be read.
        ValueError, RecursionError: it is not JSON.
    """
    found = json.loads(read_bytes(path, limit).decode("utf-8"))
    if not isinstance(found, dict):
        raise Unfit("it is not a JSON object")
    return found
