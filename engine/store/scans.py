"""What a scan for a backdoor has found in a model, as far as it was stored."""

from __future__ import annotations

from dataclasses import dataclass

from engine.store.models import StoredModel

TABLE = "detection"  # name of the table kept beside a model

# What `SpectralInversion`, the detector whose findings are stored, can find and what it cannot.
SEARCHED = (
    "The scan searches for one faint pattern of frequencies that is the same on every image, as"
    " FTrojan adds it. Patches, warped images and patterns that differ from image to image can"
    " escape it."
)


@dataclass(frozen=True)
class Scan:
    """A stored finding.

    Attributes:
        flagged: the class that the scan takes for a backdoor's target; None if it flags none.
        name: of that class.
    """

    flagged: int | None
    name: str = ""

    @property
    def finding(self) -> str:
        """The finding in one sentence."""
        if self.flagged is None:
            return "The scan flags no class."
        return f"The scan flags class {self.flagged}: {self.name} (target found by the scan)."


def stored_scan(stored: StoredModel) -> Scan | None:
    """What the scan of a model has found; None if it has not been scanned.

    Raises:
        UserError: the stored table cannot be used.
    """
    table = stored.table(TABLE)
    if table is None:
        return None
    flagged = table.loc[table["flagged"], ["label", "name"]].to_dict("records")
    return Scan(int(flagged[0]["label"]), str(flagged[0]["name"])) if flagged else Scan(None)
