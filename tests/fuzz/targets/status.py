"""The status and the request of a job."""

import json
from dataclasses import asdict

from engine.core.errors import UserError
from engine.core.job_files import Status, read_request, read_status
from tests.fuzz.mutate import as_json
from tests.fuzz.run import Target
from tests.fuzz.targets.scratch import written

_GLIMPSES = [{"epoch": 0.5, "loss": 1.5, "clean_accuracy": 50.0, "attack_success": 10.0}]
_STATES = (
    Status(
        "running", 3, 10, "Training", {"images_per_second": 900.0, "interim_metrics": _GLIMPSES}
    ),
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
        json.dumps(dict(status.result))
    return " ".join(request.arguments).encode()


TARGET = Target("job-status", _seeds, _parse, as_json)
