"""Each kind of CSV table, and of a curve all that is computed from it."""

from functools import partial

import numpy as np

from engine.core import paths
from engine.defenses.activations import change_by_layer
from engine.defenses.inversion.description import describe
from engine.defenses.pruning.curve import PAPER_THRESHOLDS, Curve
from engine.store import tables
from engine.store.scans import EVIDENCE, SIZES, TRIGGER, read_trigger, trigger_table
from tests.fixtures import scans
from tests.fuzz.mutate import as_table
from tests.fuzz.run import Target
from tests.fuzz.targets.scratch import written

_NAMES = ("stop", "yield", "priority")
_SIDE = 4  # pixels of the images of a scan
_REPORT = paths.PROJECT / "report" / "attacks-gtsrb"
_SCANS = {name: tables.MODEL_TABLES[name] for name in (EVIDENCE, SIZES, TRIGGER)}
_KINDS = {
    "curve": (tables.CURVE, "curve-*.csv"),
    **{
        name: (schema, f"{name}.csv")
        for name, schema in tables.MODEL_TABLES.items()
        if name not in _SCANS
    },
}
_COMPARED = {
    "attacks": (tables.ATTACKS, "attacks.csv"),
    "defences": (tables.DEFENCES, "defences.csv"),
    "longer": (tables.MODELS, "longer.csv"),
}


def _seeds(schema, pattern):
    stored = sorted(paths.SHIPPED_MODELS.glob(f"*/{pattern}")) or sorted(_REPORT.glob(pattern))
    if not stored:  # no model comes with such a table
        return [_row_of(schema)]
    smallest = sorted(stored, key=lambda path: path.stat().st_size)[:2]
    return [path.read_bytes() for path in smallest]


def _scan_seeds(name):
    """Tables of scans that recovered a trigger, and of one that found nothing."""
    found = [scans.patch(1, _SIDE), scans.warp(0, _SIDE)]
    tables_of = {
        EVIDENCE: [scans.evidence(_NAMES, trigger) for trigger in (*found, None)],
        SIZES: [scans.sizes(_NAMES, trigger) for trigger in (*found, None)],
        TRIGGER: [trigger_table(trigger) for trigger in found],
    }
    return [table.to_csv(index=False).encode() for table in tables_of[name]]


def _row_of(schema):
    """A table with a single row, each number within its limits."""
    texts = {"text": "clean", "flag": "False"}
    cells = [
        texts.get(column.kind, f"{max(column.low, min(1, column.high)):g}")
        for column in schema.columns.values()
    ]
    return f"{','.join(schema.columns)}\n{','.join(cells)}\n".encode()


def _parse(schema, content):
    with written("table.csv", content) as path:
        table = tables.read(path, schema)
    if schema is tables.CURVE:
        curve = Curve("clean-activation", "conv2d", table, table)
        curve.at_thresholds(PAPER_THRESHOLDS)
    if schema is tables.MODEL_TABLES["activations"]:
        change_by_layer(table)
    if schema is _SCANS[TRIGGER]:
        _use_trigger(table)
    return table.to_dict("list")


def _use_trigger(table):
    flagged = scans.evidence(_NAMES, scans.patch(1, _SIDE)).iloc[0]
    trigger = read_trigger(table, flagged, (_SIDE, _SIDE, 3))
    describe(trigger)
    trigger.apply(np.zeros((1, _SIDE, _SIDE, 3), np.uint8))


TARGETS = (
    *(
        Target(f"table-{name}", partial(_seeds, schema, pattern), partial(_parse, schema), as_table)
        for name, (schema, pattern) in (_KINDS | _COMPARED).items()
    ),
    *(
        Target(f"table-{name}", partial(_scan_seeds, name), partial(_parse, schema), as_table)
        for name, schema in _SCANS.items()
    ),
)
