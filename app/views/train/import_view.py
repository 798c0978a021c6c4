"""The tab that imports a network from a file."""

from __future__ import annotations

import streamlit as st

from app.elements import job_panel
from app.forms import attack_form
from app.frame import failures
from app.views.train import live_view, training_form
from engine import store
from engine.attacks.triggers import Trigger
from engine.core import jobs
from engine.core.jobs import Status
from engine.datasets import dataset_names, default_target


def show() -> None:
    """Show the tab."""
    imports = [job for job in jobs.all_jobs() if job.request.kind == "import"]
    own = [job for job in job_panel.own_jobs() if job in imports]
    for job in own:

        def show_when_done(status: Status, job: jobs.Job = job) -> None:
            if status.state == "finished":
                live_view.show_outcome(job)

        job_panel.show(job, show_when_done)
    for job in imports:
        if job not in own:
            job_panel.show_line(job)
    st.markdown(
        "A Keras network (`.keras`) from any source. It is opened in a separate process with"
        " limited memory and time, and only if all its layers are known. It must take pixel values"
        " from 0 to 1."
    )
    left, right = st.columns(2, gap="large")
    with right:
        attack = attack_form.choose_attack("The network is tested with the trigger of this attack.")
        trigger = attack_form.choose_trigger(attack)
    with left:
        _offer(trigger)


def _offer(trigger: Trigger) -> None:
    dataset = st.selectbox(
        "Trained on",
        [entry for entry in dataset_names() if ":" not in entry],
        format_func=training_form.name_dataset,
        key="import-dataset",
    )
    # The form needs its button: Enter in a text field starts nothing.
    with st.form("import", border=False, enter_to_submit=False):
        file = st.file_uploader("Keras file", type=["keras"])
        name = st.text_input("Name of the imported model", "imported")
        target = st.number_input(
            "Suspected target class",
            0,
            1000,
            default_target(dataset),
            help="The class that a backdoor in this model may lead to; attack success counts"
            " predictions of it.",
        )
        sent = st.form_submit_button("Import", type="primary")
    if sent and file is None:
        st.warning("Choose a file first.")
    elif sent and file is not None:
        with failures.contained():
            store.check_free(name)
            job_panel.start_with_file(
                jobs.name_of("import", name),
                file.getvalue(),
                file.name,
                lambda path: [
                    *("import", path, dataset, "--name", name),
                    *("--trigger", str(trigger), "--target", str(target)),
                ],
            )
            st.rerun()
