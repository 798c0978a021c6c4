"""Whatever stands in the folder of runs, the pages that show them are shown."""

import json

import pytest

from engine.core import jobs
from engine.core.errors import UserError
from tests.pages.driving import check_fine, open_page, visible_text

HALF = {"done": 1, "total": 2, "message": "Half", "error": "", "result": {}}


def put(name, status, request):
    folder = jobs.job_named(name).folder
    folder.mkdir(parents=True)
    (folder / "status.json").write_text(status)
    (folder / "request.json").write_text(request)
    return jobs.job_named(name)


@pytest.mark.parametrize(
    ("status", "request_text"),
    [
        ("[" * 10**5, '{"started": null}'),
        (json.dumps(HALF | {"state": "running", "figures": {"interim_metrics": 5}}), "[]"),
        (
            json.dumps(
                HALF | {"state": "stopped", "figures": {"interim_metrics": [{"loss": "x"}]}}
            ),
            "{}",
        ),
        (json.dumps(HALF | {"state": "failed", "figures": {"seconds_left": None}}), "null"),
        (json.dumps(HALF | {"state": "finished", "figures": {}, "result": 3}), ""),
    ],
)
def test_damaged_runs_are_shown_and_dismissed(results, status, request_text):
    odd = [put(f"{kind}-odd", status, request_text) for kind in ("train", "import")]
    put("train-odd-good", json.dumps(HALF | {"state": "stopped", "figures": {}}), "{}")
    app = open_page("train")
    assert "**train-odd**" in visible_text(app)
    assert "**train-odd-good**" in visible_text(app)
    for run in odd:
        with pytest.raises(UserError):
            run.resume()
        (button,) = [button for button in app.button if button.key == f"dismiss-{run.name}"]
        app = check_fine(button.click().run())
        assert not run.folder.exists()
    assert "**train-odd-good**" in visible_text(app)
