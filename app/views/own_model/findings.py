"""What was found out about a network, to confirm or change, and its import."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import streamlit as st

from app.elements import job_panel
from app.frame import failures, header
from app.views.own_model import examinations
from app.views.train.training_form import free_name
from engine import store
from engine.core import jobs, markdown
from engine.core.errors import UserError
from engine.core.jobs import Job
from engine.core.names import slug
from engine.experiments.examine import ORDERS, Candidate, Examination
from engine.networks.input_format import COLOURS, OUTPUTS, RANGES

SHOWN = 4  # candidates in the table
_FORMATS = {"keras": "Keras", "h5": "Keras, HDF5", "savedmodel": "SavedModel", "onnx": "ONNX"}
_IMPORTING, _GUESSES = "own-network-importing", "own-network-guesses"


@dataclass(frozen=True)
class Choice:
    """What the visitor says that the network expects and gives; None where nothing is chosen."""

    range: str | None
    colours: str | None
    order: str | None
    outputs: str

    @property
    def complete(self) -> bool:
        """Whether nothing is left open."""
        return None not in (self.range, self.colours, self.order)

    def among(self, candidates: Sequence[Candidate]) -> Candidate | None:
        """The candidate that was chosen, if it was scored."""
        wanted = (self.range, self.colours, self.order)
        return next(
            (each for each in candidates if (each.range, each.colours, each.order) == wanted), None
        )


def show(job: Job) -> None:
    """The findings of an examination, controls to change them, and the import."""
    found = _read(job)
    st.header("What was found out")
    st.markdown(_describe(found))
    _judge(found)
    _show_candidates(found)
    choice = _choose(found)
    scored = choice.among(found.candidates)
    if choice.complete and scored is None:
        st.warning("The images do not suggest this combination: choose another order of classes.")
    elif scored is not None and scored != found.winner:
        st.markdown(
            f"With this choice **{scored.accuracy:.1f} %** of {scored.images:,} clean images are"
            " classified correctly."
        )
    _offer_import(job, found, choice if scored is not None else None)


def importing() -> Job | None:
    """The visitor's import that the page shows, if there is one."""
    name = st.session_state.get(_IMPORTING)
    job = jobs.job_named(name) if name else None
    return job if job is not None and job.folder.exists() else None


def finish(job: Job) -> None:
    """Use the imported model from the next run on, and delete the uploaded file."""
    header.use_next(job_panel.option(job, "--name"))
    st.session_state.pop(_IMPORTING)
    job_panel.dismiss(job.name)
    examinations.forget()


def _read(job: Job) -> Examination:
    """What the examination found."""
    path = Path(job_panel.option(job, "--out"))
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        candidates = tuple(Candidate(**each) for each in found.pop("candidates"))
        winner = found.pop("winner")
        return Examination(
            **found, candidates=candidates, winner=Candidate(**winner) if winner else None
        )
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise UserError("The findings cannot be read: upload the file again.") from error


def _describe(found: Examination) -> str:
    """What the file itself says, as Markdown."""
    colour = "grey" if found.grey else "colour"
    order = ", colours before height and width" if found.channels_first else ""
    text = (
        f"**{markdown.escape(found.file)}** ({_FORMATS.get(found.format, found.format)}{order})"
        f" takes {colour} images of {found.side}×{found.side} pixels and tells"
        f" {found.classes} classes apart."
    )
    if found.left_out:
        names = ", ".join(markdown.code(name) for name in found.left_out)
        text += f" Left out, because they do nothing outside training: {names}."
    return text


def _judge(found: Examination) -> None:
    """Whether it is clear what the network expects, in one sentence."""
    best = found.candidates[0]
    figure = f"{best.accuracy:.1f} % of {best.images:,} clean images"
    if found.near_chance:
        st.warning(
            f"**The network seems to guess.** At best {figure} are classified correctly; guessing"
            f" gives {100 / found.classes:.1f} %. Was it trained for other images or classes?"
            " Choose those on the left, or say what it expects and import it all the same."
        )
    elif found.winner is None:
        st.warning(
            f"**Several descriptions fit equally well** (at best {figure} correct): choose how the"
            " network was trained."
        )
    else:
        st.success(f"**One description fits clearly best:** {_name(best)}. {figure} correct.")


def _name(candidate: Candidate) -> str:
    return (
        f"pixel values {RANGES[candidate.range][0]}; colours {COLOURS[candidate.colours]}; order of"
        f" the classes: {ORDERS[candidate.order]}"
    )


def _show_candidates(found: Examination) -> None:
    rows = [
        {
            "accuracy": each.accuracy,  # first: on a phone the last columns are out of sight
            "range": RANGES[each.range][0],
            "colours": COLOURS[each.colours],
            "order": ORDERS[each.order],
        }
        for each in found.candidates[:SHOWN]
    ]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config={
            "range": "Pixel values",
            "colours": "Colours",
            "order": "Order of the classes",
            "accuracy": st.column_config.ProgressColumn(
                "Clean accuracy", format="%.1f %%", min_value=0, max_value=100
            ),
        },
    )


def _choose(found: Examination) -> Choice:
    """Controls for what the network expects, set to what was found."""
    best = found.winner
    offered = list(dict.fromkeys(each.order for each in found.candidates))
    colours = list(dict.fromkeys(each.colours for each in found.candidates))
    left, right = st.columns(2)
    with left:
        values = _select(
            "Pixel values", {name: RANGES[name][0] for name in RANGES}, best.range if best else None
        )
        order = _select(
            "Order of the classes",
            {name: ORDERS[name] for name in offered},
            best.order if best else None,
        )
    with right:
        colour = _select(
            "Colours", {name: COLOURS[name] for name in colours}, best.colours if best else None
        )
        outputs = _select("Outputs", OUTPUTS, found.outputs)
    return Choice(values, colour, order, str(outputs))


def _select(label: str, titles: dict[str, str], found: str | None) -> str | None:
    names = list(titles)
    chosen: str | None = st.selectbox(
        label,
        names,
        index=names.index(found) if found else (0 if len(names) == 1 else None),
        format_func=titles.__getitem__,
        key=f"own-network-{slug(label)}",
        placeholder="Choose",
    )
    return chosen


def _offer_import(job: Job, found: Examination, choice: Choice | None) -> None:
    """The name of the new model, and the button that imports it."""
    confirmed = not found.near_chance or st.checkbox(
        "Import it although it seems to guess", key=_GUESSES
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input(
            "Name of the model",
            free_name(slug(Path(found.file).stem)),
            key="own-network-name",
            width=300,
        )
        if st.button(
            "Import", type="primary", disabled=choice is None or not confirmed, key="own-import"
        ):
            assert choice is not None
            with failures.contained():
                _start(job, choice, name)
        st.button("Discard", type="tertiary", key="own-discard", on_click=examinations.forget)


def _start(job: Job, choice: Choice, name: str) -> None:
    store.check_free(name)
    _, file, dataset = job.request.arguments[:3]
    started = jobs.name_of("import", name)
    job_panel.start(
        started,
        [
            *("import", file, dataset, "--name", name),
            *("--range", str(choice.range), "--colours", str(choice.colours)),
            *("--class-order", str(choice.order), "--outputs", choice.outputs),
        ],
    )
    st.session_state[_IMPORTING] = started
    st.rerun()
