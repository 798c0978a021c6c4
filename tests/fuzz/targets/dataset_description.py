"""The file that describes a dataset of one's own."""

from engine.datasets import description
from engine.datasets.description import Description
from tests.fuzz.mutate import as_json
from tests.fuzz.run import Target
from tests.fuzz.targets.scratch import written

_DESCRIPTION = Description(
    path="images.zip",
    folders=("0", "1"),
    class_names=("Stop", "Give way"),
    size=32,
    track_pattern=r"(\d+)_\d+",
    skipped=("0/damaged.png",),
    images={"train": 20, "test": 8},
    left_out=("hidden files and links: 1 (.DS_Store)",),
)


def _seeds():
    return [_DESCRIPTION.to_json().encode()]


def _parse(content):
    with written("dataset.json", content) as path:
        return description.read(path).to_json().encode()


TARGET = Target("dataset-description", _seeds, _parse, as_json)
