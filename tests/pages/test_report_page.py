"""The page Report, and saving a chart: every change of state."""

from app.forms import threshold_slider
from tests.pages.driving import by_label, check_fine, open_page, visible_text


def test_a_report_is_made_and_offered_and_goes_stale_with_the_settings(results):
    app = open_page("report")
    assert not app.download_button
    by_label(app.button, "Make the report").click().run()
    assert "Download it (HTML)" in [button.label for button in check_fine(app).download_button]
    app.slider[0].set_value(30.0).run()
    assert not check_fine(app).download_button
    assert "make it again" in visible_text(app)
    assert "--threshold 30" in app.code[-1].value


def test_a_report_can_show_a_picture_of_ones_own(results):
    app = open_page("report")
    by_label(app.button, "Take ten sample signs").click().run()
    by_label(app.button, "Make the report").click().run()
    assert "Download it (HTML)" in [button.label for button in check_fine(app).download_button]
    assert "--image" not in app.code[-1].value, "a command cannot know the picture"


def test_the_report_takes_over_the_threshold_of_the_page_pruning(results):
    app = open_page("pruning")
    by_label(app.slider, app.slider[0].label).set_value(12.5).run()
    app.switch_page("../pages/report.py").run()
    assert check_fine(app).session_state[threshold_slider.THRESHOLD] == 12.5


def test_an_order_without_a_curve_says_what_to_do(results):
    app = open_page("report")
    by_label(app.selectbox, "Pruning order").select("clean-count").run()
    assert "has not been computed" in visible_text(check_fine(app))


def test_every_chart_is_offered_as_picture_and_as_data(results):
    for tab in ("Prune", "Thresholds", "Orders"):
        labels = [button.label for button in open_page("pruning", tab=tab).download_button]
        charts = labels.count("Data (CSV)")
        assert charts == labels.count("Picture (SVG)") == labels.count("Picture (PNG)") == 1
