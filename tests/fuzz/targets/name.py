"""Names of models and datasets, as in links and on the command line."""

from engine import datasets, store
from tests.fuzz.mutate import as_text
from tests.fuzz.run import Target


def _text(content):
    return content.decode("utf-8", errors="surrogateescape")


def _parse_model(content):
    return store.find(_text(content)).card


def _parse_dataset(content):
    name = _text(content)
    datasets.available(name)
    datasets.alike(name)
    return datasets.missing_message(name), datasets.short_name(name)


def _models():
    return [b"signs-ftrojan", b"gtsrb-ftrojan-seed1", b"attack-gtsrb-none"]


def _datasets():
    return [b"signs", b"gtsrb", b"folder:own/images", b"folder:~/images.zip", b"folder:/tmp"]


TARGETS = (
    Target("model-name", _models, _parse_model, as_text),
    Target("dataset-name", _datasets, _parse_dataset, as_text),
)
