"""Charts and tables in forms to keep: SVG, PNG, CSV.

Drawing is done in a child process: the renderer holds some 80 MB that a server would keep.
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

Chart = alt.Chart | alt.LayerChart | alt.FacetChart
Kind = Literal["svg", "png"]
WIDTH = 640  # pixels, of a chart that takes whatever width a page has
SCALE = 2  # pixels of the picture for each of the chart's
SECONDS = 60


def drawn(charts: Sequence[Chart], kind: Kind) -> list[bytes]:
    """Each chart as a file's content, on white.

    Raises:
        UserError: a chart could not be drawn.
    """
    specs = [_on_white(chart.to_dict()) for chart in charts]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "engine.reporting.export", kind],
            input=json.dumps(specs),
            capture_output=True,
            text=True,
            cwd=paths.PROJECT,
            timeout=SECONDS,
            check=True,
        )
        return [base64.b64decode(content) for content in json.loads(done.stdout)]
    except (subprocess.SubprocessError, ValueError) as error:
        raise UserError(
            "The chart could not be drawn as a file: save its data as CSV instead."
        ) from error


def svg(chart: Chart) -> bytes:
    """A chart as SVG, UTF-8."""
    return drawn([chart], "svg")[0]


def png(chart: Chart) -> bytes:
    """A chart as PNG, `SCALE` times its size in pixels."""
    return drawn([chart], "png")[0]


def csv(table: pd.DataFrame) -> bytes:
    """A table as CSV, UTF-8; text that a spreadsheet would run as a formula begins with '."""
    return table.map(_harmless).rename(columns=_harmless).to_csv(index=False).encode()


def _harmless(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value


def _on_white(spec: dict[str, Any]) -> dict[str, Any]:
    wide = {} if "width" in spec or "facet" in spec else {"width": WIDTH}
    return {**spec, **wide, "background": "white"}


def _main(kind: str) -> None:
    """The child: charts come in as JSON, files go out in base 64."""
    import vl_convert

    def convert(spec: dict[str, Any]) -> bytes:
        if kind == "svg":
            return bytes(vl_convert.vegalite_to_svg(spec), "utf-8")
        return bytes(vl_convert.vegalite_to_png(spec, scale=SCALE))

    contents = [convert(spec) for spec in json.load(sys.stdin)]
    json.dump([base64.b64encode(content).decode() for content in contents], sys.stdout)


if __name__ == "__main__":
    _main(sys.argv[1])
