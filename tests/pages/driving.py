"""How tests drive the dashboard without a browser."""

import time
from pathlib import Path

from streamlit.testing.v1 import AppTest

from engine.core import jobs, markdown

PROJECT = Path(__file__).parents[2]
NAMES = (
    *("overview", "triggers", "spectra", "models", "activations", "pruning", "repairs", "report"),
)


def opened(name: str, model: str = "small") -> AppTest:
    app = AppTest.from_file(str(PROJECT / "app" / "main.py"), default_timeout=60)
    app.query_params["model"] = model
    app.run()
    app.session_state["model"] = model
    if name != "overview":
        app.switch_page(f"../pages/{name}.py")
    app.run()
    return fine(app)


def fine(app: AppTest) -> AppTest:
    assert not app.exception, app.exception
    assert not app.error, [error.value for error in app.error]
    return app


def by_label(elements, label):
    (found,) = [element for element in elements if element.label == label]
    return found


def metrics(app) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def words(app) -> str:
    """What a reader sees of the texts on the page, one a line."""
    texts = (element.value for element in (*app.markdown, *app.info, *app.caption))
    return markdown.unescape("\n".join(texts))


def finished(run: jobs.Job) -> None:
    """Wait for a run's end, which must be a good one."""
    limit = time.monotonic() + 90
    while run.status().alive and time.monotonic() < limit:
        time.sleep(0.1)
    assert run.status().state == "finished", (run.status(), run.log())
