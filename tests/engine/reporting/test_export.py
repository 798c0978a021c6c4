"""Charts and tables as files."""

import io
import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from app.charts import pruning_charts
from engine.core.errors import UserError
from engine.reporting import export, paper_figures

CURVE = pd.DataFrame(
    {
        "step": [0, 1, 2],
        "fraction": [0.0, 0.5, 1.0],
        "clean_accuracy": [97.0, 90.0, 5.0],
        "attack_success": [99.0, 50.0, 0.0],
        "recovered_accuracy": [1.0, 10.0, 5.0],
    }
)


def test_several_charts_are_drawn_at_once_as_svg_on_white():
    both = [paper_figures.pruning_curve(CURVE, 0.5), pruning_charts.draggable_curve(CURVE, 1)]
    for svg in export.draw(both, "svg"):
        root = ElementTree.fromstring(svg)
        assert root.tag.endswith("svg")
        assert b'fill="white"' in svg
        assert float(root.get("width")) >= export.WIDTH


def test_a_png_has_twice_the_pixels():
    chart = paper_figures.pruning_curve(CURVE).properties(width=300, height=200)
    width, _ = Image.open(io.BytesIO(export.png(chart))).size
    svg_width = float(ElementTree.fromstring(export.svg(chart)).get("width"))
    assert width == pytest.approx(export.SCALE * svg_width, abs=3)


def test_a_failing_renderer_is_reported_in_a_sentence(monkeypatch):
    monkeypatch.setattr(export.sys, "executable", "/bin/false")
    with pytest.raises(UserError, match="save its data as CSV instead"):
        export.svg(paper_figures.pruning_curve(CURVE))


def test_numbers_of_a_table_survive_as_csv():
    read = pd.read_csv(io.BytesIO(export.csv(CURVE)))
    pd.testing.assert_frame_equal(read, CURVE)


@given(st.text(max_size=20))
def test_no_text_of_a_table_is_a_formula_in_a_spreadsheet(text):
    table = pd.DataFrame({text: [text], "n": [np.float64(-1.5)]})
    content = export.csv(table).decode()
    for line in content.splitlines():
        for cell in (line, line.lstrip('"')):
            assert not cell.startswith(("=", "+", "@"))
    assert "-1.5" in content, "numbers stay numbers"
