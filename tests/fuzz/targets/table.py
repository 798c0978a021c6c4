"""Each kind of CSV table, and of a curve all that is computed from it."""

from functools import partial

from engine.core import paths
from engine.defenses.activations import change_by_layer
from engine.defenses.pruning.curve import PAPER_THRESHOLDS, Curve
from engine.store import tables
from tests.fuzz.mutate import as_table
from tests.fuzz.run import Target
from tests.fuzz.targets.scratch import written

LARGEST = 40_000  # bytes of a seed
_REPORT = paths.PROJECT / "report" / "attacks-gtsrb"
_KINDS = {
    "curve": (tables.CURVE, "curve-*.csv"),
    **{name: (schema, f"{name}.csv") for name, schema in tables.MODEL_TABLES.items()},
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
    return table.to_dict("list")


TARGETS = tuple(
    Target(f"table-{name}", partial(_seeds, schema, pattern), partial(_parse, schema), as_table)
    for name, (schema, pattern) in (_KINDS | _COMPARED).items()
)
