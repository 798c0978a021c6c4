"""Opens files as the limited child does, each in a fork of its own.

To start Python anew for each of thousands of files would take an hour. So this process has the
child's code ready and forks for each: a line names kind, file and folder, the answer is the exit
status, or the signal that ended the fork as a negative number.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from engine.core import paths
from engine.core.errors import UserError
from engine.networks.untrusted import PROBLEM


def rewrite(kind: str, content: bytes, folder: Path) -> None:
    """Let a limited child rewrite a file's content into an empty folder.

    Raises:
        UserError: it refuses the file, or dies of it.
    """
    with tempfile.NamedTemporaryFile(dir=folder.parent) as source:
        source.write(content)
        source.flush()
        status = _ask(f"{kind}\t{source.name}\t{folder}\n")
    if status:
        problem = folder / PROBLEM
        told = problem.read_text(encoding="utf-8") if problem.exists() else f"ended it ({status})."
        raise UserError(f"The file {told}")


def _ask(line: str) -> int:
    server = _server()
    assert server.stdin is not None and server.stdout is not None
    try:
        server.stdin.write(line)
        server.stdin.flush()
        return int(server.stdout.readline())
    except BaseException:  # its answer would be taken for that to the next question
        server.kill()
        _server.cache_clear()
        raise


@cache
def _server() -> subprocess.Popen[str]:
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
    return subprocess.Popen(
        [sys.executable, "-m", "tests.fuzz.confined"],
        cwd=paths.PROJECT,
        env=os.environ | threads,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def _serve() -> None:
    for line in sys.stdin:
        process = os.fork()
        if not process:
            os._exit(_status(*line.rstrip("\n").split("\t")))
        print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)


def _status(kind: str, source: str, target: str) -> int:
    """The child's exit status; of a network, it does only what comes before TensorFlow."""
    from engine.networks.untrusted import child, confine, opening

    if kind != "network":
        return child.main(kind, source, target)
    confine.confine(Path(target), opening.SECONDS[kind], child.MEMORY[kind])
    return child.attempt(child.check, Path(source), Path(target))


if __name__ == "__main__":
    _serve()
