"""Pruning as an animation: channels go one by one, and the three metrics follow."""

from __future__ import annotations

import numpy as np
import pandas as pd

from app.elements.mounting import element
from engine.reporting.metric_style import SCORES

_film = element("film")


def film(table: pd.DataFrame, strengths: np.ndarray | None, key: str) -> None:
    """An animation of a pruning curve, with a play button, a slider and the arrow keys.

    Args:
        table: rows of a curve with channel, fraction and the metrics in percent.
        strengths: float [channels], mean activation on clean images, shown as shade; None
            shades all alike.
        key: of the element.
    """
    shades = np.ones(len(table) - 1) if strengths is None else _from_0_to_1(strengths)
    _film(
        data={
            "channels": table["channel"].astype(int).tolist()[1:],
            "shades": np.round(shades, 3).tolist(),
            "measures": [
                {
                    "name": style.label,
                    "colour": style.colour,
                    "values": table[name].round(2).tolist(),
                }
                for name, style in SCORES.items()
            ],
        },
        key=key,
    )


def _from_0_to_1(values: np.ndarray) -> np.ndarray:
    reach = float(np.ptp(values)) or 1.0
    shares: np.ndarray = (values - values.min()) / reach
    return shares
