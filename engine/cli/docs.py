"""Write docs/cli.md, the reference of the command line: ``python -m engine.cli.docs``."""

from __future__ import annotations

import inspect

import click

from engine.cli.main import COMPLETION, INSTALLED, SECTIONS, cli
from engine.core import atomic_files
from engine.core.command_line import PROGRAM
from engine.core.paths import PROJECT

FILE = PROJECT / "docs" / "cli.md"
WIDTH = 100  # characters of a line of help
EXPLAINED_ONCE = {"--json", "--help"}  # in the introduction
INTRODUCTION = f"""\
# Command line

This file is written by `python -m engine.cli.docs` from the commands themselves: change their
help, not this page.

`{PROGRAM}` works in a checkout and wherever the package is installed; `pip install .`
adds the command `{INSTALLED}`, which is the same. `-h` or `--help` shows the commands, or the
options of a command; `--version` shows the version.

- The answer goes to standard output: aligned text, or with `--json` one JSON object. Progress goes
  to standard error.
- Bad input is one line on standard error that begins with `error:`, and exit status 2. Work that
  was stopped on request exits with status 130.
- The first Ctrl-C asks a job to stop, which keeps what a training has reached; the second ends it
  at once.
- With `--job NAME` the work runs as a job, which the dashboard shows and can stop. `train` and
  `benchmark-attacks` are always jobs.
- Triggers and repairs are written with their settings, as in `ftrojan:magnitude=30` or
  `pruning:order=clean-activation,threshold=10`; settings that are left out keep their defaults.

## Shell completion

With the package installed, a shell completes commands, options, and the names of models,
datasets, triggers and repairs. Put one of these lines into the shell's start-up file:

```text
eval "$({COMPLETION}=bash_source {INSTALLED})"    # ~/.bashrc
eval "$({COMPLETION}=zsh_source {INSTALLED})"     # ~/.zshrc
{COMPLETION}=fish_source {INSTALLED} | source     # ~/.config/fish/config.fish
```
"""


def text() -> str:
    """The content of docs/cli.md."""
    root = click.Context(cli, info_name=PROGRAM, **cli.context_settings)
    parts = [INTRODUCTION]
    for title, entries in SECTIONS.items():
        parts.append(f"## {title}\n")
        parts += [_describe(name, root) for name in entries]
    return "\n".join(parts)


def _describe(name: str, root: click.Context) -> str:
    command = cli.get_command(root, name)
    assert command is not None
    context = click.Context(command, info_name=name, parent=root, terminal_width=WIDTH)
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    own = [item for item in command.get_params(context) if not EXPLAINED_ONCE & {*item.opts}]
    records = (item.get_help_record(context) for item in own)
    rows = [f"| `{record[0]}` | {' '.join(record[1].split())} |" for record in records if record]
    table = ["| Argument or option | Meaning |", "| --- | --- |", *rows, ""] if rows else []
    body = inspect.cleandoc(command.help or "")
    return "\n".join([f"### {name}\n", f"{body}\n", f"```text\n{usage}\n```\n", *table])


if __name__ == "__main__":
    atomic_files.write_text(FILE, text())
