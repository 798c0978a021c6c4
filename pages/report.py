"""The chosen view as one file, to print or send."""

import streamlit as st

from app import caches
from app.forms import image_chooser
from app.frame import header
from app.views.pruning import pruning_curve
from engine.reporting import model_report

st.title("Report")
st.markdown(
    "One **printable file** with the view chosen below: pictures, charts, settings and commands. It"
    " opens in any browser without this program, and sends no data anywhere."
)

model = header.model_in_use()
card, dataset = model.card, header.dataset_in_use()

st.header("Choose the view")
layer, order = pruning_curve.choose_curve(caches.convolutions(model))
threshold = pruning_curve.threshold_slider()
chosen = image_chooser.choose(card, dataset)
test, index = None, None
if chosen is not None and not chosen.is_own:
    test, index = caches.test_images(dataset, card.image_shape[0]), int(chosen.key[2])
if caches.curve(model, layer, order) is None:
    st.info("This pruning curve has not been computed yet. The report will say so.")
    st.page_link(
        "../pages/pruning.py", label="Compute it on the page Pruning", icon=":material/content_cut:"
    )

view = model_report.View(layer, order, threshold, index)
command = model_report.command(model, dataset, view)
if st.button("Make the report", type="primary", icon=":material/description:"):
    with st.spinner("Drawing the charts"):
        st.session_state["report"] = command, model_report.html(model, view, test, command)

made_by, made = st.session_state.get("report", ("", ""))
if made and made_by == command:
    st.download_button(
        "Download it (HTML)",
        made,
        f"report-{model.name}.html",
        "text/html",
        icon=":material/download:",
        on_click="ignore",
    )
    st.iframe(made, height=900, alt="The report")
elif made:
    st.info("The settings have changed since the report was made: make it again.")
st.caption("The same from a terminal:")
st.code(command, language=None, wrap_lines=True)
