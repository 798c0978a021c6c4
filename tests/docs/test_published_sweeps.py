"""Each sweep that the documents quote has its file and a whole table."""

import pytest

from engine.core.paths import PROJECT, SHIPPED_SWEEPS
from engine.experiments.sweeps.results import PRIVATE, PublishedResults

FILES = sorted(SHIPPED_SWEEPS.glob("*.yaml"))


def test_there_are_published_sweeps():
    assert {file.stem for file in FILES} >= {
        "signs-seeds",
        "cifar10-seeds",
        "gtsrb-seeds",
        "signs-strength",
    }


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_a_table_holds_every_cell_of_its_file_and_no_hosts_name(file):
    published = PublishedResults(file.with_suffix(".csv"))
    cells = published.cells()
    table = published.table(cells)
    assert table["cell"].nunique() == len(cells)
    names = [name for name in cells[0].settings() if table[name].notna().any()]
    found = table.drop_duplicates("cell").set_index("cell")[names].astype(str)
    wanted = [[str(cell.settings()[name]) for name in names] for cell in cells]
    assert sorted(map(tuple, _plain(found.to_numpy().tolist()))) == sorted(
        map(tuple, _plain(wanted))
    )
    assert not table["problem"].notna().any()
    assert not set(PRIVATE) & set(table.columns)
    assert file.name in (PROJECT / "docs/results/paper.md").read_text("utf-8")


def _plain(rows: list[list[str]]) -> list[list[str]]:
    """Numbers as text in one form: 30, 30.0 and 0.050 are 30 and 0.05."""
    return [[_number(value) for value in row] for row in rows]


def _number(value: str) -> str:
    try:
        return f"{float(value):g}"
    except ValueError:
        return value
