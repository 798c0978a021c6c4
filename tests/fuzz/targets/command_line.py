"""Options of the command line, up to where their model is looked for and not there."""

import contextlib
import io

from engine.cli import main
from engine.core.errors import UserError
from tests.fuzz.mutate import as_text
from tests.fuzz.run import Target

_ABSENT = ("There is no model 'nobody'", "There is no dataset 'nothing'")
_LINES = (
    ("prune", "nobody", "--thresholds", "2,10,20,30", "--order", "clean-activation"),
    ("report", "nobody", "--image", "3", "--threshold", "2.5", "--out", "report.html"),
    ("repair", "nobody", "--method", "pruning:threshold=10", "--name", "mine"),
    ("reproduce", "nothing", "--seeds", "0,1,2"),
    ("evaluate", "nobody", "--split", "test", "--json"),
)


def _seeds():
    return ["\t".join(words).encode() for words in _LINES]


def _parse(content):
    words = content.decode("utf-8", errors="surrogateescape").split("\t")
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        status = main.main(words)
    if status == 0:  # it was asked for help, or for the version
        return
    assert status == 2
    if not said.getvalue().startswith(tuple(f"error: {absent}" for absent in _ABSENT)):
        raise UserError(said.getvalue().removesuffix("\n"))


TARGET = Target("command-line", _seeds, _parse, as_text)
