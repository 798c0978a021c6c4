"""How tests drive the dashboard without a browser."""

import html
import re
import time
from pathlib import Path

from streamlit.testing.v1 import AppTest

from engine.core import jobs, markdown

PROJECT = Path(__file__).parents[2]
NAMES = (
    *(
        "overview",
        "triggers",
        "spectra",
        "pictures",
        "own_model",
        "data",
        "train",
        "models",
        "activations",
        "compare",
    ),
    *("detect", "pruning", "repairs", "report", "tour"),
)


def open_page(name: str, model: str = "small", tab: str = "") -> AppTest:
    """Open a page with a model in use, at its first tab or another."""
    app = AppTest.from_file(str(PROJECT / "app" / "main.py"), default_timeout=60)
    app.query_params["model"] = model
    app.run()
    app.session_state["model"] = model
    if name != "overview":
        app.switch_page(f"../pages/{name}.py")
    if tab:
        app.session_state[f"{name}-tab"] = tab
    app.run()
    return check_fine(app)


def check_fine(app: AppTest) -> AppTest:
    """Check that the page shows no error."""
    assert not app.exception, app.exception
    assert not app.error, [error.value for error in app.error]
    return app


def by_label(elements, label):
    (found,) = [element for element in elements if element.label == label]
    return found


def metrics(app) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def visible_text(app) -> str:
    """The texts on the page, one per line."""
    texts = [element.value for element in (*app.title, *app.markdown, *app.info, *app.caption)]
    markup = (re.sub("<style>.*?</style>", "", e.proto.body, flags=re.S) for e in app.get("html"))
    fragments = (html.unescape(re.sub("<[^>]+>", " ", text)) for text in markup)
    return markdown.unescape("\n".join([*texts, *fragments]))


def wait_until_finished(job: jobs.Job) -> None:
    """Wait for a job to end, and check that it succeeded."""
    limit = time.monotonic() + 90
    while job.status().alive and time.monotonic() < limit:
        time.sleep(0.1)
    assert job.status().state == "finished", (job.status(), job.log())
