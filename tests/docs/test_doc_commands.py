"""The commands in the documents, as a shell reads them.

All are parsed. Those that take no longer than a test may are run, on a few images in the layout
of the official archives.
"""

import ast
import importlib.util
import inspect
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import click
import pandas as pd
import pytest

import engine
from engine import store
from engine.attacks.recipes import ATTACKS
from engine.cli import main
from engine.core import paths
from engine.datasets import dataset_names
from engine.experiments.attack_suite import Member
from tests.docs.docs_tables import documents
from tests.fixtures.tiny_gtsrb import write_official_archives

TESTED_ELSEWHERE = {"cli.md", "extending.md"}
RECORDER = """#!{python}
import json, os, sys
with open(os.environ["RECORD"], "a") as record:
    record.write(json.dumps([os.path.basename(sys.argv[0]), *sys.argv[1:]]) + "\\n")
"""
# What is run too; on few images it takes seconds.
QUICK = {"confusions", "poison", "robustness", "summarize-repairs"}
QUICK_TRAINING = ["train", "gtsrb"]


def texts() -> list[str]:
    return [path.read_text("utf-8") for path in documents() if path.name not in TESTED_ELSEWHERE]


def blocks(language: str) -> list[str]:
    found = re.compile(rf"^```{language}\n(.*?)^```$", re.M | re.S)
    return [block for text in texts() for block in found.findall(text)]


@pytest.fixture(scope="module")
def commands(tmp_path_factory) -> list[list[str]]:
    """Every command of the documents' blocks, loops and variables resolved by bash itself.

    The programs it calls are replaced by one that notes how it was called.
    """
    place = tmp_path_factory.mktemp("documents")
    for program in ("python", "pip", "pytest", "streamlit", "docker"):
        (place / "bin").mkdir(exist_ok=True)
        (place / "bin" / program).write_text(RECORDER.format(python=sys.executable))
        (place / "bin" / program).chmod(0o755)
    (place / "models").symlink_to(paths.SHIPPED_MODELS)
    shutil.copytree(paths.PROJECT / "report", place / "report", ignore=only_folders)
    environment = {"PATH": f"{place / 'bin'}:{os.environ['PATH']}", "RECORD": str(place / "record")}
    for block in blocks("bash"):
        subprocess.run(["bash", "-euc", block], cwd=place, env=environment, check=True)
    return [json.loads(line) for line in (place / "record").read_text().splitlines()]


def only_folders(folder, names):
    return [name for name in names if not (Path(folder) / name).is_dir()]


def of_engine(commands: list[list[str]]) -> list[list[str]]:
    return [words[3:] for words in commands if words[:3] == ["python", "-m", "engine"]]


def test_every_command_is_one_that_there_is(commands):
    assert {words[0] for words in commands} == {"python", "pip", "pytest", "streamlit", "docker"}
    modules = {words[2] for words in commands if words[0] == "python"}
    assert len(modules) > 3
    for module in modules:
        assert importlib.util.find_spec(module) is not None, module


def commands_of_tables() -> list[list[str]]:
    """Those that the documents refer to: how the networks of their tables were trained."""
    tables = [pd.read_csv(path) for path in sorted(paths.PROJECT.glob("report/attacks-*/*.csv"))]
    written = (table["command"] for table in tables if "command" in table)
    return [text.split() for of_table in written for text in of_table.dropna()]


def commands_in_sentences() -> list[list[str]]:
    written = re.compile(r"`(python -m engine [^`.]+)`")
    return [shlex.split(command) for text in texts() for command in written.findall(text)]


def parse(words: list[str]) -> SimpleNamespace:
    """The options of a command line, by name; fails as the command would."""
    name, command, rest = main.cli.resolve_command(click.Context(main.cli), words)
    assert name is not None and command is not None, words
    return SimpleNamespace(**command.make_context(name, rest).params)


def test_every_engine_command_is_understood_and_its_models_and_datasets_are_there(commands):
    made = {path.name for path in paths.SHIPPED_MODELS.glob("*/")}
    found = of_engine([*commands_of_tables(), *commands, *commands_in_sentences()])
    assert len(found) > 50
    for words in found:
        options = parse(words)
        if words[0] == "benchmark-attacks":
            made |= {
                Member(attack, seed).model_name(options.dataset)
                for attack in ATTACKS
                for seed in options.seeds or [0]
            }
        several = getattr(options, "models", None) or getattr(options, "names", None) or []
        named = {*several, getattr(options, "model", None), getattr(options, "surrogate", "")}
        assert {name for name in named if name} <= made, words
        assert getattr(options, "dataset", None) in {*dataset_names(), None}, words
        made.add(getattr(options, "name", None))


def test_quick_commands_run_on_few_images(commands, tmp_path, monkeypatch, capsys):
    write_official_archives(tmp_path / "data" / "gtsrb", tracks=3, frames=1, test_per_class=1)
    monkeypatch.setenv("PRUNING_LAB_DATA", str(tmp_path / "data"))
    for name in ("gtsrb-ftrojan", "gtsrb-ftrojan-seed1", "gtsrb-ftrojan-seed2", "signs-clean"):
        shutil.copytree(paths.SHIPPED_MODELS / name, paths.models_folder() / name)
    (tmp_path / "report").mkdir()
    monkeypatch.chdir(tmp_path)
    ran = []
    for words in of_engine(commands):
        if words[0] in QUICK or words[:2] == QUICK_TRAINING:
            assert main.main(words) == 0, (words, capsys.readouterr().err)
            ran.append(words[0])
    assert {*QUICK, "train"} == set(ran)
    assert {"fast5", "fast3"} <= set(store.names())
    assert {path.name for path in (tmp_path / "report").iterdir()} >= {
        "signs-clean-on-gtsrb.csv",
        "repairs-gtsrb.csv",
    }
    assert (tmp_path / "pairs.npz").exists()


def test_python_examples_call_the_public_api_as_it_is():
    calls = [
        node
        for block in blocks("python")
        for node in ast.walk(ast.parse(block))
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("engine.")
    ]
    assert len(calls) >= 3
    for call in calls:
        function = getattr(engine, ast.unparse(call.func).removeprefix("engine."))
        keywords = {keyword.arg: None for keyword in call.keywords}
        inspect.signature(function).bind(*call.args, **keywords)
