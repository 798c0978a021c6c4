"""Every hostile network file is refused in one sentence, imported or put into models/."""

import pytest

from engine.core.errors import UserError
from engine.networks import untrusted
from tests.hostile.networks import NETWORKS


def test_there_are_many_of_them():
    assert len(NETWORKS) >= 60


@pytest.mark.parametrize("name", NETWORKS)
def test_a_hostile_network_is_refused_in_one_sentence(name, tmp_path):
    path = tmp_path / f"{name}.keras"
    NETWORKS[name](path)
    for examine in (untrusted.open_network_file, untrusted.rewritten_parts):
        with pytest.raises(UserError) as caught:
            examine(path, path.name)
        sentence = str(caught.value)
        assert sentence.startswith(path.name) and sentence.endswith(".")
        assert "\n" not in sentence and len(sentence) < 300
