"""The page Triggers: every change of state."""

from app import variants
from engine.triggers import FTrojan
from tests.pages.driving import by_label, fine, metrics, opened, words


def test_parameters_of_the_trigger_change_the_image(results):
    app = opened("triggers")
    before = metrics(app)
    by_label(app.number_input, "Magnitude").set_value(200.0).run()
    after = metrics(fine(app))
    assert float(after["PSNR"][:-3]) < float(before["PSNR"][:-3])
    by_label(app.text_input, "Frequency bands").set_value("3x4").run()
    assert metrics(fine(app)) != after
    by_label(app.slider, "Amplify the difference").set_value(40).run()
    fine(app)


def test_a_wrong_band_is_told_on_the_page(results):
    app = opened("triggers")
    by_label(app.text_input, "Frequency bands").set_value("40x1").run()
    assert not app.exception
    assert "outside a window" in app.error[0].value


def test_another_class_shows_another_image(results):
    app = opened("triggers")
    by_label(app.selectbox, "What the image shows").select(3).run()
    fine(app)
    assert "class-3" in str(app.main)


def test_several_settings_stand_side_by_side_with_what_the_network_says_of_each(results):
    app = opened("triggers")
    assert words(app).count("The network:") == 2, "of the clean image and of one triggered"
    by_label(app.segmented_control, "Settings side by side").select(3).run()
    assert words(fine(app)).count("The network:") == 4
    table = app.dataframe[0].value
    assert table["setting"].tolist() == list("ABC")
    assert table["psnr"].is_monotonic_decreasing, "each is stronger than the one before"


def test_a_stronger_setting_stays_within_the_limits():
    trigger = FTrojan(magnitude=30.0)
    assert variants.stronger(trigger, 2).magnitude == 60
    most = FTrojan.parameters()["magnitude"].maximum
    assert variants.stronger(FTrojan(magnitude=most), 4).magnitude == most


def test_a_picture_picked_from_the_grid_becomes_the_image(results):
    from app import images

    app = opened("triggers")
    before = str(app.main)
    app.session_state[images.NUMBER] = 7
    app.run()
    assert str(fine(app).main) != before
    assert by_label(app.number_input, "Which of its 30 images").value == 7
