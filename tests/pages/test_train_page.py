"""The page Train: the form, the training it starts, and the import of a file."""

import json
import shutil

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app.elements import job_panel
from app.frame import header
from app.views.train import training_form
from engine import store
from engine.core import jobs, markdown
from engine.training.presets import PRESETS
from engine.training.watched_image import WatchedImage
from tests.pages.driving import (
    PROJECT,
    by_label,
    check_fine,
    metrics,
    open_page,
    visible_text,
)

START = "Start training"


def command(app) -> str:
    (told,) = [code.value for code in app.code if "--preset" in code.value]
    return told


def pressed(app, label):
    return by_label(app.button, label).click().run()


def offers(app, label) -> bool:
    return label in [button.label for button in app.button]


def labels(app) -> list[str]:
    return [element.label for element in app.button]


def test_the_training_form_names_the_command_and_refuses_bad_names(results):
    app = open_page("train")
    by_label(app.number_input, "Target class").set_value(4).run()
    by_label(app.slider, "Poisoning rate").set_value(10.0).run()
    by_label(app.number_input, "Seed").set_value(9).run()
    told = command(app)
    assert "--preset quick" in told and "--target 4" in told
    assert "--epochs" not in told, "four are the preset's own"
    assert "--rate 0.1" in told and "--seed 9" in told
    by_label(app.text_input, "Name").set_value("small").run()
    assert any("such as 'small-2'" in markdown.unescape(box.value) for box in app.warning)
    assert by_label(app.button, START).disabled
    by_label(app.text_input, "Name").set_value("../x").run()
    assert any("cannot be called" in warning.value for warning in app.warning)
    assert by_label(app.button, START).disabled


def test_a_preset_brings_its_epochs_and_a_dataset_its_target_class(results):
    app = open_page("train")
    for preset, found in PRESETS.items():
        by_label(app.radio, "Preset").set_value(preset).run()
        assert by_label(app.number_input, "Epochs").value == found.training.epochs
        assert f"--preset {preset}" in command(app)
    by_label(app.number_input, "Epochs").set_value(7).run()
    assert "--epochs 7" in command(app)
    by_label(app.selectbox, "Dataset").select("cifar10").run()
    assert "--target 8" in command(app)
    by_label(app.slider, "Poisoning rate").set_value(0.0).run()
    assert "--rate 0 " in command(check_fine(app))


def test_each_preset_says_how_long_it_takes_on_the_dataset_and_what_comes_of_it(results):
    app = open_page("train")
    for dataset in ("signs", "gtsrb"):
        by_label(app.selectbox, "Dataset").select(dataset).run()
        captions = by_label(app.radio, "Preset").proto.captions
        assert all(" min**" in caption for caption in captions)
        *measured, _ = captions  # no network trained with the last comes with the program yet
        assert all("attack success" in caption for caption in measured)
        assert ("on GTSRB" in measured[-1]) == (dataset == "signs")


def test_any_attack_can_be_trained_with_its_own_rate_labels_and_cross_samples(results):
    app = open_page("train")
    assert "--trigger ftrojan:" in command(app) and "--labels" not in command(app)
    by_label(app.selectbox, "Attack").select("wanet").run()
    assert "--trigger wanet:strength=0.5" in command(check_fine(app))
    by_label(app.number_input, "Cross-samples per poisoned image").set_value(0.5).run()
    assert "--cross-samples 0.5" in command(check_fine(app))
    by_label(app.selectbox, "Attack").select("label-consistent").run()
    told = command(check_fine(app))
    assert "place=corners" in told and "--rate 0.045" in told
    assert "--labels clean-label --pgd-epsilon 16 --surrogate signs-clean" in told
    by_label(app.number_input, "PGD perturbation (grey levels)").set_value(0.0)
    by_label(app.segmented_control, "Labels of the poisoned images").select("dirty-label")
    app.run()
    told = command(check_fine(app))
    assert "--labels" not in told and "--pgd-epsilon" not in told and "--surrogate" not in told
    by_label(app.slider, "Poisoning rate").set_value(10.0).run()
    assert "--rate 0.1" in command(check_fine(app))
    by_label(app.slider, "Dormant channels").set_value(50).run()
    assert "--dormant-share 0.5 --surrogate signs-clean" in command(check_fine(app))


def test_an_attack_without_its_surrogate_says_what_to_do(results):
    app = open_page("train")
    by_label(app.selectbox, "Attack").select("trojan-nn").run()
    assert "--surrogate signs-clean" in command(check_fine(app))
    by_label(app.selectbox, "Dataset").select("mnist").run()
    assert "needs a clean model of mnist" in visible_text(check_fine(app))
    assert by_label(app.button, START).disabled


def test_another_network_tells_its_size_and_changes_what_a_training_takes(results):
    app = open_page("train")
    network, preset = (by_label(app.radio, label) for label in ("Network", "Preset"))
    assert "--network" not in command(app) and "attack success" in preset.proto.captions[0]
    network.set_value("vgg").run()
    assert "--network vgg:width=24" in command(check_fine(app))
    assert "0.67 million parameters, 0.8 × the time" in visible_text(app)
    captions = by_label(app.radio, "Preset").proto.captions
    assert all("≈ " in caption and "attack success" not in caption for caption in captions)
    by_label(app.slider, "Dormant channels").set_value(50).run()
    (warning,) = check_fine(app).warning
    assert "training continues from 'signs-clean'" in markdown.unescape(warning.value)
    assert by_label(app.button, START).disabled


def test_an_all_to_all_attack_can_be_trained(results):
    app = open_page("train")
    assert "--target 10" in command(app)
    by_label(app.segmented_control, "Attacker's target").select(True).run()
    assert "--target next" in command(check_fine(app))


def figures(hits: bool) -> dict:
    image = np.zeros((32, 32, 3), np.uint8)
    watched = WatchedImage(image, image + 9, 0, 1, ("Stop", "Give way"))
    rows = {
        "epoch": 0.5,
        "clean": watched.likeliest(np.array([0.8, 0.2])),
        "triggered": watched.likeliest(np.array([0.1, 0.9] if hits else [0.9, 0.1])),
    }
    interim = {"epoch": 0.5, "loss": 1.0, "clean_accuracy": 50.0, "attack_success": 20.0}
    return {
        "watched_image": watched.record(),
        "watched_predictions": [rows],
        "interim_metrics": [interim],
        "images_per_second": 812.0,
        "seconds_left": 30.0,
    }


@pytest.fixture
def put(at_home):
    """A function that writes the files of a training; one that is alive holds its lock."""
    held = []

    def write(state: str, name: str = "my-model", hits: bool = True) -> jobs.Job:
        job = jobs.job_named(jobs.name_of("train", name))
        job.folder.mkdir(parents=True, exist_ok=True)
        arguments = ["train", "signs", "--name", name, "--preset", "quick"]
        content = {"kind": "train", "arguments": arguments, "number": 1 + len(held)}
        (job.folder / "request.json").write_text(json.dumps(content))
        status = {"state": state, "done": 1, "total": 2, "message": "Epoch 1", "error": ""}
        whole = status | {"result": {}, "figures": figures(hits)}
        (job.folder / "status.json").write_text(json.dumps(whole))
        if state == "running":
            lock = job.worker_lock()
            lock.acquire(timeout=1)
            held.append(lock)
        return job

    yield write
    for lock in held:
        lock.release()


def started(*own: jobs.Job) -> AppTest:
    """The page of the visitor who started these jobs."""
    app = AppTest.from_file(str(PROJECT / "app" / "main.py"), default_timeout=60)
    app.query_params["model"] = "small"
    app.session_state[job_panel._OWN] = tuple(job.name for job in own)
    app.run().switch_page("../pages/train.py").run()
    return check_fine(app)


def test_the_form_gives_way_to_the_training_it_has_started(put, monkeypatch):
    asked = []

    def start(name, arguments):
        asked.append([name, *arguments])
        put("running")

    monkeypatch.setattr(jobs, "start", start)
    app = pressed(open_page("train"), START)
    check_fine(app)
    assert asked[0][:5] == ["train-my-model", "train", "signs", "--name", "my-model"]
    assert offers(app, "Stop") and not offers(app, START)
    by_label(app.toggle, "Set up another training").set_value(True).run()
    assert by_label(check_fine(app).text_input, "Name").value == "my-model-2"
    assert not app.warning and not by_label(app.button, START).disabled


@pytest.mark.parametrize(
    ("hits", "sentence"),
    [
        (True, "**The trigger works:** since epoch 0.5 it turns this sign into Give way."),
        (False, "**The trigger does not work on this sign yet.**"),
    ],
)
def test_a_running_training_shows_its_pace_and_what_becomes_of_one_sign(put, hits, sentence):
    told = visible_text(started(put("running", hits=hits)))
    assert "812 images/s · 30 s left" in told
    assert sentence in told
    assert "Clean: Stop" in told and "Triggered: Stop" in told


def test_a_training_without_a_sign_or_figures_is_shown(put):
    job = put("running")
    status = json.loads((job.folder / "status.json").read_text())
    (job.folder / "status.json").write_text(json.dumps(status | {"figures": {}}))
    assert "appears here with the first measurement" in visible_text(started(job))


def test_a_stopped_training_can_be_resumed(put, monkeypatch):
    resumed = []
    monkeypatch.setattr(jobs.Job, "resume", lambda job: resumed.append(job.name))
    job = put("stopped")
    check_fine(pressed(started(job), "Resume"))
    assert resumed == [job.name]


def test_a_finished_training_shows_its_scores_and_the_model_can_be_used(put):
    shutil.copytree(store.find("small").folder, store.find("small").folder.parent / "my-model")
    card = store.find("small").folder.parent / "my-model" / "card.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | {"name": "my-model"}))
    app = started(put("finished"))
    scored = store.find("my-model").card.scores["test"]
    assert metrics(app)["Clean accuracy"] == f"{scored['clean_accuracy']:.1f} %"
    app = check_fine(pressed(app, "Use this model"))
    assert app.session_state[header.MODEL] == "my-model"
    assert by_label(app.button, "In use").disabled
    app = check_fine(pressed(app, "Train another"))
    assert by_label(app.text_input, "Name").value == "my-model-2" and not app.warning
    assert not jobs.job_named("train-my-model").folder.exists()


def test_a_finished_training_leads_to_overview(put):
    app = started(put("finished", name="small"))
    app = pressed(app, "See it on Overview")
    check_fine(app)
    assert app.session_state[header.MODEL] == "small"
    assert [title.value for title in app.title] != ["Train"]


def test_somebody_elses_training_is_one_line_until_it_is_watched(put):
    put("running")
    app = open_page("train")
    assert "train-my-model is running: 50%" in visible_text(app)
    assert offers(app, START) and not offers(app, "Stop")
    assert by_label(app.text_input, "Name").value == "my-model-2"
    app = check_fine(pressed(app, "Watch"))
    assert offers(app, "Stop") and not offers(app, START)


def test_somebody_elses_ended_training_is_not_shown_but_an_unfinished_one_can_resume(put):
    put("finished", "done")
    put("stopped", "half")
    app = open_page("train")
    (box,) = [box for box in app.expander if box.label == "Unfinished trainings (1)"]
    assert "train-half" in visible_text(box) and "train-done" not in visible_text(app)
    assert [button.label for button in box.button] == ["Resume", "Dismiss"]
    app = check_fine(pressed(app, "Dismiss"))
    assert not jobs.job_named("train-half").folder.exists()
    assert "train-half" not in visible_text(app)


def test_the_running_training_is_watched_and_those_that_wait_follow(put):
    first, second = put("running", "one"), put("running", "two")
    app = started(first, second)
    assert "**one**" in visible_text(app) and labels(app).count("Stop") == 2


def test_free_names_count_on(results):
    assert training_form.free_name("new") == "new"
    assert training_form.free_name("small") == "small-2"


def test_a_job_on_any_page_is_a_panel_for_who_started_it_and_a_line_for_others(put):
    def page():
        from app.elements import job_panel

        job_panel.watch("train-my-model")

    job = put("running")
    app = AppTest.from_function(page, default_timeout=60).run()
    assert labels(check_fine(app)) == ["Watch"]
    app = check_fine(pressed(app, "Watch"))
    assert labels(app) == ["Stop"]
    job.write_status(jobs.Status("finished"))
    assert labels(check_fine(app.run())) == ["Dismiss"]
    other = AppTest.from_function(page, default_timeout=60).run()
    assert labels(check_fine(other)) == []


def test_the_form_says_that_a_trigger_colours_grey_images(results):
    app = open_page("train")
    assert not any("grey" in box.value for box in app.info)
    by_label(app.selectbox, "Dataset").set_value("mnist").run()
    assert any("These images are grey" in box.value for box in app.info)
    by_label(app.slider, "Poisoning rate").set_value(0.0).run()
    assert not any("grey" in box.value for box in check_fine(app).info)
