"""What the command line says of itself: help, version, completion. It answers without delay."""

import re
import subprocess
import sys
import tomllib

import click
import pytest

from engine.cli import main
from engine.cli.main import COMPLETION, SECTIONS, cli
from engine.core.paths import PROJECT
from engine.core.version import program_version

NAMES = [name for entries in SECTIONS.values() for name in entries]
HEAVY = {"numpy", "pandas", "cv2", "tensorflow"}


def loaded(name: str) -> click.Command:
    return cli.get_command(click.Context(cli), name)


def test_the_help_loads_no_heavy_library():
    code = (
        "import sys; from engine.cli.main import main; main(['--help']);"
        f" print({HEAVY} & {{*sys.modules}})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, check=True, capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1] == "set()"


def test_no_command_loads_tensorflow_before_it_needs_it():
    code = (
        "import sys; from engine.cli.main import main; main(['models', '--help']);"
        " print('tensorflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, check=True, capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1] == "False"


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_the_help_lists_every_command_in_its_section(capsys, option):
    assert main.main([option]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    blocks = [block.splitlines() for block in out.split("\n\n")]
    listed = {
        block[0].removesuffix(":"): [re.split(" {2,}", line.strip())[0] for line in block[1:]]
        for block in blocks
        if block[0].removesuffix(":") in SECTIONS
    }
    assert listed == {title: list(entries) for title, entries in SECTIONS.items()}


@pytest.mark.parametrize("name", NAMES)
def test_the_list_and_the_command_say_the_same(name):
    ((_, summary),) = [entries[name] for entries in SECTIONS.values() if name in entries]
    assert loaded(name).help.splitlines()[0] == summary


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_help(capsys, name):
    assert main.main([name, "--help"]) == 0
    out = capsys.readouterr().out
    for item in loaded(name).params:
        if isinstance(item, click.Option):
            assert item.opts[0] in out


def test_the_version_is_that_of_the_project(capsys):
    assert main.main(["--version"]) == 0
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert capsys.readouterr().out == f"{project['name']} {project['version']}\n"


def test_the_version_of_an_installed_package_comes_first(monkeypatch):
    monkeypatch.setattr("importlib.metadata.version", lambda name: f"9.9 of {name}")
    assert program_version() == "9.9 of backdoor-pruning-lab"


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("rest", {"restore"}),
        ("train --pgd", {"--pgd-epsilon"}),
        ("train cif", {"cifar10"}),
        ("train signs --trigger w", {"wanet"}),
        ("train signs --preset q", {"quick"}),
        ("evaluate signs-cl", {"signs-clean"}),
        ("compare-repairs signs-clean --method trig", {"trigger-unlearning"}),
        ("benchmark-attacks --attack bp", {"bpp"}),
        ("prune signs-clean --order clean-c", {"clean-count"}),
    ],
)
def test_a_shell_completes_commands_options_and_names(monkeypatch, capsys, typed, completed):
    words = typed.split()
    monkeypatch.setenv(COMPLETION, "bash_complete")
    monkeypatch.setenv("COMP_WORDS", f"backdoor-lab {typed}")
    monkeypatch.setenv("COMP_CWORD", str(len(words)))
    assert main.main([]) == 0
    assert set(re.findall(r"^plain,(\S+)$", capsys.readouterr().out, re.M)) == completed


def test_a_path_is_completed_by_the_shell(monkeypatch, capsys):
    monkeypatch.setenv(COMPLETION, "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "backdoor-lab report small --out rep")
    monkeypatch.setenv("COMP_CWORD", "4")
    assert main.main([]) == 0
    assert capsys.readouterr().out.startswith("file,")
