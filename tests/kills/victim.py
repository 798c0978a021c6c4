"""``python -m tests.kills.victim AT WORDS``: ``python -m engine WORDS`` that kills itself.

It does so just before it changes a file in $PRUNING_LAB_HOME for the AT-th time; 0: never. How
many changes there were is its last line on standard error.
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
