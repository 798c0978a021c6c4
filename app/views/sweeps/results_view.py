"""The results of a sweep: how far it is, a chart of any figure over any setting, the table."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app import caches
from app.charts import sweep_charts
from app.elements import chart_view
from app.frame import failures, header
from engine.core import markdown
from engine.experiments.sweeps import figures
from engine.experiments.sweeps.cell import Cell
from engine.experiments.sweeps.results import SweepResults
from engine.experiments.sweeps.run import outcome_of

_NOTHING = "nothing"
_CHART = "sweep-chart"
WIDTH = 240  # pixels of a control


def show(name: str) -> None:
    """Show what there is of a sweep so far."""
    with failures.contained():
        cells = SweepResults.of(name).cells()
        table = caches.sweep_table(name)
        _show_progress(cells, table)
        measured = table[table["figure"].fillna("") != ""]
        if measured.empty:
            st.info("Nothing is measured yet: reload the page once cells are done.")
        else:
            _show_chart(name, measured)
        _show_failures(table)
        _show_table(name, table)


def _show_progress(cells: list[Cell], table: pd.DataFrame) -> None:
    outcome = outcome_of(table)
    hosts = table.drop_duplicates("cell").groupby("host")["cell"].count()
    with st.container(horizontal=True, gap="large"):
        st.metric("Cells done", f"{outcome.done} of {len(cells)}", width="content")
        st.metric("Failed", outcome.failed, width="content")
        st.metric("Left", len(cells) - outcome.done - outcome.failed, width="content")
    if len(hosts):
        shown = ", ".join(f"{markdown.escape(host)} ({count})" for host, count in hosts.items())
        st.caption(f"Worked on by: {shown}")


def _show_chart(name: str, measured: pd.DataFrame) -> None:
    table = figures.with_subject(measured)
    with st.container(horizontal=True):
        figure = _choose_figure(table)
        shown = table[table["figure"] == figure]
        settings = figures.varying_settings(shown)
        axes = _choose_axes([name for name in settings if name != "seed"] or ["attack"])
        for setting in settings:
            if setting not in axes.values() and setting != "seed":
                shown = _keep_one(shown, setting)
    spread = figures.spread(shown, list(dict.fromkeys(axes.values())))
    chart = sweep_charts.spread_chart(spread, figure, axes)
    style = figures.FIGURES[figure]
    event = chart_view.show(
        chart,
        spread,
        _CHART,
        f"{style.label} of the networks in the sweep {name}, mean and range over seeds.",
        on_select="rerun",
        selection_mode=sweep_charts.POINT,
    )
    st.caption("Points are means over seeds; lines reach from the lowest to the highest value.")
    _link_models(shown, event.selection.get(sweep_charts.POINT, []))


def _choose_figure(table: pd.DataFrame) -> str:
    offered = [name for name in figures.FIGURES if name in set(table["figure"])]
    usual = offered.index("attack_success") if "attack_success" in offered else 0
    found: str = st.selectbox(
        "Figure",
        offered,
        usual,
        format_func=lambda name: figures.FIGURES[name].label,
        key="sweep-figure",
        width=WIDTH,
    )
    return found


def _choose_axes(settings: list[str]) -> dict[str, str]:
    along = st.selectbox(
        "Along", settings, format_func=sweep_charts.name_setting, key="sweep-x", width=WIDTH
    )
    rest = [name for name in reversed(settings) if name != along]
    colour = st.selectbox(
        "Colour", [*rest, _NOTHING], format_func=_name_or_nothing, key="sweep-color", width=WIDTH
    )
    return {"x": along} if colour == _NOTHING else {"x": along, "color": colour}


def _name_or_nothing(setting: str) -> str:
    return "Nothing" if setting == _NOTHING else sweep_charts.name_setting(setting)


def _keep_one(table: pd.DataFrame, setting: str) -> pd.DataFrame:
    """The rows with one value of a setting that the chart does not distinguish."""
    values = list(dict.fromkeys(table[setting]))
    chosen = st.selectbox(
        sweep_charts.name_setting(setting), values, key=f"sweep-only-{setting}", width=WIDTH
    )
    fits = table[setting].isna() if pd.isna(chosen) else table[setting] == chosen
    return table[fits]


def _link_models(shown: pd.DataFrame, selected: list[dict[str, object]]) -> None:
    """Links to the models behind the point that was clicked."""
    if not selected:
        return
    chosen = shown
    for setting, value in selected[0].items():
        if setting in chosen:
            chosen = chosen[chosen[setting].astype(str) == str(value)]
    models = [name for name in dict.fromkeys(chosen["model"].dropna()) if name]
    if not models:
        st.caption("Their networks were not kept: run the sweep with `--keep-models`.")
    with st.container(horizontal=True):
        for name in models:
            st.link_button(markdown.escape(name), f"./?{header.MODEL}={name}")


def _show_failures(table: pd.DataFrame) -> None:
    failed = table[table["problem"].fillna("") != ""]
    if failed.empty:
        return
    with st.expander(f"What failed ({len(failed)})", icon=":material/error:"):
        for row in failed.itertuples():
            network = f"{row.dataset}, {row.attack}, seed {row.seed}"
            what = ": ".join(filter(None, [network, row.repair or row.detector]))
            st.markdown(f"- **{markdown.escape(what)}**: {markdown.escape(row.problem)}")
        st.caption("The same command trains networks again that failed, not detectors and repairs.")


def _show_table(name: str, table: pd.DataFrame) -> None:
    results = SweepResults.of(name)
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
