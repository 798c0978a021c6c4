"""The form for a training: preset, network, attack, and the button that starts it."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import streamlit as st

from app import caches
from app.elements import job_panel
from app.forms import attack_form, image_chooser, network_form
from app.frame import failures
from app.views.train import preset_cards
from engine import store
from engine.attacks import grey_images
from engine.core import command_line, jobs, markdown
from engine.core.errors import UserError
from engine.datasets import (
    SOURCES,
    available,
    dataset_names,
    dataset_title,
    default_size,
    is_grey,
)
from engine.experiments.attack_plan import AttackPlan
from engine.training.presets import PRESETS

ANOTHER = "another-training"  # whether the form is shown below a running training
_NAME, _DATASET, _SEED = "train-name", "train-dataset", "train-seed"
_FIRST_NAME = "my-model"


def show() -> None:
    """Show the form."""
    presets = st.container()
    network, attack, trigger = st.columns(3, gap="large")
    with network:
        name, dataset = _choose_name_and_dataset()
        architecture = network_form.choose()
    with presets:
        preset = preset_cards.choose(dataset, architecture)
    with network:
        epochs, seed = _choose_epochs_and_seed(preset)
    places = attack_form.Places(attack.container(), trigger, attack.expander("More settings"))
    plan = attack_form.choose(dataset, architecture, places)
    arguments = ["train", dataset, "--name", name, "--preset", preset, *plan.command_options()]
    if epochs != PRESETS[preset].training.epochs:
        arguments += ["--epochs", str(epochs)]
    arguments += ["--seed", str(seed)]
    training = dataclasses.replace(PRESETS[preset].training, epochs=epochs)
    with network:
        _offer_start(name, dataset, arguments, plan)
        minutes = caches.models.training_estimates().of(dataset, training, architecture).minutes
        st.caption(
            f"Takes {preset_cards.describe_minutes(minutes)}, and goes on when you leave this page,"
            " close the tab or restart the server."
        )


def free_name(name: str) -> str:
    """`name`, or the next one that no model and no training has: "my-model-2"."""
    taken = {*caches.models.model_names(), *_names_in_training()}
    base = re.sub(r"-\d+$", "", name)
    number = 2
    while name in taken:
        name, number = f"{base}-{number}", number + 1
    return name


def _names_in_training() -> set[str]:
    waiting = (job for job in jobs.all_jobs() if job.request.kind == "train")
    return {job_panel.option(job, "--name") for job in waiting if job.status().state != "finished"}


def _choose_name_and_dataset() -> tuple[str, str]:
    """Controls for the model's name and the dataset."""
    if not st.session_state.get(_NAME):
        st.session_state[_NAME] = free_name(_FIRST_NAME)
    name = st.text_input(
        "Name",
        key=_NAME,
        persist_state="session",
        help="Lower-case letters, digits, '-', '.' and '_'. Each name can be used only once.",
    )
    dataset = st.selectbox(
        "Dataset",
        [entry for entry in dataset_names() if ":" not in entry],
        format_func=name_dataset,
        key=_DATASET,
        bind="query-params",
        help="The signs are drawn by this program, so they are always available.",
    )
    return str(name), dataset


def _choose_epochs_and_seed(preset: str) -> tuple[int, int]:
    """Controls for the number of epochs and the seed."""
    left, right = st.columns(2)
    epochs = left.number_input(
        "Epochs",
        1,
        1000,
        PRESETS[preset].training.epochs,
        key=f"epochs-{preset}",
        help="Passes over the training images.",
    )
    seed = right.number_input(
        "Seed", 0, 2**31 - 1, 0, key=_SEED, help="The same seed gives the same model."
    )
    return epochs, seed


def name_dataset(name: str) -> str:
    """The title of a dataset as the beginning of a label; one's own is called as it is."""
    title = dataset_title(name)
    return title[:1].upper() + title[1:] if name in SOURCES else title


def _find_problem(name: str) -> str:
    """Why a model cannot get that name; empty if it can."""
    try:
        store.check_name(name)
    except UserError as error:
        return str(error)
    free = free_name(name)
    return "" if free == name else f"The name '{name}' is taken: choose another, such as '{free}'."


def _find_problem_of_surrogate(plan: AttackPlan) -> str:
    """Why the attack cannot learn from the clean model chosen; empty if it can, or needs none."""
    try:
        if plan.needs_surrogate() and plan.surrogate:
            plan.check_surrogate()
    except UserError as error:
        return str(error)
    return ""


def _find_note(dataset: str, plan: AttackPlan) -> str:
    """What the trigger does to grey images, if the dataset has such; else empty."""
    if not (plan.rate and is_grey(dataset)):
        return ""
    size = default_size(dataset)
    return grey_images.find_note(plan.trigger, np.full((1, size, size, 3), 128, np.uint8))


def _offer_start(name: str, dataset: str, arguments: list[str], plan: AttackPlan) -> None:
    if not available(dataset):
        image_chooser.offer_download(dataset)
    problem = _find_problem(name) or _find_problem_of_surrogate(plan)
    if problem:
        st.warning(markdown.escape(problem))
    elif note := _find_note(dataset, plan):
        st.info(markdown.escape(note), icon=":material/palette:")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Start training",
            key="start-training",
            type="primary",
            icon=":material/model_training:",
            on_click=_start,
            args=(jobs.name_of("train", name), arguments),
            disabled=bool(problem)
            or not available(dataset)
            or (plan.needs_surrogate() and not plan.surrogate),
        )
        with st.popover("As a command", type="tertiary", icon=":material/terminal:"):
            st.caption("The same from a terminal:")
            st.code(command_line.command(*arguments), language=None, wrap_lines=True)


@failures.callback
def _start(job_name: str, arguments: list[str]) -> None:
    job_panel.start(job_name, arguments)
    del st.session_state[_NAME]  # the next training gets a free name
    st.session_state[ANOTHER] = False
