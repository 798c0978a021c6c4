"""The view in the address: settings follow from page to page, and Back returns to what was shown.

Controls bound to the address keep their own values there. Added here is what Streamlit leaves out:

- A setting with the same key on two pages keeps its value when the visitor goes from one to the
  other. Its value is remembered as the text in the address, so that the control checks it again.
- What changes on a page replaces its entry in the browser's history instead of adding one.

The module uses Streamlit's internal interface to the address: the public one neither says whether
Back or Forward opened a page, nor changes what a control is bound to.
"""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.state.query_params import QueryParams
from streamlit.runtime.state.session_state_proxy import get_session_state

from app.elements.mounting import element

_PAGE = "page-shown"
_SETTINGS = "settings-remembered"  # name -> its values as in the address
_ON_PAGE = "settings-on-page"  # names of those that the page in the address may hold
_TEXTS = "texts-to-write"
_SENT = "sent"  # a name that is never in the address
_one_entry_per_page = element("history")


def restore() -> None:
    """Hand a page that was just opened the settings left on other pages."""
    _one_entry_per_page(key="history")
    context = get_script_run_ctx()
    if context is None:
        return
    known, page = st.session_state.get(_PAGE), context.page_script_hash
    st.session_state[_PAGE] = page
    if known in (None, page) or context.is_history_navigation:
        return
    remembered: dict[str, list[str]] = st.session_state.get(_SETTINGS, {})
    for name in set(st.query_params) - st.session_state.get(_ON_PAGE, frozenset()):
        st.session_state.pop(name, None)  # given by the link, which counts
    with get_session_state().query_params() as parameters:
        for name in st.session_state.get(_ON_PAGE, ()):
            parameters.discard_param_no_forward_msg(name)  # left behind by the last page
        for name, values in remembered.items():
            if not parameters.has_param(name):
                parameters.set_with_no_forward_msg(name, values if len(values) > 1 else values[0])
        parameters.set_initial_query_params_from_current()
    st.session_state[_ON_PAGE] = frozenset(remembered)
    st.session_state[_SENT] = False


def remember() -> None:
    """Note the settings in the address, once the page or a fragment of it has run.

    Then the controls are unbound until they run again. Otherwise Streamlit would take the old
    page's settings out of its address while the visitor leaves, and Back would not find them.
    """
    context = get_script_run_ctx()
    if context is None:
        return
    whole_page = not only_a_fragment_runs()
    remembered = dict(st.session_state.get(_SETTINGS, {}))
    before: frozenset[str] = st.session_state.get(_ON_PAGE, frozenset())
    given = {name: st.query_params.get_all(name) for name in st.query_params}
    with get_session_state().query_params() as parameters:
        bound = frozenset(filter(parameters.is_bound, {*given, *remembered, *before}))
        _unbind(parameters, bound)
        _clean(parameters, before - bound if whole_page else frozenset())
    for name in bound:
        if name in given:
            remembered[name] = given[name]
        else:  # back at its usual value
            remembered.pop(name, None)
    st.session_state[_SETTINGS] = remembered
    st.session_state[_ON_PAGE] = bound if whole_page else before | bound


def write(name: str, value: str | None) -> None:
    """Put a text into the address, or take it out, for what no bound control keeps there.

    It happens once the page has run: before, the address is still that of the last page.
    """
    st.session_state.setdefault(_TEXTS, {})[name] = value


def hold(*beginnings: str) -> None:
    """Keep settings in the address whose controls stand in more than one tab.

    When such a control moves from one tab to another, the browser no longer writes its changes to
    the address. A value assigned anew is written there by the server. Call this before the
    controls run.

    Args:
        beginnings: of the settings' names.
    """
    names = [name for name in st.session_state if str(name).startswith(beginnings)]
    for name in names:
        st.session_state[name] = st.session_state[name]


def only_a_fragment_runs() -> bool:
    """Whether a fragment runs on its own, not as part of its page."""
    context = get_script_run_ctx()
    return context is not None and bool(context.fragment_ids_this_run)


def history_moved() -> bool:
    """Whether the browser's Back or Forward opened the page."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


def _unbind(parameters: QueryParams, names: frozenset[str]) -> None:
    for name in names:
        binding = parameters.get_binding_for_param(name)
        if binding is not None:
            parameters.unbind_widget(binding.widget_id)


def _clean(parameters: QueryParams, gone: frozenset[str]) -> None:
    """Take settings out that no control of the page has, and write the texts; then show it."""
    sent = st.session_state.pop(_SENT, True)
    for name in gone:
        sent &= not parameters.discard_param_no_forward_msg(name)
    for name, value in st.session_state.pop(_TEXTS, {}).items():
        if value is None:
            sent &= not parameters.discard_param_no_forward_msg(name)
        elif not parameters.has_param(name) or parameters.get(name) != value:
            parameters.set_with_no_forward_msg(name, value)
            sent = False
    if not sent:
        parameters.set_with_no_forward_msg(_SENT, "")
        parameters.remove_param(_SENT)  # sends the address to the browser
