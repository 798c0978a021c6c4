"""Networks from elsewhere, as Keras files, go through the whole program."""

import pytest

from tests.fixtures.foreign_networks import FOREIGN


@pytest.mark.parametrize(
    "name", [name for name, foreign in FOREIGN.items() if "onnx" not in foreign.format]
)
def test_a_network_from_elsewhere_goes_the_whole_way(name, go_the_whole_way):
    go_the_whole_way(name)
