"""The README says what the files beside it say."""

import json
import re

from tests import readme_tables


def test_the_readmes_tables_are_those_of_the_files():
    text = readme_tables.README.read_text()
    assert readme_tables.written(text) == text


def test_the_readme_gives_each_models_figures_as_its_card_has_them():
    row = re.compile(r"^\| `([\w-]+)` \| .* \| ([\d.]+) % \| ([\d.]+) % \| ([\d.]+) % \|$", re.M)
    found = row.findall(readme_tables.README.read_text())
    assert len(found) == 7
    for model, *figures in found:
        card = json.loads((readme_tables.PROJECT / "models" / model / "card.json").read_text())
        scores = card["scores"]["test"]
        names = ("clean_accuracy", "attack_success", "recovered_accuracy")
        assert figures == [f"{scores[name]:.2f}" for name in names]
