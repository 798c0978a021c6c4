"""The command; see the package."""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time

from tests.fuzz.run import fuzz
from tests.fuzz.targets import TARGETS

MEMORY = 1 << 30  # bytes that a target may add to the process


def main() -> int:
    """Fuzz all targets or one; 1 if anything unexpected happened."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="mutants of each target")
    parser.add_argument("--seed", type=int, default=0, help="another one makes other mutants")
    parser.add_argument("--first", type=int, default=0, help="number of the first mutant")
    parser.add_argument("--only", choices=[target.name for target in TARGETS], action="append")
    options = parser.parse_args()
    chosen = [each for each in TARGETS if not options.only or each.name in options.only]
    reports, started = [], time.monotonic()
    with tempfile.TemporaryDirectory() as home:
        os.environ["PRUNING_LAB_HOME"] = home
        for target in chosen:
            before = _peak()
            report = fuzz(target, options.count, options.seed, options.first)
            if _peak() - before > MEMORY:
                grown = (_peak() - before) >> 20
                report.unexpected.append(f"  {target.name} takes {grown} MB of memory")
            print(report.told(), flush=True)
            reports.append(report)
    unexpected = sum(len(report.unexpected) for report in reports)
    mutants = sum(report.mutants for report in reports)
    seconds = time.monotonic() - started
    print(f"{mutants} mutants in {seconds:.0f} s, {unexpected} unexpected, seed {options.seed}.")
    return 1 if unexpected else 0


def _peak() -> int:
    """The most memory this process has had so far, bytes."""
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size if sys.platform == "darwin" else size << 10


if __name__ == "__main__":
    sys.exit(main())
