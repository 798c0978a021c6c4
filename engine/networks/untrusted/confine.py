"""Limits that a process sets itself before it opens an untrusted file.

Memory and time everywhere but on Windows; on Linux also no network (seccomp) and no writing
outside one folder (Landlock), as far as the kernel has them. None of it can be undone.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
from pathlib import Path

FILE_SIZE = 1 << 30  # bytes of a file it writes

_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2  # of prctl(2)
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # landlock(7), the same everywhere
# Rights as Landlock numbers them: to write a file, and every way to make or remove one.
_WRITE_FILE, _EXECUTE, _TRUNCATE = 1 << 1, 1 << 0, 1 << 14
_WRITING = _WRITE_FILE | 0b1_1111_1111_0000
_EPERM = 1
# By machine: its audit(7) name, and the numbers of socket(2), io_uring_setup(2) and ptrace(2).
_MACHINES = {
    "x86_64": (0xC000003E, (41, 425, 101)),
    "aarch64": (0xC00000B7, (198, 425, 117)),
}


def confine(folder: Path, seconds: int, memory: int, most_memory: int = 0) -> None:
    """Give this process little memory and time, no network, and one folder to write to.

    Args:
        folder: where it may write; exists.
        seconds: of processor time.
        memory: bytes the process may address for now.
        most_memory: what `allow_memory` may raise that to; it cannot if left out.
    """
    _limit(seconds, memory, max(memory, most_memory))
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0):
        return
    _forbid_writing(libc, folder)
    _forbid_network(libc)


def allow_memory(memory: int) -> None:
    """Let this process address so many bytes from now on, within what `confine` was told."""
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def _limit(seconds: int, memory: int, most_memory: int) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (memory, most_memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_SIZE, FILE_SIZE))


def _forbid_writing(libc: ctypes.CDLL, folder: Path) -> None:
    """Landlock: allow writing below `folder` only, and no starting of programs."""
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1)
    if version < 1:  # a kernel without it
        return
    writing = _WRITING | (_TRUNCATE if version >= 3 else 0)
    handled = ctypes.c_uint64(writing | _EXECUTE)
    size = ctypes.c_size_t(ctypes.sizeof(handled))
    ruleset = libc.syscall(_CREATE_RULESET, ctypes.byref(handled), size, 0)
    for place, allowed in ((folder, writing), (Path("/dev/null"), _WRITE_FILE)):
        parent = os.open(place, os.O_PATH)
        libc.syscall(_ADD_RULE, ruleset, 1, struct.pack("=Qi", allowed, parent), 0)
        os.close(parent)
    libc.syscall(_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def _forbid_network(libc: ctypes.CDLL) -> None:
    """Seccomp: make calls that open a socket fail, and those that would get around this."""
    machine, forbidden = _MACHINES.get(platform.machine(), (0, ()))
    if not machine:
        return

    def step(code: int, jump_true: int, jump_false: int, value: int) -> bytes:
        return struct.pack("=HBBI", code, jump_true, jump_false, value)

    load, equals, answer = 0x20, 0x15, 0x06
    allow, refuse = 0x7FFF0000, 0x00050000 | _EPERM
    count = len(forbidden)
    program = [step(load, 0, 0, 4), step(equals, 0, count + 2, machine), step(load, 0, 0, 0)]
    for place, call in enumerate(forbidden):
        program.append(step(equals, count - place, 0, call))
    program += [step(answer, 0, 0, allow), step(answer, 0, 0, refuse)]
    code = ctypes.create_string_buffer(b"".join(program))
    described = struct.pack("HP", len(program), ctypes.addressof(code))
    libc.prctl(_SET_SECCOMP, ctypes.c_ulong(_FILTER), described, 0, 0)
