"""The status and the request of a job."""

import json
from dataclasses import asdict

import numpy as np

from engine.core.errors import UserError
from engine.core.job_files import Status, read_request, read_status
from engine.training.watched_image import WatchedImage, WatchedRecord
from tests.fuzz.mutate import as_json
from tests.fuzz.run import Target
from tests.fuzz.targets.scratch import written

_GLIMPSES = [{"epoch": 0.5, "loss": 1.5, "clean_accuracy": 50.0, "attack_success": 10.0}]
_IMAGE = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
_WATCHED = WatchedImage(_IMAGE, 255 - _IMAGE, 0, 1, ("Stop", "Give way"))
_PREDICTION = {
    "epoch": 0.5,
    "clean": _WATCHED.likeliest(np.array([0.9, 0.1])),
    "triggered": _WATCHED.likeliest(np.array([0.2, 0.8])),
}
_FIGURES = {
    "images_per_second": 900.0,
    "interim_metrics": _GLIMPSES,
    "watched_image": _WATCHED.record(),
    "watched_predictions": [_PREDICTION],
}
_STATES = (
    Status("running", 3, 10, "Training", _FIGURES),
    Status("finished", 10, 10, "Done", result={"model": "mine", "clean_accuracy": 97.5}),
    Status("failed", error="The disk is full: free some space and try again."),
)
_REQUEST = {
    "kind": "train",
    "arguments": ["train", "signs", "--name", "mine", "--job", "train-mine"],
    "number": 7,
}


def _seeds():
    return [json.dumps(each).encode() for each in (*map(asdict, _STATES), _REQUEST)]


def _parse(content):
    with written("status.json", content) as path:
        status, request = read_status(path), read_request(path)
    if status is None and not request.arguments:
        raise UserError("It is neither.")
    if status is not None:
        f"{status.share:.0%} {status.message} {status.error}".encode()
        status.table("interim_metrics", ("epoch", "loss"))
        record = WatchedRecord.read(status.figures)
        if record is not None:
            f"{record.name} {record.works_since()} {record.clean.mean()}".encode()
        json.dumps(dict(status.result))
    return " ".join(request.arguments).encode()


TARGET = Target("job-status", _seeds, _parse, as_json)
