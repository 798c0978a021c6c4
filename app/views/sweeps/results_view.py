"""The results of a sweep: how far it is, a chart of any figure over any setting, the table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from app import caches
from app.elements import chart_view
from app.frame import failures, header
from app.views.sweeps import chart_controls
from engine.cli.terminal import duration
from engine.core import jobs, markdown
from engine.experiments.sweeps import figures
from engine.experiments.sweeps.results import PublishedResults, find
from engine.experiments.sweeps.run import outcome_of, seconds_between_cells
from engine.experiments.sweeps.subjects import describe
from engine.reporting import sweep_charts

_CHART = "sweep-chart"
PANELS = 6  # charts side by side and below each other, at most
REFRESH_SECONDS = 3


def show(name: str) -> None:
    """Show what there is of a sweep so far, and again while it is worked on."""
    job = jobs.job_named(jobs.name_of("sweep", name))
    if job.folder.exists() and job.status().alive:
        failures.fragment(_show, run_every=REFRESH_SECONDS)(name, is_running=True)
        return
    with failures.contained():
        _show(name, is_running=False)


def _show(name: str, is_running: bool) -> None:
    cells, shared, table = caches.sweeps.sweep(name)
    results = find(name)
    if isinstance(results, PublishedResults):
        st.markdown(markdown.escape(results.description))
    _show_progress(cells, table, is_running)
    if cells > 1:
        _show_shared(shared)
    measured = table[table["figure"].fillna("") != ""]
    if measured.empty:
        waiting = "the first results appear here" if is_running else "start the sweep again"
        st.info(f"Nothing is measured yet: {waiting}.")
    else:
        _show_charts(measured)
    _show_failures(table)
    _show_table(name, table)


def _show_progress(cells: int, table: pd.DataFrame, is_running: bool) -> None:
    outcome = outcome_of(table)
    left = cells - outcome.done - outcome.failed
    with st.container(horizontal=True, gap="large"):
        st.metric("Cells done", f"{outcome.done} of {cells}", width="content")
        st.metric("Failed", outcome.failed, width="content")
        st.metric("Left", left, width="content")
        seconds = seconds_between_cells(table)
        if is_running and seconds is not None:  # what failed is tried again
            st.metric("Time left", duration((cells - outcome.done) * seconds), width="content")
    if "host" in table and table["host"].notna().any():
        hosts = table.drop_duplicates("cell").groupby("host")["cell"].count()
        shown = ", ".join(f"{markdown.escape(host)} ({count})" for host, count in hosts.items())
        st.caption(f"Worked on by: {shown}")


def _show_shared(settings: Mapping[str, object]) -> None:
    """What all cells have in common."""
    shared = [
        f"{sweep_charts.name_setting(name).lower()}"
        f" {format(value, 'g') if isinstance(value, float) else value}"
        for name, value in settings.items()
    ]
    st.caption(markdown.escape(f"The same for all: {', '.join(shared)}."))


def _show_charts(measured: pd.DataFrame) -> None:
    """The controls, a chart for each panel, and what was clicked."""
    table = figures.with_subject(measured)
    with st.container(horizontal=True):
        view, shown = chart_controls.choose(table)
    parts = _split(shown, view.panels)
    spreads = [figures.spread(part, list(view.axes.values())) for part in parts.values()]
    whole = pd.concat(spreads)
    limits = (float(whole["low"].min()), float(whole["high"].max()))
    places = _places(len(parts))
    for number, (value, part) in enumerate(parts.items()):
        with places[number]:
            if view.panels:
                heading = f"{sweep_charts.name_setting(view.panels)}: {value}"
                st.markdown(f"**{markdown.escape(heading)}**")
            key = f"{_CHART}-{number}" if number else _CHART
            _link_models(part, _show_chart(view, spreads[number], limits, key))
    several = whole["networks"].max() > 1
    if view.kind == chart_controls.MAP:
        st.caption(f"Each field is {'the mean of several networks' if several else 'one network'}.")
    elif several:
        st.caption("Points are means; lines reach from the lowest to the highest value.")
    else:
        st.caption("Each point is one network.")
    if (shown["pruning"].fillna("") != "").any():
        st.caption(
            "Pruned, −10 points: channels were pruned until accuracy on clean validation images had"
            " fallen by 10 points."
        )


def _show_chart(
    view: chart_controls.View, spread: pd.DataFrame, limits: tuple[float, float], key: str
) -> list[dict[str, object]]:
    """The chart of one panel, with the limits that all share; gives the points clicked."""
    alternative = f"{sweep_charts.heading(view.figure)} in this sweep."
    if view.kind == chart_controls.MAP:
        axes = {"x": view.axes["x"], "y": view.axes["color"]}
        chart = sweep_charts.map_chart(spread, view.figure, axes, limits)
        chart_view.show(chart, spread, key, alternative)
        return []
    chart = sweep_charts.spread_chart(spread, view.figure, view.axes, limits)
    event = chart_view.show(
        chart,
        spread,
        key,
        alternative,
        on_select="rerun",
        selection_mode=sweep_charts.POINT,
    )
    found: list[dict[str, object]] = event.selection.get(sweep_charts.POINT, [])
    return found


def _split(shown: pd.DataFrame, panels: str | None) -> dict[str, pd.DataFrame]:
    """The rows of each panel, the first ones if there are many."""
    if panels is None:
        return {"": shown}
    parts = {str(value): part for value, part in shown.groupby(panels, sort=False, dropna=False)}
    if len(parts) > PANELS:
        st.caption(f"The first {PANELS} of {len(parts)} panels are shown.")
    return dict(list(parts.items())[:PANELS])


def _places(count: int) -> list[Any]:
    """Where the charts go: one over the whole width, several in two columns."""
    if count == 1:
        return [st.container()]
    columns = st.columns(2, gap="large")
    return [columns[number % 2].container() for number in range(count)]


def _link_models(shown: pd.DataFrame, selected: list[dict[str, object]]) -> None:
    """Links to the models behind the point that was clicked."""
    if not selected:
        return
    chosen = shown
    for setting, value in selected[0].items():
        if setting in chosen:
            chosen = chosen[chosen[setting].astype(str) == str(value)]
    named = [name for name in dict.fromkeys(chosen["model"].dropna()) if name]
    models = [name for name in named if name in caches.models.model_names()]
    if not models:
        st.caption("These networks were not kept as models: sweep with `--keep-models`.")
    with st.container(horizontal=True):
        for name in models:
            st.link_button(markdown.escape(name), f"./?{header.MODEL}={name}")


def _show_failures(table: pd.DataFrame) -> None:
    failed = table[table["problem"].fillna("") != ""]
    if failed.empty:
        return
    with st.expander(f"What failed ({len(failed)})", icon=":material/error:"):
        for row in failed.to_dict("records"):
            what = f"{row['dataset']}, {row['attack']}, seed {row['seed']}: {describe(row)}"
            st.markdown(f"- **{markdown.escape(what)}**: {markdown.escape(row['problem'])}")
        st.caption(
            "The same command trains networks again that failed. What was tried on a network and"
            " failed is not tried again."
        )


def _show_table(name: str, table: pd.DataFrame) -> None:
    results = find(name)
    with st.expander("All figures", icon=":material/table_rows:"):
        st.dataframe(table, hide_index=True)
        with st.container(horizontal=True):
            for file in (results.csv, results.parquet):
                if file.exists():
                    st.download_button(
                        f"Download {file.suffix}",
                        file.read_bytes,
                        f"{name}{file.suffix}",
                        key=f"sweep-download{file.suffix}",
                        icon=":material/download:",
                        on_click="ignore",
                    )
