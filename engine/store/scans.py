"""What a scan for a backdoor has found in a model, as far as it was stored.

Three tables keep it: the evidence for each class, the sizes of the patterns searched, and the
trigger that was recovered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from engine.core.errors import UserError
from engine.defenses.inversion import RecoveredTrigger
from engine.defenses.inversion.description import describe
from engine.store.models import StoredModel

if TYPE_CHECKING:
    from engine.defenses.detectors.trigger_inversion import InversionDetection

EVIDENCE, SIZES, TRIGGER = "detection", "pattern-sizes", "recovered-trigger"

SEARCHED = (
    "The scan searches for one patch, blended picture, pattern of frequencies, warp or set of"
    " stripes that sends images of all other classes to the same class. Triggers that differ from"
    " image to image, or that lead each class to another one, can escape it."
)
NOTHING_FOUND = "No backdoor found by these tests."


@dataclass(frozen=True)
class Scan:
    """A stored finding.

    Attributes:
        flagged: the class that the scan takes for a backdoor's target; None if it flags none.
        name: of that class.
        trigger: what was recovered; None if no class is flagged.
    """

    flagged: int | None
    name: str = ""
    trigger: RecoveredTrigger | None = None

    @property
    def found(self) -> bool:
        """Whether a class is flagged."""
        return self.flagged is not None

    @property
    def finding(self) -> str:
        """The finding in one sentence."""
        if self.flagged is None:
            return NOTHING_FOUND
        found = f"Backdoor found: class {self.flagged} ({self.name})"
        if self.trigger is None:
            return f"{found}."
        return (
            f"{found}, through {describe(self.trigger)} that sends {self.trigger.success:.0f} % of"
            " other images there."
        )


def tables_of(found: InversionDetection, class_names: tuple[str, ...]) -> dict[str, pd.DataFrame]:
    """The tables to store of a finding, by name."""
    tables = {EVIDENCE: found.evidence(class_names), SIZES: found.sizes(class_names)}
    return tables if found.trigger is None else {**tables, TRIGGER: trigger_table(found.trigger)}


def stored_scan(stored: StoredModel) -> Scan | None:
    """What the scan of a model has found; None if it has not been scanned.

    Raises:
        UserError: a stored table cannot be used.
    """
    evidence = stored.table(EVIDENCE)
    if evidence is None:
        return None
    if len(evidence) != len(stored.card.class_names):
        raise UserError(
            f"The stored scan is not of a network with {len(stored.card.class_names)} classes:"
            " scan the model again."
        )
    flagged = evidence.loc[evidence["flagged"]].to_dict("records")
    if not flagged:
        return Scan(None)
    (row,) = flagged
    table = stored.table(TRIGGER)
    trigger = None if table is None else read_trigger(table, row, stored.card.image_shape)
    return Scan(int(row["label"]), str(row["name"]), trigger)


def trigger_table(trigger: RecoveredTrigger) -> pd.DataFrame:
    """The arrays of a recovered trigger: a row for each number.

    Returns:
        array (a name in `RecoveredTrigger.arrays`), row, column, channel and value.
    """
    return pd.concat([_long(name, array) for name, array in trigger.arrays().items()])


def _long(name: str, array: np.ndarray) -> pd.DataFrame:
    rows, columns, channels = np.indices(array.shape).reshape(3, -1)
    return pd.DataFrame(
        {
            "array": name,
            "row": rows,
            "column": columns,
            "channel": channels,
            "value": array.ravel().round(4),
        }
    )


def read_trigger(
    table: pd.DataFrame, evidence: Mapping[str, Any], image_shape: tuple[int, ...]
) -> RecoveredTrigger:
    """The recovered trigger in a table; see `trigger_table`.

    Args:
        table: as stored.
        evidence: the row of the flagged class in the table of evidence.
        image_shape: height, width and channels of the model's images.

    Raises:
        UserError: the table does not fit the model's images.
    """
    height, width = image_shape[:2]
    if (table["row"].max() + 1, table["column"].max() + 1) != (height, width):
        raise UserError(
            "The recovered trigger does not fit the model's images: scan the model again."
        )
    arrays = {
        str(name): part["value"].to_numpy(np.float32).reshape(height, width, -1)
        for name, part in table.groupby("array", sort=False)
    }
    about = {name: evidence[name] for name in ("label", *RecoveredTrigger.MEASURED)}
    return RecoveredTrigger(**about, **arrays)
