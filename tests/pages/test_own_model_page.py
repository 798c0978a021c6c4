"""The page Check your own model: every change of state, from an upload to a download."""

import dataclasses
import json
import shutil

import pytest
from streamlit.testing.v1 import AppTest

from app.elements import job_panel
from app.frame import header
from app.views.own_model import examinations, findings
from engine import store
from engine.core import jobs, markdown, paths
from engine.experiments import export_model, sample_pair
from engine.store import summary
from tests.fixtures import scans
from tests.pages.driving import PROJECT, by_label, check_fine, open_page, visible_text

WINNER = {
    "range": "0..255",
    "colours": "rgb",
    "order": "numbers-as-text",
    "class_order": [0, 1, 2],
    "accuracy": 97.5,
    "images": 160,
    "group": 0,
}
OTHER = WINNER | {
    "range": "0..1",
    "order": "given",
    "class_order": [],
    "accuracy": 33.0,
    "group": 1,
}
FOUND = {
    "file": "theirs.onnx",
    "format": "onnx",
    "channels_first": True,
    "side": 64,
    "grey": False,
    "classes": 3,
    "outputs": "logits",
    "left_out": ["random_flip"],
    "candidates": [WINNER, OTHER],
    "winner": WINNER,
    "near_chance": False,
}


@pytest.fixture
def asked(monkeypatch) -> list[list[str]]:
    """The jobs that were started, which nobody does: name and arguments."""
    started = []

    def start(name, arguments):
        started.append([name, *arguments])
        return jobs.job_named(name)

    monkeypatch.setattr(jobs, "start", start)
    return started


def put(state: str, error: str = "", **changes) -> jobs.Job:
    """The files of an examination."""
    job = jobs.job_named("examine-theirs")
    upload = job.folder / "upload" / "theirs.onnx"
    upload.parent.mkdir(parents=True)
    upload.write_bytes(b"network")
    out = job.folder / "examination.json"
    out.write_text(json.dumps(FOUND | changes))
    arguments = ["examine", str(upload), "signs", "--out", str(out)]
    content = {"kind": "examine", "arguments": arguments, "number": 1}
    (job.folder / "request.json").write_text(json.dumps(content))
    status = {"state": state, "done": 1, "total": 2, "message": "Trying", "error": error}
    (job.folder / "status.json").write_text(json.dumps(status | {"result": {}, "figures": {}}))
    return job


def shown(**session) -> AppTest:
    app = AppTest.from_file(str(PROJECT / "app" / "main.py"), default_timeout=60)
    app.query_params["model"] = "small"
    for name, value in session.items():
        app.session_state[name] = value
    return app.run().switch_page("../pages/own_model.py").run()


def examined(state: str = "finished", error: str = "", **changes) -> AppTest:
    job = put(state, error, **changes)
    return shown(**{examinations.EXAMINED: job.name})


def pressed(app, label):
    return by_label(app.button, label).click().run()


def test_a_file_is_examined_as_soon_as_it_is_uploaded(at_home, asked):
    app = open_page("own_model")
    assert "What you will learn" in [header.value for header in app.header]
    by_label(app.file_uploader, "Network file").set_value(("Their net.onnx", b"1", "x/y")).run()
    ((name, command, file, dataset, *_),) = asked
    assert (command, dataset) == ("examine", "signs")
    assert file.endswith("upload/Their-net.onnx")
    check_fine(app.run())
    assert len(asked) == 1, "once only"
    by_label(app.selectbox, "Images of the classes that the network tells apart")
    assert app.session_state[examinations.EXAMINED] == name


def test_findings_are_shown_for_confirmation_and_imported_as_confirmed(at_home, asked):
    app = check_fine(examined())
    told = visible_text(app)
    assert "theirs.onnx" in told and "64×64" in told and "random_flip" in told
    assert "One description fits clearly best" in app.success[0].value
    assert list(app.dataframe[0].value["accuracy"]) == [97.5, 33.0]
    assert by_label(app.selectbox, "Outputs").value == "logits"
    check_fine(pressed(app, "Import"))
    ((name, command, _, dataset, *options),) = asked
    assert (name, command, dataset) == ("import-theirs", "import", "signs")
    assert options == [
        *("--name", "theirs", "--range", "0..255", "--colours", "rgb"),
        *("--class-order", "numbers-as-text", "--outputs", "logits"),
    ]


def test_what_was_found_can_be_changed(at_home, asked):
    app = examined()
    by_label(app.selectbox, "Pixel values").set_value("0..1")
    by_label(app.selectbox, "Order of the classes").set_value("given").run()
    assert "With this choice **33.0 %** of 160 clean images" in visible_text(check_fine(app))
    by_label(app.selectbox, "Pixel values").set_value("imagenet").run()
    assert "choose another order" in app.warning[0].value
    assert by_label(app.button, "Import").disabled
    by_label(app.selectbox, "Pixel values").set_value("0..1").run()
    by_label(app.selectbox, "Outputs").set_value("probabilities").run()
    by_label(app.text_input, "Name of the model").set_value("mine").run()
    pressed(app, "Import")
    assert asked[0][5:] == [
        *("mine", "--range", "0..1", "--colours", "rgb"),
        *("--class-order", "given", "--outputs", "probabilities"),
    ]


def test_without_a_clear_winner_the_visitor_chooses(at_home, asked):
    app = examined(winner=None)
    assert "Several descriptions fit" in app.warning[0].value
    assert by_label(app.button, "Import").disabled
    by_label(app.selectbox, "Pixel values").set_value("0..255")
    by_label(app.selectbox, "Order of the classes").set_value("numbers-as-text").run()
    assert by_label(app.selectbox, "Colours").value == "rgb", "there is one only"
    assert not by_label(app.button, "Import").disabled


def test_a_network_that_guesses_is_imported_only_once_that_is_confirmed(at_home, asked):
    app = examined(winner=None, near_chance=True)
    assert "The network seems to guess" in app.warning[0].value
    by_label(app.selectbox, "Pixel values").set_value("0..255")
    by_label(app.selectbox, "Order of the classes").set_value("numbers-as-text").run()
    assert by_label(app.button, "Import").disabled
    app.checkbox[0].check().run()
    assert not by_label(check_fine(app).button, "Import").disabled


def test_a_taken_name_is_refused_and_the_findings_stay(at_home, asked):
    app = examined()
    by_label(app.text_input, "Name of the model").set_value("small").run()
    pressed(app, "Import")
    (sentence,) = [markdown.unescape(error.value) for error in app.error]
    assert "already: choose another name" in sentence and not asked
    assert app.dataframe and (jobs.job_named("examine-theirs").folder / "upload").exists()


def test_a_refusal_is_one_sentence_and_nothing_of_the_file_is_kept(at_home, asked):
    app = examined("failed", "theirs.onnx uses the operator 'Loop': export it without.")
    (sentence,) = [markdown.unescape(error.value) for error in app.error]
    assert sentence.startswith("theirs.onnx uses the operator 'Loop'")
    assert "Nothing of the file was kept" in visible_text(app)
    assert not jobs.job_named("examine-theirs").folder.exists()
    by_label(app.file_uploader, "Network file").set_value(("other.h5", b"2", "x/y")).run()
    assert len(asked) == 1 and not check_fine(app).error


def test_discarding_deletes_the_file_and_empties_the_control(at_home, asked):
    app = check_fine(pressed(examined(), "Discard"))
    assert not jobs.job_named("examine-theirs").folder.exists()
    assert "What you will learn" in [header.value for header in app.header]


def test_an_interrupted_examination_can_be_resumed(at_home, asked):
    app = check_fine(examined("interrupted"))
    assert {"Resume", "Dismiss"} <= {button.label for button in app.button}


def test_another_dataset_has_the_file_examined_again(at_home, asked, monkeypatch):
    monkeypatch.setattr("app.views.own_model.images_step.available", lambda name: True)
    app = examined()
    choice = by_label(app.selectbox, "Images of the classes that the network tells apart")
    choice.select("cifar10").run()
    ((name, command, file, dataset, *_),) = asked
    assert (command, dataset) == ("examine", "cifar10")
    assert file.endswith("theirs.onnx") and "cifar10" in name


def test_missing_images_come_first(at_home, monkeypatch, tmp_path):
    monkeypatch.setenv("PRUNING_LAB_DATA", str(tmp_path / "nowhere"))
    app = open_page("own_model")
    choice = by_label(app.selectbox, "Images of the classes that the network tells apart")
    choice.select("cifar10").run()
    assert "cifar10 is not here" in visible_text(check_fine(app))
    assert by_label(app.file_uploader, "Network file").disabled


def test_what_nobody_came_back_for_is_deleted(at_home, asked, monkeypatch):
    put("finished")
    monkeypatch.setattr(examinations, "_KEPT_SECONDS", -1)
    app = open_page("own_model")
    by_label(app.file_uploader, "Network file").set_value(("other.h5", b"2", "x/y")).run()
    assert not jobs.job_named("examine-theirs").folder.exists()


def test_damaged_findings_are_one_sentence(at_home, asked):
    job = put("finished")
    (job.folder / "examination.json").write_text("{")
    app = shown(**{examinations.EXAMINED: job.name})
    assert "upload the file again" in app.error[0].value and not app.exception


def test_a_finished_import_is_in_use_and_its_file_deleted(at_home, imported):
    examination = put("finished")
    job = jobs.job_named("import-theirs")
    job.folder.mkdir()
    arguments = ["import", "x", "folder:signs", "--name", "theirs"]
    content = {"kind": "import", "arguments": arguments, "number": 2}
    (job.folder / "request.json").write_text(json.dumps(content))
    status = {"state": "finished", "done": 1, "total": 1, "message": "", "error": ""}
    (job.folder / "status.json").write_text(json.dumps(status | {"result": {}, "figures": {}}))
    app = check_fine(
        shown(
            **{
                examinations.EXAMINED: examination.name,
                findings._IMPORTING: job.name,
                job_panel._OWN: (job.name,),
            }
        )
    )
    assert app.session_state[header.MODEL] == "theirs"
    assert "3. First scores" in [header.value for header in app.header]
    assert not job.folder.exists() and not examination.folder.exists()


@pytest.fixture
def imported(at_home) -> store.StoredModel:
    """The small model as if it had been imported."""
    small = store.find("small")
    folder = paths.models_folder() / "theirs"
    shutil.copytree(small.folder, folder)
    names = ("clean_accuracy", "clean_images")
    card = dataclasses.replace(
        small.card,
        name="theirs",
        trigger="",
        target=None,
        rate=None,
        poisoned=None,
        poisoning={},
        training={},
        scores={
            split: {name: scores[name] for name in names if name in scores}
            for split, scores in small.card.scores.items()
        },
        imported={
            "file": "theirs.onnx",
            "format": "onnx",
            "range": "0..255",
            "colours": "bgr",
            "outputs": "logits",
            "class_order": [],
            "channels_first": True,
            "left_out": [],
        },
    )
    (folder / "card.json").write_text(card.to_json())
    return store.find("theirs")


def test_a_repaired_import_is_called_so(imported):
    repair = {"parent": "theirs", "parent_sha256": "0" * 64, "method": "clp", "summary": "x"}
    card = dataclasses.replace(imported.card, repair=repair)
    assert summary.title(card).startswith("Imported network on signs, repaired: ")


def test_first_scores_say_what_is_known_and_start_the_scan(imported, asked):
    app = open_page("own_model", model="theirs")
    told = visible_text(app)
    assert "95 % interval" in told and "not known" in told
    assert "pixel values 0 to 255, colours blue, green, red; logits" in told
    pressed(app, "Scan for a backdoor")
    assert asked == [["detect-theirs", "detect", "theirs"]]


def test_after_the_scan_its_verdict_stands_below_the_first_scores(imported):
    scans.store_scan(imported, scans.patch(1, imported.card.image_shape[0]))
    told = visible_text(open_page("own_model", model="theirs"))
    assert "Backdoor found: class 1 (class-1)." in told
    assert "Through a patch of 3x3 pixels" in told and "not known" not in told


def test_networks_are_prepared_by_a_job_and_then_downloaded(imported, asked):
    app = open_page("own_model", model="theirs")
    pressed(app, "Prepare .onnx")
    ((_, *words),) = asked
    file = export_model.file_for_download(imported, "onnx")
    assert words == ["export", "theirs", "--format", "onnx", "--out", str(file)]
    file.parent.mkdir(parents=True)
    file.write_bytes(b"network")
    labels = [button.label for button in check_fine(app.run()).get("download_button")]
    assert labels == ["Download .onnx"]


def test_a_network_of_ones_own_is_downloaded_at_once(results):
    app = open_page("models", tab="In use")
    assert "Download .keras" in [button.label for button in app.get("download_button")]
    assert by_label(app.button, "Prepare .onnx")


def test_the_sample_pair_is_made_by_a_job_and_then_downloaded(at_home, asked):
    app = open_page("own_model")
    pressed(app, "Make the sample pair")
    folder = paths.cache_folder() / "sample-pair"
    assert asked == [["sample-pair", "sample-pair", "--out", str(folder)]]
    folder.mkdir(parents=True)
    for name in (sample_pair.IMAGES_FILE, sample_pair.NETWORK_FILE):
        (folder / name).write_bytes(b"")
    labels = [button.label for button in check_fine(app.run()).get("download_button")]
    assert labels == ["Images (.zip)", "Network (.onnx)"]
