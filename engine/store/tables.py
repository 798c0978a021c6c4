"""The CSV tables of a model or a report, checked before anything uses them.

A model's folder from elsewhere can contain anything. So a table is used only if it has the columns
of its kind, with values of their type and within their limits.

What nobody measured has no number: the tables of a model whose trigger is not known lack all the
columns that are measured on triggered images (`Schema.triggered`). Whoever uses a table asks it
which of them it has; see `metrics.measured`.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from engine.core.errors import UNPRINTABLE, quoted, unknown
from engine.core.limited_reading import Unfit, read_bytes, refusing
from engine.defenses.inversion import FAMILIES, RecoveredTrigger
from engine.evaluation import metrics

MAX_BYTES = 32 << 20
MAX_TEXT = 4000  # characters of a cell
LARGEST = 1e15  # of any number; whole numbers up to here are exact as floats
ADVICE = "delete it and compute it again"
SCAN_AGAIN = "scan the model again"
CLEAN_IMAGES, FIVE_POISONED = "clean", "five poisoned"  # what a model was fine-tuned on
_FLAGS = {"True": True, "False": False, "TRUE": True, "FALSE": False}


@dataclass(frozen=True)
class Column:
    """What the cells of a column contain.

    Attributes:
        kind: a "whole" column becomes int64, or float64 where cells are empty; a "number" float64;
            "text" str; a "flag" bool.
        low, high: inclusive limits of numbers.
        empty: whether a cell may be empty; it becomes NaN.
    """

    kind: Literal["whole", "number", "text", "flag"]
    low: float = -LARGEST
    high: float = LARGEST
    empty: bool = False


@dataclass(frozen=True)
class Schema:
    """The columns of a kind of table, and its checks.

    Attributes:
        columns: by name; a table has all of them, in any order, and no other.
        triggered: names of those that a table has all or none of, because they are measured on
            triggered images.
        check: raises `Unfit` where rows do not go with each other.
        rows: how many there may be at most; one there must be at least, unless `bare`.
        bare: whether the table may have no rows.
        advice: what to do with a table that cannot be used.
    """

    columns: Mapping[str, Column]
    check: Callable[[pd.DataFrame], None] = lambda _: None
    rows: int = 10_000
    bare: bool = False
    triggered: tuple[str, ...] = ()
    advice: str = ADVICE


def read(path: Path, schema: Schema) -> pd.DataFrame:
    """The table in a CSV file, its columns in the order of the schema.

    Raises:
        UserError: the file cannot be read, or is not such a table.
    """
    with refusing(path, "it is not a table", schema.advice):
        table = _parse(read_bytes(path, MAX_BYTES), schema)
        schema.check(table)
        return table


def read_model_table(folder: Path, name: str, knows_trigger: bool = True) -> pd.DataFrame | None:
    """The table kept as NAME.csv in a model's folder, or None while there is none.

    Args:
        folder: the model's.
        name: of the table.
        knows_trigger: whether the model's trigger is known, so that the table has the columns
            measured on triggered images; else it has none of them.

    Raises:
        UserError: it cannot be used, or there is no such kind of table.
    """
    schema, path = schema_of(name), folder / f"{name}.csv"
    with refusing(path, "it is not a table", schema.advice):
        if not path.exists():
            return None
        table = read(path, schema)
        if schema.triggered and (schema.triggered[0] in table) != knows_trigger:
            kind = "without the model's trigger" if knows_trigger else "with an unknown trigger"
            raise Unfit(f"it was measured {kind}")
        return table


def schema_of(name: str) -> Schema:
    """The schema of a model's table; every curve has the same.

    Raises:
        UserError: there is no such kind of table.
    """
    if name.startswith("curve-"):
        return CURVE
    if name not in MODEL_TABLES:
        raise unknown("table", name, MODEL_TABLES)
    return MODEL_TABLES[name]


def _parse(content: bytes, schema: Schema) -> pd.DataFrame:
    if b"\0" in content:
        raise Unfit("it is not text")
    raw = pd.read_csv(
        io.StringIO(content.decode("utf-8-sig")),
        dtype=str,
        keep_default_na=False,
        na_values=[""],
        nrows=schema.rows + 1,
    )
    _check_shape(raw, schema)
    columns = {name: column for name, column in schema.columns.items() if name in raw}
    return pd.DataFrame(
        {name: _values(raw[name], name, column) for name, column in columns.items()}
    )


def _check_shape(raw: pd.DataFrame, schema: Schema) -> None:
    missing = [name for name in schema.columns if name not in raw]
    if missing and tuple(missing) != schema.triggered:
        raise Unfit(f"it has no column {missing[0]}")
    surplus = [name for name in raw if name not in schema.columns]
    if surplus:
        raise Unfit(f"it has a column {quoted(surplus[0])} too many")
    if not isinstance(raw.index, pd.RangeIndex):  # pandas takes surplus cells for names of rows
        raise Unfit("it has rows with a cell too many")
    if len(raw) > schema.rows:
        raise Unfit(f"it has more than {schema.rows} rows")
    if not len(raw) and not schema.bare:
        raise Unfit("it has no rows")


def _values(cells: pd.Series, name: str, column: Column) -> pd.Series:
    """The cells of a column as values of its kind."""
    if not column.empty and cells.isna().any():
        raise Unfit(f"column {name} has an empty cell")
    if column.kind == "text":
        return _texts(cells, name)
    if column.kind == "flag":
        if not cells.isin(_FLAGS).all():
            raise Unfit(f"column {name} holds something other than True and False")
        return cells.map(_FLAGS).astype(bool)
    return _numbers(cells, name, column)


def _texts(cells: pd.Series, name: str) -> pd.Series:
    texts = cells.dropna()
    if (texts.str.len() > MAX_TEXT).any():
        raise Unfit(f"column {name} holds a text that is too long")
    if texts.str.contains(UNPRINTABLE).any():
        raise Unfit(f"column {name} holds characters that cannot be shown")
    return cells.astype(str)


def _numbers(cells: pd.Series, name: str, column: Column) -> pd.Series:
    try:
        numbers = pd.to_numeric(cells).astype(float)
    except (ValueError, TypeError) as error:
        raise Unfit(f"column {name} holds text where a number belongs") from error
    given = numbers[cells.notna()]
    if not np.isfinite(given).all():
        raise Unfit(f"column {name} holds a number that is not finite")
    if not given.between(column.low, column.high).all():
        raise Unfit(f"column {name} holds a number outside {column.low:g} to {column.high:g}")
    if column.kind == "number":
        return numbers
    if (given % 1).any():
        raise Unfit(f"column {name} holds a number that is not whole")
    return numbers if cells.isna().any() else numbers.astype(np.int64)


def _check_curve(table: pd.DataFrame) -> None:
    steps = np.arange(len(table))
    if not (table["step"] == steps).all():
        raise Unfit("its steps do not go from 0 upwards one by one")
    first, *channels = table["channel"]
    if first != -1 or sorted(channels) != list(range(len(channels))):
        raise Unfit("its channels are not -1 and then each channel once")
    if not np.allclose(table["fraction"], steps / max(len(channels), 1), atol=1e-4):
        raise Unfit("its fractions are not those of its steps")


def _check_activations(table: pd.DataFrame) -> None:
    for layer, channels in table.groupby("layer", sort=False)["channel"]:
        if sorted(channels) != list(range(len(channels))):
            raise Unfit(f"it does not have each channel of {quoted(layer)} once")


def _check_history(table: pd.DataFrame) -> None:
    if not (table["epoch"] == np.arange(1, len(table) + 1)).all():
        raise Unfit("its epochs do not go from 1 upwards one by one")


def _check_detection(table: pd.DataFrame) -> None:
    if sorted(table["label"]) != list(range(len(table))):
        raise Unfit("it does not have each class once")
    if not table["score"].is_monotonic_decreasing:
        raise Unfit("the most suspicious class does not come first")
    if table["flagged"].sum() > 1:
        raise Unfit("it flags more than one class")
    if table.loc[table["flagged"], list(RecoveredTrigger.MEASURED)].isna().any(axis=None):
        raise Unfit("it flags a class without a pattern")
    _check_families(table["family"].dropna())


def _check_families(names: pd.Series) -> None:
    if not names.isin(FAMILIES).all():
        raise Unfit("it names a family of patterns that is not known")


def _check_sizes(table: pd.DataFrame) -> None:
    _check_families(table["family"])
    if table.duplicated(["family", "label"]).any():
        raise Unfit("it has a class of a family twice")


def _check_trigger(table: pd.DataFrame) -> None:
    """Each array has all its numbers, pixel by pixel, and all are of images of the same size."""
    strange = table.loc[~table["array"].isin(RecoveredTrigger.DEPTHS), "array"]
    if len(strange):
        raise Unfit(f"it has an array {quoted(strange.iloc[0])}, which is not known")
    if len(table.groupby("array")[["row", "column"]].max().drop_duplicates()) != 1:
        raise Unfit("its arrays are of images of different sizes")
    for name, part in table.groupby("array", sort=False):
        shape = (part["row"].max() + 1, part["column"].max() + 1, RecoveredTrigger.DEPTHS[name])
        if len(part) != np.prod(shape) or not all(
            (part[column] == places.ravel()).all()
            for column, places in zip(_PLACE, np.indices(shape), strict=True)
        ):
            raise Unfit(f"it does not have each number of {name} in order")
    if not table.loc[table["array"] == "mask", "value"].between(0, 1).all():
        raise Unfit("its mask holds an opacity outside 0 to 1")


def _check_repairs(table: pd.DataFrame) -> None:
    """A repair has its figures, or the reason why it has none."""
    without_problem = table["problem"].isna()
    names = [*metrics.measured(table), "validation_accuracy", "channels"]
    if table.loc[without_problem, names].isna().any(axis=None):
        raise Unfit("it has a repair with neither its figures nor a problem")


def _check_reactivation(table: pd.DataFrame) -> None:
    if not table["images"].isin((CLEAN_IMAGES, FIVE_POISONED)).all():
        raise Unfit("it names images other than clean ones and five poisoned ones")


_PLACE = ["row", "column", "channel"]  # of a number in "recovered-trigger"
_TEXT, _NOTE = Column("text"), Column("text", empty=True)
_COUNT = Column("whole", 0, 1e9)
_SHARE, _PERCENT = Column("number", 0, 1), Column("number", 0, 100)
_SECONDS = Column("number", 0)
_FIGURES = dict.fromkeys(metrics.METRICS, _PERCENT)
_TRIGGERED = tuple(name for name in metrics.METRICS if name not in metrics.CLEAN_METRICS)
_MAYBE_FIGURES = dict.fromkeys(_FIGURES, Column("number", 0, 100, empty=True))
_MAYBE_PERCENT, _MAYBE_COUNT = Column("number", 0, 100, empty=True), Column("whole", 0, 1e9, True)
_CEILING = {
    "ceiling": _MAYBE_PERCENT,
    "recovered_of_ceiling": Column("number", 0, 1e9, empty=True),  # a tiny ceiling is exceeded far
}
_TRIED = {
    **_MAYBE_FIGURES,
    "validation_accuracy": _MAYBE_PERCENT,
    "channels": _MAYBE_COUNT,
    "seconds": Column("number", 0, empty=True),
    "summary": _NOTE,
    "problem": _NOTE,
}
_POISONING = {
    "labels": _TEXT,
    "pgd_epsilon": Column("number", 0, 255),
    "cross_samples": Column("number", 0, 1000),
    "dormant_share": _SHARE,
    "cross_sampled": _COUNT,
    "surrogate": _NOTE,
}

CURVE = Schema(
    {"step": _COUNT, "channel": Column("whole", -1, 1e9), "fraction": _SHARE, **_FIGURES},
    _check_curve,
    triggered=_TRIGGERED,
)
MODEL_TABLES: dict[str, Schema] = {
    "history": Schema(
        {
            "epoch": _COUNT,
            "loss": Column("number", empty=True),
            "train_accuracy": _PERCENT,
            "seconds": _SECONDS,
            **_FIGURES,
        },
        _check_history,
    ),
    "poisoned": Schema({"index": _COUNT, "label": _COUNT}, rows=500_000, bare=True),
    "activations": Schema(
        {
            "layer": _TEXT,
            "channel": _COUNT,
            "clean_mean": Column("number"),
            "triggered_mean": Column("number"),
            "clean_positive": _SHARE,
            "triggered_positive": _SHARE,
        },
        _check_activations,
        rows=100_000,
        triggered=("triggered_mean", "triggered_positive"),
    ),
    "repairs": Schema({"method": _TEXT, **_TRIED}, _check_repairs, triggered=_TRIGGERED),
    "repairs-other-images": Schema(
        {"images": _TEXT, "method": _TEXT, **_TRIED}, _check_repairs, triggered=_TRIGGERED
    ),
    "detection": Schema(
        {
            "label": _COUNT,
            "name": _TEXT,
            "score": Column("number", 0),
            "flagged": Column("flag"),
            "margin": Column("number", empty=True),
            "p_value": Column("number", 0, 1, empty=True),
            "family": _NOTE,
            "size": Column("number", 0, empty=True),
            "unit": _NOTE,
            "success": _MAYBE_PERCENT,
        },
        _check_detection,
        advice=SCAN_AGAIN,
    ),
    "pattern-sizes": Schema(
        {
            "family": _TEXT,
            "label": _COUNT,
            "name": _TEXT,
            "size": Column("number", 0),
            "unit": _TEXT,
            "standing_out": Column("number"),
            "spread": Column("number", 0),
        },
        _check_sizes,
        advice=SCAN_AGAIN,
    ),
    "recovered-trigger": Schema(
        {"array": _TEXT, **dict.fromkeys(_PLACE, _COUNT), "value": Column("number", -1e4, 1e4)},
        _check_trigger,
        rows=4 * 512 * 512,  # a mask and a picture of the largest images
        advice=SCAN_AGAIN,
    ),
    "predictions": Schema(
        {"image": _COUNT, "label": _COUNT, "clean": _COUNT, "triggered": _COUNT},
        rows=500_000,
        triggered=("triggered",),
    ),
    "ceiling": Schema(
        {
            "clean_model": _TEXT,
            "clean_sha256": _TEXT,
            "correct": _COUNT,
            "images": _COUNT,
            "ceiling": _PERCENT,
        },
        rows=1,
    ),
    "robustness": Schema({"transform": _TEXT, **_FIGURES}),
    "reactivation": Schema({"images": _TEXT, "epochs": _COUNT, **_FIGURES}, _check_reactivation),
    "repairs-reactivated": Schema(
        {"repair": _TEXT, "sha256": _TEXT, "images": _TEXT, "epochs": _COUNT, **_FIGURES},
        _check_reactivation,
    ),
}
ATTACKS = Schema(
    {
        "attack": _TEXT,
        "title": _TEXT,
        "trigger": _TEXT,
        "rate": _SHARE,
        **_POISONING,
        "epochs": _COUNT,
        "learning_rate": _SECONDS,
        "schedule": _TEXT,
        "psnr": Column("number", 0, 1000, empty=True),
        "ssim": Column("number", -1, 1, empty=True),
        **_FIGURES,
        **_CEILING,
        "clean_cost": Column("number", -100, 100, empty=True),
    }
)
DEFENCES = Schema(
    {
        "attack": _TEXT,
        "title": _TEXT,
        "name": _NOTE,
        "defence": _TEXT,
        "kind": _TEXT,
        **_TRIED,
        **_CEILING,
        "der": Column("number", 0, 1, empty=True),
    }
)
MODELS = Schema(
    {
        "model": _TEXT,
        "dataset": _TEXT,
        "poisoned": _MAYBE_COUNT,
        "epochs": _COUNT,
        "batch": _COUNT,
        "learning_rate": _SECONDS,
        "schedule": _TEXT,
        "seed": _COUNT,
        "epoch_kept": _COUNT,
        "minutes": Column("number", 0, empty=True),
        "validation_accuracy": _PERCENT,
        **_MAYBE_FIGURES,
        "command": _TEXT,
    }
)
