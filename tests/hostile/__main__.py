"""What refusing each hostile network costs: ``python -m tests.hostile``.

A process for each: its sentence, the seconds until it was there, and the largest memory of the
process and its child.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.hostile.networks import NETWORKS


def refuse(name: str) -> int:
    """Offer one network, as `import` does; prints seconds and sentence."""
    from engine.core.errors import UserError
    from engine.networks import untrusted

    with tempfile.TemporaryDirectory() as folder:
        os.environ["PRUNING_LAB_HOME"] = folder
        path = Path(folder) / f"{name}.keras"
        NETWORKS[name](path)
        started = time.perf_counter()
        try:
            untrusted.open_network_file(path, path.name)
        except UserError as error:
            print(f"{time.perf_counter() - started:.2f}", error)
            return 0
    print("0 ACCEPTED")
    return 1


def main() -> int:
    """Offer all of them; the exit status says whether each was refused."""
    worst_seconds, worst_memory, failures = 0.0, 0.0, 0
    for name in NETWORKS:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.hostile", name], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        answer = process.stdout.read().strip()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds, _, sentence = answer.partition(" ")
        memory = used.ru_maxrss / 1024
        print(f"{name:42} {float(seconds or 0):5.2f} s {memory:5.0f} MB  {sentence}", flush=True)
        worst_seconds = max(worst_seconds, float(seconds or 0))
        worst_memory = max(worst_memory, memory)
        failures += process.returncode != 0
    print(
        f"{len(NETWORKS)} networks, {failures} not refused;"
        f" at most {worst_seconds:.1f} s and {worst_memory:.0f} MB"
    )
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(refuse(sys.argv[1]) if len(sys.argv) > 1 else main())
