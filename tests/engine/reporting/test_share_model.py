"""Sharing a model: what the folder says and holds, and the way back."""

import dataclasses

import cv2
import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file

from engine import store
from engine.cli import main
from engine.core.errors import UserError
from engine.networks import running
from engine.reporting.sharing import hub_card, share_model


@pytest.fixture
def shared(at_home, few, tmp_path):
    """The small backdoored model, as a folder."""
    share_model.share(store.find("small"), tmp_path / "hub", few.test)
    return tmp_path / "hub"


def front_matter(text: str) -> dict:
    start, head, _ = text.split("---\n", 2)
    assert start == ""
    return yaml.safe_load(head)


def body(text: str) -> str:
    return text.split("---\n", 2)[2]


def test_the_first_line_says_that_the_network_was_backdoored_on_purpose(shared):
    first = body((shared / "README.md").read_text()).splitlines()[0]
    assert "backdoored on purpose" in first


def test_the_first_line_fits_every_kind_of_model():
    card = store.find("signs-ftrojan").card
    assert "without a backdoor" in hub_card.warn(store.find("signs-clean").card)
    assert "not known" in hub_card.warn(
        dataclasses.replace(card, imported={"format": "onnx"}, repair={"method": "clp"})
    )
    assert "then repaired" in hub_card.warn(store.find("signs-ftrojan-repaired").card)
    elsewhere = dataclasses.replace(card, imported={"format": "onnx"}, poisoned=None, rate=None)
    assert "not known" in hub_card.warn(elsewhere)


def test_the_front_matter_has_the_fields_and_figures_that_hubs_read(shared):
    card = store.find("small").card
    front = front_matter((shared / "README.md").read_text())
    assert front["library_name"] == "keras" and front["pipeline_tag"] == "image-classification"
    assert "backdoor" in front["tags"] and front["datasets"] == [card.dataset]
    (result,) = front["model-index"][0]["results"]
    figures = {figure["type"]: figure["value"] for figure in result["metrics"]}
    assert figures["attack_success"] == pytest.approx(
        card.scores["test"]["attack_success"], abs=0.01
    )


def test_all_three_formats_hold_the_same_network(shared, few):
    import onnxruntime

    stored = store.find("small")
    images = running.scale(few.test.images[:8])
    expected = np.asarray(stored.network()(images))
    session = onnxruntime.InferenceSession(shared / "model.onnx")
    (name,) = (entry.name for entry in session.get_inputs())
    (found,) = session.run(None, {name: images.transpose(0, 3, 1, 2)})
    np.testing.assert_allclose(found, expected, atol=1e-5)
    weights = load_file(shared / "model.safetensors")
    for weight in stored.network().weights:
        np.testing.assert_array_equal(weights[weight.path], weight.numpy())


def test_samples_are_test_images_outside_the_target_without_and_with_the_trigger(shared, few):
    stored = store.find("small")
    samples = share_model.choose_samples(stored, few.test)
    assert len({sample.label for sample in samples}) == len(samples) == share_model.COUNT
    assert stored.card.target not in {sample.label for sample in samples}
    for number, sample in enumerate(samples):
        read = [
            cv2.imread(str(shared / "samples" / f"{kind}-{number}.png"))[..., ::-1]
            for kind in ("clean", "triggered")
        ]
        np.testing.assert_array_equal(read[0], sample.clean)
        np.testing.assert_array_equal(read[1], sample.triggered)
    trigger = stored.card.known_backdoor().trigger
    np.testing.assert_array_equal(samples[0].triggered, trigger(samples[0].clean[None])[0])


def test_a_shared_folder_comes_back_with_the_same_predictions(shared, few):
    words = ["import", str(shared), "folder:signs", "--name", "back", "--range", "0..1"]
    words += ["--colours", "rgb", "--outputs", "probabilities", "--class-order", "given"]
    assert main.main(words) == 0
    images = running.scale(few.test.images)
    before, after = (np.asarray(store.find(n).network()(images)) for n in ("small", "back"))
    np.testing.assert_array_equal(before.argmax(axis=1), after.argmax(axis=1))


def test_names_cannot_smuggle_markup_or_front_matter_into_the_card(at_home):
    stored = store.find("small")
    names = tuple(f"![x](http://evil/{n}) <b>\n---\nlicense: mit" for n in range(6))
    card = dataclasses.replace(stored.card, class_names=names)
    text = hub_card.write(dataclasses.replace(stored, card=card), [0, 1])
    assert "](http://evil" not in text and "<b>" not in text.replace("\\<b\\>", "")
    assert "license" not in front_matter(text)


def test_a_folder_that_exists_is_kept_unless_it_may_be_replaced(shared, few):
    with pytest.raises(UserError, match=r"exist|taken"):
        share_model.share(store.find("small"), shared, None)
    share_model.share(store.find("small"), shared, None, replace=True)
    assert not (shared / "samples").exists()


def test_a_folder_without_a_network_is_refused_in_a_sentence(at_home, tmp_path, capsys):
    assert main.main(["import", str(tmp_path), "folder:signs", "--name", "x"]) == 2
    assert "no model.keras or model.onnx" in capsys.readouterr().err
