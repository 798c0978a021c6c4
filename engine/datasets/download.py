"""Download archives from their official addresses."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from engine.core import atomic_files, progress
from engine.core.errors import UserError
from engine.core.progress import Stopped

TRIES = 3
TIMEOUT = 30  # seconds without a byte


@dataclass(frozen=True)
class Download:
    """One file to fetch.

    Attributes:
        address: its URL.
        name: the file name to store it under.
        checksum: ``md5:...`` or ``sha256:...``.
        size: expected size in bytes, for progress reports.
    """

    address: str
    name: str
    checksum: str
    size: int


def fetch(downloads: Sequence[Download], folder: Path) -> None:
    """Download the files missing from `folder`.

    A file appears there only once it is complete and its checksum is verified.

    Raises:
        UserError: a download failed; the message says which file to put where by hand.
        Stopped: a stop was requested.
    """
    missing = [item for item in downloads if not (folder / item.name).exists()]
    total = sum(item.size for item in missing)
    done = 0
    for item in missing:
        with closing(_receive(item, folder)) as counts:  # a stop ends the transfer at once
            for received in counts:
                progress.report(done + min(received, item.size), total, f"Fetching {item.name}")
        done += item.size


def _receive(item: Download, folder: Path) -> Generator[int, None, None]:
    """Yield the bytes received so far, several times a second, until the file is in place."""
    counter = _Counter()
    outcome: queue.Queue[Exception | None] = queue.Queue()

    def work() -> None:
        try:
            _retrieve(item, folder, counter)
            outcome.put(None)
        except Stopped:
            pass  # the caller has stopped; a stored error would keep the connection open
        except Exception as error:  # raised again in the caller's thread
            outcome.put(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            yield counter.count
            try:
                error = outcome.get(timeout=0.2)
            except queue.Empty:
                continue
            if error:
                raise _to_user_error(item, folder, error) from error
            return
    finally:  # if the caller stops early, end the transfer before it returns
        counter.stopped = True
        thread.join(timeout=2)


class _Counter:
    """The progress bar interface that pooch expects; draws nothing, but can end a transfer."""

    def __init__(self) -> None:
        self.count = 0
        self.total = 0
        self.stopped = False

    def update(self, more: int) -> None:
        """Count `more` bytes."""
        if self.stopped:
            raise Stopped
        self.count += more

    def reset(self) -> None:
        """Start counting again."""
        self.count = 0

    def close(self) -> None:
        """Nothing to close."""


class _NotFetchedError(Exception):
    """Why a download failed, as a phrase for the error message."""


def _retrieve(item: Download, folder: Path, counter: _Counter) -> None:
    """Download one file, in up to `TRIES` attempts."""
    for attempt in range(1, TRIES + 1):
        counter.reset()
        try:
            with atomic_files.new_file(folder / item.name) as aside:
                _transfer(item, aside, counter)
            return
        except _NotFetchedError:
            if attempt == TRIES:
                raise
            time.sleep(0.5 * attempt)


def _transfer(item: Download, path: Path, counter: _Counter) -> None:
    import pooch
    from requests import exceptions

    fetcher = pooch.HTTPDownloader(progressbar=counter, timeout=TIMEOUT, chunk_size=1 << 16)
    try:
        fetcher(item.address, path, None)
    except exceptions.HTTPError as error:
        status = getattr(error.response, "status_code", "an error")
        raise _NotFetchedError(f"the server answered with status {status}") from error
    except exceptions.Timeout as error:
        raise _NotFetchedError("the server stopped answering") from error
    except exceptions.RequestException as error:
        raise _NotFetchedError("there was no connection, or it broke") from error
    if not pooch.hashes.hash_matches(path, item.checksum):
        raise _NotFetchedError("the downloaded file is not the official one: wrong checksum")


def _to_user_error(item: Download, folder: Path, error: Exception) -> Exception:
    if not isinstance(error, _NotFetchedError):
        return error
    return UserError(
        f"{item.name} could not be fetched from {item.address} ({error}): try again later,"
        f" or put the file into {folder} by hand."
    )
