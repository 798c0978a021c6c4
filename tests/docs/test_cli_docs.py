"""docs/cli.md is what the commands say of themselves."""

import re

import click

from engine.cli import docs
from engine.cli.main import SECTIONS, cli


def test_the_page_is_the_one_that_the_commands_give():
    assert docs.FILE.read_text(encoding="utf-8") == docs.text(), (
        "run `python -m engine.cli.docs` to write it anew"
    )


def test_the_page_has_every_section_command_and_option():
    page = docs.text()
    assert re.findall(r"^## (.*)$", page, re.M) == ["Shell completion", *SECTIONS]
    described = re.split(r"^### (.*)\n", page, flags=re.M)[1:]
    by_command = dict(zip(described[::2], described[1::2], strict=True))
    context = click.Context(cli)
    assert list(by_command) == cli.list_commands(context)
    for name, text in by_command.items():
        command = cli.get_command(context, name)
        own = {option for item in command.params for option in item.opts} - {"--json"}
        written = set(re.findall(r"^\| `(\S+?)`? ", text, re.M))
        assert {option for option in own if option.startswith("--")} <= written, name


def test_no_help_is_missing():
    context = click.Context(cli)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        for item in command.params:
            assert item.help, f"{name} {item.name}"
            assert item.help.endswith("."), f"{name} {item.name}: a sentence"
