"""Every option of every command refuses a bad value in one line, and nothing changes."""

import click
import pytest

from engine.cli import main
from engine.cli.main import SECTIONS, cli
from engine.core import paths

# A command line that would work, but for the option that is added.
COMMANDS = {
    "data": ["data", "folder:signs"],
    "data list": ["data", "list"],
    "data check": ["data", "check", "mine.zip"],
    "data add": ["data", "add", "mine", "mine.zip"],
    "data remove": ["data", "remove", "mine"],
    "poison": ["poison", "folder:signs", "--out", "x.npz"],
    "train": ["train", "folder:signs", "--name", "n", "--target", "1"],
    "sample-pair": ["sample-pair", "--out", "sample"],
    "examine": ["examine", "f.keras", "folder:signs"],
    "import": ["import", "f.keras", "folder:signs", "--name", "n"],
    "assume": ["assume", "small", "--trigger", "ftrojan", "--target", "1"],
    "export": ["export", "small", "--out", "small.onnx"],
    "evaluate": ["evaluate", "small"],
    "predict": ["predict", "small"],
    "confusions": ["confusions", "small"],
    "models": ["models"],
    "delete": ["delete", "small"],
    "restore": ["restore", "small"],
    "activations": ["activations", "small"],
    "prune": ["prune", "small"],
    "detect": ["detect", "small"],
    "calibrate-detector": ["calibrate-detector", "small", "--out", "calibrated"],
    "repair": ["repair", "small", "--method", "clp", "--name", "n"],
    "compare-repairs": ["compare-repairs", "small", "--method", "clp"],
    "save-repair": ["save-repair", "small", "--method", "clp", "--name", "n"],
    "summarize-repairs": ["summarize-repairs", "small", "--out", "x.csv"],
    "ceiling": ["ceiling", "small"],
    "robustness": ["robustness", "small"],
    "reactivate": ["reactivate", "small"],
    "share": ["share", "small", "--out", "hub"],
    "sweep": ["sweep", "sweep.yaml"],
    "chart-sweep": ["chart-sweep", "signs-seeds", "--out", "x.svg"],
    "benchmark-attacks": ["benchmark-attacks", "folder:signs"],
    "report": ["report", "small", "--out", "x.html"],
    "reproduce": ["reproduce", "folder:signs"],
    "bench": ["bench"],
}
# By option: a value that is refused, and a part of the sentence.
BAD = {
    "--size": ("many", "--size"),
    "--trigger": ("smile", "no trigger 'smile'"),
    "--split": ("best", "no split"),
    "--limit": ("0", "--limit"),
    "--rate": ("often", "--rate"),
    "--target": ("-1", "no target class -1"),
    "--labels": ("lost", "no label mode 'lost'"),
    "--pgd-epsilon": ("300", "grey levels"),
    "--cross-samples": ("1000", "cross-samples"),
    "--dormant-share": ("1", "share of dormant channels"),
    "--preset": ("slow", "no preset 'slow'"),
    "--epochs": ("0", "number of epochs"),
    "--batch": ("0", "batch"),
    "--learning-rate": ("-1", "learning rate"),
    "--schedule": ("steps", "no schedule 'steps'"),
    "--precision": ("half", "no precision 'half'"),
    "--seed": ("-1", "seed"),
    "--name": ("../n", "cannot be called"),
    "--root": ("nowhere", "no images at"),
    "--scheduler": ("nowhere", "not an address"),
    "--local": ("0", "at least one worker"),
    "--threads": ("-1", "threads"),
    "--memory": ("-1", "memory"),
    "--figure": ("beauty", "no figure 'beauty'"),
    "--x": ("colour", "no setting 'colour'"),
    "--y": ("colour", "no setting 'colour'"),
    "--job": ("../x", "A job cannot be called"),
    "--dataset": ("none", ""),
    "--layer": ("nope", ""),
    "--order": ("random", "no pruning order 'random'"),
    "--thresholds": ("2;10", "list such as"),
    "--threshold": ("-1", "threshold"),
    "--method": ("prayer", "no repair 'prayer'"),
    "--repair": ("prayer", "no repair 'prayer'"),
    "--detector": ("nose", "no detector 'nose'"),
    "--network": ("tent", "no architecture 'tent'"),
    "--attack": ("nope", "no attack 'nope'"),
    "--images": ("nowhere", "no dataset 'nowhere'"),
    "--image": ("first", "--image"),
    "--range": ("0..7", "no input range '0..7'"),
    "--colours": ("pink", "no colour order 'pink'"),
    "--outputs": ("guesses", "no kind of output 'guesses'"),
    "--class-order": ("random", "no class order 'random'"),
    "--format": ("txt", "no format 'txt'"),
    "--seeds": ("0,0", "different seeds"),
    "--model": ("nobody", "no model 'nobody'"),
    "--class-names": ("nowhere.txt", "nothing at"),
    "--track-pattern": ("(", "nothing at"),
}
# Looked at only where an attack needs it, or once the work is done; tested in test_cli.
ELSEWHERE = {"--surrogate", "--out", "--sheet"}
# These commands do without a dataset that is not there, or refuse these networks first.
WITHOUT_DATA = {
    *(("report", "--root"), ("bench", "--root"), ("export", "--root"), ("sample-pair", "--root")),
    *(("assume", "--root"), ("assume", "--job")),
    *(("sweep", "--root"), ("chart-sweep", "--root"), ("share", "--root")),
    *(("calibrate-detector", "--root"), ("calibrate-detector", "--job")),
} | {(f"data {act}", "--root") for act in ("check", "add")}


def value_options():
    context = click.Context(cli)
    for entries in SECTIONS.values():
        for name in entries:
            for item in cli.get_command(context, name).params:
                if isinstance(item, click.Option) and not item.is_flag:
                    yield name, item.opts[0]


CASES = [case for case in value_options() if case[1] not in ELSEWHERE and case not in WITHOUT_DATA]


def refused(words, capsys) -> str:
    assert main.main(words) == 2
    out, err = capsys.readouterr()
    assert out == "" and "Traceback" not in err
    (line,) = [line for line in err.splitlines() if line.startswith("error: ")]
    return line


@pytest.mark.parametrize(("name", "option"), CASES, ids=map(" ".join, CASES))
def test_a_bad_value_is_refused(name, option, at_home, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = sorted(path.name for path in paths.models_folder().iterdir())
    (tmp_path / "sweep.yaml").write_text("dataset: folder:signs")
    value, said = BAD[option]
    assert said in refused([*COMMANDS[name], option, value], capsys)
    assert sorted(path.name for path in paths.models_folder().iterdir()) == before
    assert not list(paths.jobs_folder().glob("*/request.json"))


@pytest.mark.parametrize("name", COMMANDS)
def test_an_unknown_option_is_refused_with_the_place_to_look(name, capsys):
    line = refused([*COMMANDS[name], "--nonsense"], capsys)
    assert "No such option '--nonsense'" in line and f"python -m engine {name} --help" in line


@pytest.mark.parametrize("name", COMMANDS)
def test_an_option_without_its_value_is_refused(name, capsys):
    for other, option in value_options():
        if other == name:
            words = [*name.split(), option]
            assert f"'{option}' requires an argument" in refused(words, capsys)


@pytest.mark.parametrize(
    "name", [name for name in COMMANDS if name not in ("models", "bench", "data list")]
)
def test_a_missing_argument_is_refused(name, capsys):
    assert "Missing" in refused(name.split(), capsys)


def test_seeds_and_a_model_exclude_each_other(capsys):
    words = ["reproduce", "signs", "--seeds", "1", "--model", "signs-ftrojan"]
    assert "--seeds or --model, not both" in refused(words, capsys)


@pytest.mark.parametrize(
    "words",
    [["\x1b[2J"], ["train", "--\n"], ["data", "x" * 5000], ["data", "\udcff", "two\nlines"]],
)
def test_whatever_is_typed_the_error_is_one_line_that_can_be_shown(words, capsys):
    line = refused(words, capsys)
    assert line.isprintable() and len(line) < 600
