"""Errors of a page, a fragment or a callback, shown as one sentence where they happened."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial, wraps
from pathlib import Path
from typing import Any, ParamSpec

import streamlit as st

from app.frame import address
from engine.core import markdown, paths
from engine.core.errors import UserError

_PENDING = "failures"  # of callbacks, until the next run shows them
_LOG = logging.getLogger(__name__)
_Arguments = ParamSpec("_Arguments")


@dataclass(frozen=True)
class Failure:
    """An error, as text for the visitor.

    Attributes:
        sentence: what went wrong and what to do next, as plain text.
        details: the traceback of an unexpected error, else empty.
    """

    sentence: str
    details: str = ""

    @classmethod
    def of(cls, error: Exception) -> Failure:
        """Describe an exception."""
        if isinstance(error, UserError):
            return cls(str(error))
        return cls(
            f"Unexpected error ({type(error).__name__}): try again; if it happens again, report it"
            " with the details below.",
            _traceback(error),
        )

    @classmethod
    def caught(cls, error: Exception) -> Failure:
        """Like `of`; unexpected errors are logged as well."""
        failure = cls.of(error)
        if failure.details:
            _LOG.error("Unexpected error in the dashboard", exc_info=error)
        return failure

    def show(self) -> None:
        """Draw it."""
        st.error(markdown.escape(self.sentence), icon=":material/error:")
        if self.details:
            with st.expander("Details to copy", icon=":material/content_copy:"):
                st.code(self.details, language=None)


@contextmanager
def contained() -> Iterator[None]:
    """Show errors raised inside, after the errors of callbacks since the last run.

    Streamlit ends or repeats a run with exceptions that are no `Exception`: they pass through.
    """
    for failure in st.session_state.pop(_PENDING, ()):
        failure.show()
    try:
        yield
    except Exception as error:
        Failure.caught(error).show()


def fragment(
    function: Callable[_Arguments, None] | None = None, *, run_every: float | None = None
) -> Any:
    """`st.fragment` that shows its own errors, so that the rest of the page stays.

    Args:
        function: the fragment; left out, a decorator is returned.
        run_every: seconds between two runs, or None for runs on demand.
    """
    if function is None:
        return partial(fragment, run_every=run_every)

    @wraps(function)
    def guarded(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> None:
        with contained():
            function(*args, **kwargs)
        if address.only_a_fragment_runs():
            address.remember()

    return st.fragment(guarded, run_every=run_every)


def callback(function: Callable[_Arguments, None]) -> Callable[_Arguments, None]:
    """A widget's callback whose errors the next run of the page or fragment shows."""

    @wraps(function)
    def guarded(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> None:
        try:
            function(*args, **kwargs)
        except Exception as error:
            failures = st.session_state.get(_PENDING, ())
            st.session_state[_PENDING] = (*failures, Failure.caught(error))

    return guarded


def show_escaped(error: Exception) -> bool:
    """Show an error that nothing else caught; for `st.App`, which logs it. True: it is shown."""
    Failure.of(error).show()
    return True


def _traceback(error: Exception) -> str:
    """The traceback, with paths relative to the project's or the libraries' folders."""
    text = "".join(traceback.format_exception(error))
    libraries = (Path(folder) for folder in sys.path if folder)
    folders = {f"{folder}/" for folder in (paths.PROJECT, *libraries, Path.home())}
    for folder in sorted(folders, key=len, reverse=True):
        text = text.replace(folder, "")
    return text
