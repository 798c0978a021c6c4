"""The paper's defence: pruning channel by channel, up to a threshold."""

import streamlit as st

from app import caches
from app.elements import chart_view, job_panel, scores
from app.elements.film import film
from app.forms import image_chooser
from app.frame import failures, header
from app.views.pruning import before_after, pruning_curve, save_pruned
from engine.core import jobs
from engine.defenses.pruning.curve import PAPER_THRESHOLDS
from engine.defenses.pruning.orders import DEFAULT_ORDER, ORDERS, OracleOrder
from engine.evaluation.metrics import METRICS
from engine.reporting import paper_figures
from engine.store import summary

st.title("Pruning")
st.markdown(
    "Pruning switches off the channels of one convolution, one by one. **Move the threshold** and"
    " watch the three lines: does attack success fall before clean accuracy, and does recovered"
    " accuracy rise?"
)

model = header.model_in_use()
card, dataset = model.card, header.dataset_in_use()
layers = caches.convolutions(model)
layer, order = pruning_curve.choose_curve(layers)
if isinstance(ORDERS[order], OracleOrder):
    st.caption(
        ":material/visibility: This order is an *oracle*: it uses triggered images, which a"
        " defender does not have. It shows what could be achieved with them."
    )

if summary.describe_dormant(card):
    st.caption(f":material/bedtime: This attack is pruning-aware. {summary.describe_dormant(card)}")


def show_figures(status: jobs.Status) -> None:
    """The curve on the images processed so far."""
    table = status.table("curve", ["fraction", *METRICS])
    if table is not None:
        chart_view.show(
            paper_figures.pruning_curve(table).properties(height=400),
            table,
            "curve-so-far",
            "The three metrics on the test images processed so far.",
        )


curve = caches.curve(model, layer, order)
job_name = jobs.name_of("prune", model.name, layer, order)
if curve is None:
    st.info("This curve has not been computed yet.")
    if image_chooser.images_available(card.dataset):
        job_panel.start_button(
            "Compute the curve",
            job_name,
            ["prune", model.name, "--layer", layer, "--order", order],
            "Runs the network once over validation and test images, clean and triggered.",
        )
    else:
        image_chooser.offer_download(card.dataset)
    job_panel.watch(job_name, show_figures)
    st.stop()

st.header("Pruning, channel by channel")
st.caption(
    "Each square is a channel: the darker it is, the stronger it responds to clean images."
    + (" The weakest are pruned first." if order == DEFAULT_ORDER else "")
)
film(curve.test, caches.clean_activations(model, layer), "film")


@failures.fragment  # a move of the threshold reruns only this part of the page
def follow_threshold() -> None:
    """Everything that changes when the threshold moves."""
    st.header("Set the threshold")
    threshold = pruning_curve.threshold_slider()
    step = pruning_curve.find_step(curve, threshold)
    scores.show(curve.test.iloc[step], curve.test.iloc[0])
    pruning_curve.show_draggable(model, curve, step, "pruning-curve")
    st.markdown(pruning_curve.describe_step(curve, step))

    chosen = sorted({*PAPER_THRESHOLDS, threshold} - {0.0})
    pruning_curve.show_threshold_table(curve.at_thresholds(chosen))
    st.caption(
        "The step is chosen on clean validation images; all figures but validation accuracy come"
        " from held-out test images. Attack success and recovered accuracy leave out images of the"
        " target class."
    )

    st.header("Before and after")
    if image_chooser.images_available(dataset):
        with failures.contained():  # a network that cannot run here can still be saved
            before_after.show(model, dataset, layer, order, step)
    else:
        image_chooser.offer_download(dataset)
    st.header("Save the pruned network")
    save_pruned.offer(model, curve, threshold)


follow_threshold()

st.header("At the paper's thresholds")
pruning_curve.show_repaired_bars(model, curve, curve.at_thresholds(PAPER_THRESHOLDS))

st.header("Would another order do better?")
pruning_curve.compare_orders(model, layer)
