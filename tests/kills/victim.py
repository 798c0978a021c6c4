"""``python -m tests.kills.victim AT WORDS``: run ``python -m engine WORDS`` and kill it midway.

The process kills itself before its AT-th file change in $PRUNING_LAB_HOME; never if AT is 0. The
last line on standard error is the number of file changes.
"""

import os
import sys
from pathlib import Path

from tests.kills.bomb import Bomb

if __name__ == "__main__":
    bomb = Bomb(Path(os.environ["PRUNING_LAB_HOME"]), int(sys.argv[1]))
    from engine.cli import main

    status = main.main(sys.argv[2:])
    print(f"changes: {bomb.count}", file=sys.stderr)
    sys.exit(status)
