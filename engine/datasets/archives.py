"""Read files from untrusted zip archives, tar archives and folders.

Nothing is unpacked to disk: entries are listed, checked, and read one at a time.
"""

from __future__ import annotations

import gzip
import io
import mmap
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import NoReturn

from engine.core.errors import UNPRINTABLE, UserError, quoted
from engine.core.limited_reading import Unfit, read_bytes, refusing, unreadable

MAX_MEMBER = 64 << 20  # bytes of one file, unpacked
MAX_TOTAL = 4 << 30  # bytes of all of them
MAX_COUNT = 500_000
MAX_DIRECTORY = 128 << 20  # bytes of the table of contents of a zip archive
MAX_RATIO = 1000  # unpacked to packed
MAX_TAR = 512 << 20  # bytes of a whole tar archive, unpacked
MAX_TAR_COUNT = 1000
COPY_AGAIN = "copy or fetch it again"
_DAMAGED = "it is damaged"

Reader = Callable[[], bytes]


class Files(Mapping[str, Reader]):
    """Files by name (``folder/file``), wherever they are stored; each value reads one file's bytes.

    Attributes:
        folders: names of all folders, including empty ones.
        hidden: names of what was passed over: hidden files and folders, links and devices.
    """

    def __init__(
        self,
        readers: Mapping[str, Reader],
        folders: Iterable[str] = (),
        hidden: Iterable[str] = (),
    ) -> None:
        self._readers = dict(readers)
        self.folders = frozenset(folders)
        self.hidden = tuple(hidden)

    def __getitem__(self, name: str) -> Reader:
        return self._readers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._readers)

    def __len__(self) -> int:
        return len(self._readers)

    def read(self, name: str) -> bytes:
        """The bytes of `name`.

        Raises:
            UserError: the file is missing or damaged.
        """
        if name not in self._readers:
            raise UserError(f"The file {quoted(name)} is missing.")
        return self._readers[name]()

    def below(self, folder: str) -> Files:
        """The files whose names start with the prefix `folder`, which is removed from them."""
        inside = {
            name.removeprefix(folder): reader
            for name, reader in self._readers.items()
            if name.startswith(folder)
        }
        folders = {name.removeprefix(folder) for name in self.folders if name.startswith(folder)}
        return Files(inside, folders, self.hidden)


def merged(parts: Iterable[Files]) -> Files:
    """All files of `parts`; where names clash, the first part wins."""
    readers: dict[str, Reader] = {}
    folders: set[str] = set()
    hidden: list[str] = []
    for part in parts:
        readers = dict(part) | readers
        folders |= part.folders
        hidden += part.hidden
    return Files(readers, folders, hidden)


def from_zip(path: Path) -> Files:
    """The files in a zip archive.

    Raises:
        UserError: the archive is incomplete or damaged, or looks like an attack (a path outside
            the archive, a zip bomb).
    """
    with refusing(path, "it is not a whole zip archive", COPY_AGAIN):
        _check_regular(path)
        with _Limited(path) as file, zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    _check_sizes(path, [(entry.file_size, entry.compress_size) for entry in entries])
    readers: dict[str, Reader] = {}
    folders, hidden = [], []
    for entry in entries:
        if entry.is_dir():
            folders.append(entry.filename.rstrip("/"))
            continue
        name = checked_name(path, entry.filename)
        if _hidden(name):
            hidden.append(name)
        else:
            readers[name] = _ZipReader(path, content, entry)
    return Files(readers, (name for name in folders if not _hidden(name)), hidden)


class _Limited(io.FileIO):
    """A file that refuses to let `zipfile` read an oversized table of contents."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Read `size` bytes; `zipfile` asks for the whole table at once."""
        if size is not None and size > MAX_DIRECTORY:
            raise Unfit("its table of contents is far too long")
        data = super().read(size) or b""
        if data.count(b"PK\x01\x02") > MAX_COUNT:
            raise Unfit("it holds more files than any dataset here needs")
        return data


class _ZipReader:
    """Reads one entry of a memory-mapped archive; safe to call from many threads at once.

    `zipfile` takes a lock and several calls per entry, which would be most of the time spent on
    50,000 small images.
    """

    __slots__ = ("content", "entry", "path")

    def __init__(self, path: Path, content: mmap.mmap, entry: zipfile.ZipInfo) -> None:
        self.path, self.content, self.entry = path, content, entry

    def __call__(self) -> bytes:
        with refusing(f"{quoted(self.entry.filename)} in {self.path}", _DAMAGED, COPY_AGAIN):
            return self._data()

    def _data(self) -> bytes:
        entry, content = self.entry, self.content
        header = content[entry.header_offset : entry.header_offset + 30]
        if header[:4] != b"PK\x03\x04":
            raise Unfit(_DAMAGED)
        if entry.flag_bits & 1:
            raise Unfit("it is encrypted")
        names = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
        start = entry.header_offset + 30 + names
        packed = content[start : start + entry.compress_size]
        if entry.compress_type == zipfile.ZIP_STORED:
            data = packed
        elif entry.compress_type == zipfile.ZIP_DEFLATED:
            data = zlib.decompressobj(-15).decompress(packed, entry.file_size + 1)
        else:
            raise Unfit("it uses an unsupported compression method")
        if len(data) != entry.file_size or zlib.crc32(data) != entry.CRC:
            raise Unfit(_DAMAGED)
        return data


def from_folder(folder: Path) -> Files:
    """All files below a folder; links are not followed.

    Raises:
        UserError: a folder cannot be read.
    """
    readers: dict[str, Reader] = {}
    folders, hidden = [], []

    def stop(error: OSError) -> NoReturn:  # rglob would silently skip unreadable folders
        raise unreadable(Path(error.filename or folder), error) from error

    for place, inner, names in os.walk(folder, onerror=stop):
        below = Path(place).relative_to(folder)
        hidden += [(below / name).as_posix() for name in inner if _hidden(name)]
        inner[:] = sorted(name for name in inner if not _hidden(name))
        folders += [(below / name).as_posix() for name in inner]
        for name in sorted(names):
            path, found = Path(place, name), (below / name).as_posix()
            if _hidden(name) or path.is_symlink() or not path.is_file():
                hidden.append(found)
            else:
                readers[found] = _FileReader(path)
    return Files(readers, folders, hidden)


def _hidden(name: str) -> bool:
    """Whether a file or folder is passed over: the system, not the user, put it there.

    Names with unprintable characters count too, such as macOS's "Icon\\r".
    """
    return UNPRINTABLE.search(name) is not None or any(
        part.startswith(".") or part == "__MACOSX" for part in name.split("/")
    )


class _FileReader:
    """Reads one file."""

    __slots__ = ("path",)

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self) -> bytes:
        with refusing(self.path, _DAMAGED, COPY_AGAIN):
            return read_bytes(self.path, MAX_MEMBER)


def from_tar(path: Path, wanted: Iterable[str]) -> Files:
    """The members of a tar archive whose base names are in `wanted`, read into memory.

    Raises:
        UserError: the archive is incomplete or damaged, or looks like an attack (a path outside
            the archive, a link, a file of an implausible size).
    """
    names = set(wanted)
    found: dict[str, Reader] = {}
    with refusing(path, "it is not a whole tar archive", COPY_AGAIN):
        # In memory, because a malicious header can make tarfile seek back and forth in a
        # compressed stream.
        data = _unpacked(path)
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for count, member in enumerate(archive, 1):
                _check_member(path, member, count)
                base = PurePosixPath(member.name).name
                if member.isreg() and base in names:
                    content = data[member.offset_data : member.offset_data + member.size]
                    if len(content) != member.size:
                        raise EOFError
                    found[base] = _Held(content)
    return Files(found)


def _unpacked(path: Path) -> bytes:
    _check_regular(path)
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    with gzip.open(path) if packed else path.open("rb") as file:
        data: bytes = file.read(MAX_TAR + 1)
    if len(data) > MAX_TAR:
        raise UserError(f"{path} would unpack to more than any dataset here needs: do not use it.")
    return data


def _check_regular(path: Path) -> None:
    if not stat.S_ISREG(path.stat().st_mode):
        raise Unfit("it is not a regular file")


def _check_member(path: Path, member: tarfile.TarInfo, count: int) -> None:
    if count > MAX_TAR_COUNT:
        raise UserError(f"{path} holds more files than any dataset here needs: do not use it.")
    if member.isdir() and member.name in (".", ""):
        return
    checked_name(path, member.name)
    plain = member.isreg() and not member.issparse() and 0 <= member.size <= MAX_MEMBER
    if not plain and not member.isdir():
        raise UserError(
            f"{path}: {quoted(member.name)} is a link, or a file of an implausible size:"
            " do not use it."
        )


class _Held:
    """Returns bytes that are already in memory."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __call__(self) -> bytes:
        return self.data


def checked_name(path: Path, name: str) -> str:
    """`name` with forward slashes.

    Raises:
        UserError: the path leads outside the archive.
    """
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not parts or parts[0] == "/" or ".." in parts or ":" in parts[0] or "\0" in name:
        raise UserError(
            f"{path} holds a file with a path outside of it ({quoted(name)}): do not use it."
        )
    return "/".join(parts)


def _check_sizes(path: Path, sizes: list[tuple[int, int]]) -> None:
    if len(sizes) > MAX_COUNT or sum(size for size, _ in sizes) > MAX_TOTAL:
        raise UserError(f"{path} would unpack to more than any dataset here needs: do not use it.")
    if any(size > MAX_MEMBER or size > MAX_RATIO * max(packed, 1) for size, packed in sizes):
        raise UserError(f"{path} holds a file that expands a thousandfold: do not use it.")
