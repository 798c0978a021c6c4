"""The form that starts a sweep over one of the common grids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st
import yaml

from app import caches
from app.elements import job_panel
from app.frame import failures
from app.views.train.training_form import name_dataset
from engine import store
from engine.attacks.recipes import ATTACKS
from engine.cli.terminal import duration
from engine.core import atomic_files, command_line, jobs, markdown, paths, read_only
from engine.core.errors import UserError
from engine.datasets import available, dataset_names
from engine.defenses.detectors import DETECTORS
from engine.defenses.repairs import RECOMMENDED, REPAIRS, compared_repairs
from engine.experiments.sweeps import sweep_file
from engine.experiments.sweeps.cell import Cell
from engine.experiments.sweeps.results import SweepResults, own_sweeps
from engine.experiments.sweeps.run import minutes_of
from engine.training.presets import PRESETS

SEEDS, STRENGTHS, REPAIRED = "Seeds", "Rate and magnitude", "Repairs"
_RATES = [0.001, 0.005, 0.01, 0.02, 0.05, 0.1]
_MAGNITUDES = [10, 20, 30, 50]


def show() -> None:
    """The form, what it amounts to, and the button that starts it."""
    left, right = st.columns([3, 2], gap="large")
    with left:
        grid = st.segmented_control(
            "What to vary", [SEEDS, STRENGTHS, REPAIRED], default=SEEDS, key="sweep-grid"
        )
        chosen = _choose_common() | _choose_axes(grid or SEEDS)
        described = {
            name: value
            for name, value in chosen.items()
            if name not in ("detector", "repair") or value
        }
        name = st.text_input(
            "Name of the sweep", _free_name(), key="sweep-name", help="Its folder is called that."
        )
    with right, failures.contained():
        cells = sweep_file.cells_of(described)
        _offer_start(str(name), described, cells)


def _choose_common() -> dict[str, Any]:
    datasets = [entry for entry in dataset_names() if ":" not in entry]
    dataset = st.selectbox("Dataset", datasets, format_func=name_dataset, key="sweep-dataset")
    preset = st.selectbox(
        "Training",
        list(PRESETS),
        index=list(PRESETS).index("quick"),
        format_func=lambda name: PRESETS[name].title,
        key="sweep-preset",
    )
    return {"dataset": dataset, "preset": preset}


def _choose_axes(grid: str) -> dict[str, Any]:
    if grid == STRENGTHS:
        return {
            "attack": "ftrojan",
            "rate": _several("Poisoning rates", _RATES, [0.01, 0.05]),
            "parameters": {"magnitude": _several("Magnitudes", _MAGNITUDES, [10, 30])},
            "seed": list(range(_count_seeds(1))),
            "detector": _detectors(),
        }
    attacks = _several("Attacks", list(ATTACKS), ["ftrojan", "badnets"], _name_attack)
    axes: dict[str, Any] = {"attack": attacks, "seed": list(range(_count_seeds(3)))}
    if grid == REPAIRED:
        repairs = list(compared_repairs())
        axes["repair"] = _several("Repairs", repairs, ["clp", RECOMMENDED], _name_repair)
    else:
        axes["detector"] = _detectors()
    return axes


def _several(label: str, offered: list[Any], chosen: list[Any], name: Any = str) -> list[Any]:
    found: list[Any] = st.multiselect(
        label, offered, chosen, format_func=name, key=f"sweep-{label}"
    )
    return found


def _detectors() -> list[str]:
    return _several("Detectors", list(DETECTORS), [], lambda name: DETECTORS[name].title)


def _count_seeds(usual: int) -> int:
    help = "Each combination is trained with seeds 0, 1, 2 and so on."
    return int(st.number_input("Seeds", 1, 20, usual, key=f"sweep-seeds-{usual}", help=help))


def _name_attack(name: str) -> str:
    return ATTACKS[name].title


def _name_repair(name: str) -> str:
    return REPAIRS[name].title


def _free_name() -> str:
    taken, number = set(own_sweeps()), 1
    while f"sweep-{number}" in taken:
        number += 1
    return f"sweep-{number}"


def _offer_start(name: str, described: Mapping[str, Any], cells: list[Cell]) -> None:
    estimates = caches.models.training_estimates()
    minutes = [minutes_of(cell, estimates) for cell in cells]
    known = [found for found in minutes if found is not None]
    st.metric("Networks to train", len(cells))
    if len(known) == len(cells):
        st.metric(
            "Time on two cores",
            duration(60 * sum(known)),
            help="A rough estimate, repairs included.",
        )
    file = paths.sweeps_folder() / name / "sweep.yaml"
    text = yaml.safe_dump(dict(described), sort_keys=False)
    problem = _find_problem(name, str(described["dataset"]))
    if problem:
        st.warning(markdown.escape(problem))
    st.button(
        "Start the sweep",
        key="start-sweep",
        type="primary",
        icon=":material/grid_view:",
        on_click=_start,
        args=(name, text, cells),
        disabled=bool(problem),
    )
    with st.expander("As a file and a command", icon=":material/terminal:"):
        st.code(text, language="yaml")
        st.code(command_line.command("sweep", file.name, "--name", name), language=None)
        st.caption("Add `--local 4` or `--scheduler ADDRESS` to use several workers.")


def _find_problem(name: str, dataset: str) -> str:
    try:
        store.check_name(name)
    except UserError:
        return "Name the sweep with lower-case letters, digits, '-', '.' and '_'."
    if name in own_sweeps() or (paths.sweeps_folder() / name).exists():
        return f"There is a sweep '{name}' already: choose another name."
    if not available(dataset):
        return "The images of that dataset are not there yet: see the page Data."
    return ""


@failures.callback
def _start(name: str, text: str, cells: list[Cell]) -> None:
    read_only.check()
    if (paths.sweeps_folder() / name).exists():
        raise UserError(f"There is a sweep '{name}' already: choose another name.")
    file = paths.sweeps_folder() / name / "sweep.yaml"
    atomic_files.write_text(file, text)
    SweepResults.of(name).begin(cells)  # so that the page can show it at once
    job_panel.start(jobs.name_of("sweep", name), ["sweep", str(file), "--name", name])
