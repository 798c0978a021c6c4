"""Charts and tables as files: SVG, PNG and CSV.

Charts are drawn in a child process, because the renderer takes some 80 MB of memory that a server
would not get back.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, Literal

import altair as alt
import pandas as pd

from engine.core import paths
from engine.core.errors import UserError

Chart = alt.Chart | alt.LayerChart | alt.FacetChart | alt.HConcatChart
Kind = Literal["svg", "png"]
WIDTH = 640  # pixels, for a chart that adapts to the width of the page
SCALE = 2  # resolution of a PNG relative to the chart's size
TIMEOUT = 60  # seconds


def draw(charts: Sequence[Chart], kind: Kind) -> list[bytes]:
    """Draw charts on white, all of them in one child process.

    Returns:
        The content of a file for each chart.

    Raises:
        UserError: a chart could not be drawn.
    """
    return _convert([_on_white(chart.to_dict()) for chart in charts], kind)


def picture(drawing: str) -> bytes:
    """An SVG as PNG, of the size that the SVG gives in pixels.

    Raises:
        UserError: it could not be drawn.
    """
    return _convert([drawing], "png")[0]


def _convert(contents: Sequence[dict[str, Any] | str], kind: Kind) -> list[bytes]:
    """Draw specifications of charts, and SVG, in one child process."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "engine.reporting.export", kind],
            input=json.dumps(contents),
            capture_output=True,
            text=True,
            cwd=paths.PROJECT,
            timeout=TIMEOUT,
            check=True,
        )
        return [base64.b64decode(content) for content in json.loads(done.stdout)]
    except (subprocess.SubprocessError, ValueError) as error:
        raise UserError(
            "The chart could not be drawn as a file: save its data as CSV instead."
        ) from error


def svg(chart: Chart) -> bytes:
    """A chart as SVG, UTF-8."""
    return draw([chart], "svg")[0]


def png(chart: Chart) -> bytes:
    """A chart as PNG, `SCALE` times its size in pixels."""
    return draw([chart], "png")[0]


def csv(table: pd.DataFrame) -> bytes:
    """A table as CSV, UTF-8. Text that a spreadsheet would run as a formula is quoted with '."""
    return table.map(_quote_formula).rename(columns=_quote_formula).to_csv(index=False).encode()


def _quote_formula(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value


def _on_white(spec: dict[str, Any]) -> dict[str, Any]:
    wide = {} if "width" in spec or "facet" in spec or "hconcat" in spec else {"width": WIDTH}
    return {**spec, **wide, "background": "white"}


def _main(kind: str) -> None:
    """The child process: reads charts as JSON, writes files as base 64."""
    import vl_convert

    def convert(spec: dict[str, Any] | str) -> bytes:
        if isinstance(spec, str):
            return bytes(vl_convert.svg_to_png(spec))
        if kind == "svg":
            return bytes(vl_convert.vegalite_to_svg(spec), "utf-8")
        return bytes(vl_convert.vegalite_to_png(spec, scale=SCALE))

    contents = [convert(spec) for spec in json.load(sys.stdin)]
    json.dump([base64.b64encode(content).decode() for content in contents], sys.stdout)


if __name__ == "__main__":
    _main(sys.argv[1])
