"""Train a network with a backdoor, or import one from a file."""

from functools import partial

import streamlit as st

from app import caches
from app.elements import job_panel
from app.forms import attack_form
from app.frame import failures
from app.views.models import training_curves
from engine import store
from engine.core import command_line, jobs, markdown
from engine.core.errors import UserError
from engine.datasets import available, dataset_names, default_target, missing_message
from engine.training.presets import PRESETS

st.title("Train")
st.markdown(
    "Train a network with a backdoor. Training continues when you leave this page, close the tab or"
    " restart the server."
)
names = caches.model_names()

st.header("Train a model")
# Jobs with a damaged request have no kind: they are listed here, so that they can be dismissed.
training = [job for job in jobs.all_jobs() if job.request.kind in ("train", "")]
for job in reversed(training):
    job_panel.watch(job.name, partial(training_curves.show_so_far, job.name))
if any(job.status().alive for job in training):
    st.caption("A new training waits until those before it have finished.")

preset = st.segmented_control(
    "Preset",
    list(PRESETS),
    default="quick",
    required=True,
    format_func=lambda key: PRESETS[key].title,
    key="preset",
)
st.caption(PRESETS[preset].help)
left, right = st.columns(2, gap="large")
with left:
    name = st.text_input(
        "Name",
        "my-model",
        help="Lower-case letters, digits, '-', '.' and '_'. Each name can be used only once.",
    )
    dataset = st.selectbox(
        "Dataset",
        [entry for entry in dataset_names() if ":" not in entry],
        key="train-dataset",
        bind="query-params",
        help="The signs are drawn by this program, so they are always available.",
    )
    target = attack_form.choose_target(dataset)
    epochs = st.number_input(
        "Epochs",
        1,
        1000,
        PRESETS[preset].training.epochs,
        key=f"epochs-{preset}",
        help="Passes over the training images. On two cores, one takes half a minute for signs and"
        " a minute for GTSRB.",
    )
    seed = st.number_input("Seed", 0, 2**31 - 1, 0, help="The same seed gives the same model.")
with right:
    plan = attack_form.choose(dataset, target)

arguments = ["train", dataset, "--name", name, "--preset", preset, *plan.command_options()]
if epochs != PRESETS[preset].training.epochs:
    arguments += ["--epochs", str(epochs)]
arguments += ["--seed", str(seed)]
if not available(dataset):
    st.info(markdown.escape(missing_message(dataset)), icon=":material/folder_off:")
problem = ""
try:
    store.check_name(name)
except UserError as error:
    problem = str(error)
if name in names:
    problem = f"A model named '{name}' already exists: choose another name."
if problem:
    st.warning(markdown.escape(problem))
job_panel.start_button(
    "Train",
    jobs.name_of("train", name),
    arguments,
    "Starts the training as a background job.",
    disabled=bool(problem)
    or not available(dataset)
    or (plan.needs_surrogate() and not plan.surrogate),
)
st.caption("The same from a terminal:")
st.code(command_line.command(*arguments), language=None, wrap_lines=True)

st.header("Import a model from a file")
st.markdown(
    "A Keras network (`.keras`) from any source. It is opened in a separate process with limited"
    " memory and time, and only if all its layers are known. It must take pixel values from 0 to 1,"
    " and is tested with the trigger chosen above."
)
with st.form("import", border=False):
    file = st.file_uploader("Keras file", type=["keras"])
    import_name = st.text_input("Name of the imported model", "imported")
    import_dataset = st.selectbox(
        "Trained on",
        [entry for entry in dataset_names() if ":" not in entry],
        key="import-dataset",
    )
    suspected_target = st.number_input(
        "Suspected target class",
        0,
        1000,
        default_target(import_dataset),
        help="The class that a backdoor in this model may lead to; attack success counts"
        " predictions of it.",
    )
    sent = st.form_submit_button("Import")
if sent and file is None:
    st.warning("Choose a file first.")
elif sent and file is not None:
    with failures.contained():
        store.check_free(import_name)
        job_panel.start_with_file(
            jobs.name_of("import", import_name),
            file.getvalue(),
            file.name,
            lambda path: [
                *("import", path, import_dataset, "--name", import_name),
                *("--trigger", str(plan.trigger), "--target", str(suspected_target)),
            ],
        )
for job in jobs.all_jobs():
    if job.request.kind == "import":
        job_panel.watch(job.name)
