"""The uploaded network and the job that examines it: one at a time for each visitor.

The file lies in the job's folder, and is deleted with it: when the network has been imported, when
it is refused, when another one is uploaded, and a day after nobody came back for it.
"""

from __future__ import annotations

import hashlib
import time
from contextlib import suppress
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app.elements import job_panel
from app.frame import address, failures
from engine.core import jobs
from engine.core.errors import UserError
from engine.core.jobs import Job

EXAMINED = "examined"  # in the address, and in the session: the name of the job
_SEEN, _REFUSED, _ROUND = "own-network-seen", "own-network-refused", "own-network-round"
_KEPT_SECONDS = 24 * 3600


def uploader_key() -> str:
    """The key of the upload control; it changes when the control shall be empty again."""
    return f"own-network-{st.session_state.get(_ROUND, 0)}"


def take(dataset: str, file: UploadedFile) -> None:
    """Examine an uploaded file, once for each dataset."""
    seen = (file.file_id, dataset)
    if st.session_state.get(_SEEN) == seen:
        return
    st.session_state[_SEEN] = seen
    _start(dataset, file.getvalue(), file.name)


def take_again(dataset: str) -> None:
    """Examine the file once more if another dataset was chosen since."""
    job = current()
    if job is None or job.status().alive or dataset_of(job) == dataset:
        return
    path = Path("".join(job.request.arguments[1:2]))
    if path.is_file():
        _start(dataset, path.read_bytes(), path.name)


def current() -> Job | None:
    """The examination that the page shows, if there is one."""
    name = st.session_state.get(EXAMINED, st.query_params.get(EXAMINED))
    with suppress(UserError):
        job = jobs.job_named(str(name))
        if job.folder.exists() and job.request.kind == "examine":
            return job
    return None


def dataset_of(job: Job) -> str:
    """The dataset that a file is examined with."""
    return "".join(job.request.arguments[2:3])


def remember() -> None:
    """Keep the examination in the address."""
    job = current()
    address.write(EXAMINED, None if job is None else job.name)


def refuse(sentence: str) -> None:
    """Delete the file, and keep the sentence for the visitor."""
    _discard()
    st.session_state[_REFUSED] = sentence


def refusal() -> str:
    """Why the last file was refused; empty if it was not."""
    return str(st.session_state.get(_REFUSED, ""))


@failures.callback
def forget() -> None:
    """Delete the file, and empty the upload control."""
    _discard()
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1


def _start(dataset: str, content: bytes, file_name: str) -> None:
    _sweep()
    _discard()
    digest = hashlib.sha256(content).hexdigest()[:8]
    name = jobs.name_of("examine", dataset, file_name, digest)
    with failures.contained():
        job = jobs.job_named(name)
        if job.folder.exists() and job.status().alive:  # another visitor's, of the same file
            job_panel.adopt(name)
        else:
            out = job.folder / "examination.json"
            job_panel.start_with_file(
                name,
                content,
                file_name,
                lambda path: ["examine", path, dataset, "--out", str(out)],
            )
        st.session_state[EXAMINED] = name


def _discard() -> None:
    job = current()
    if job is not None and job.status().alive:
        job.stop()  # its folder goes when nobody comes back for it
    elif job is not None:
        job.discard()
    st.session_state[EXAMINED] = ""
    st.session_state.pop(_REFUSED, None)


def _sweep() -> None:
    """Delete files that nobody came back for."""
    for job in jobs.all_jobs():
        if job.request.kind == "examine" and not job.status().alive:
            with suppress(OSError, UserError):
                if time.time() - job.folder.stat().st_mtime > _KEPT_SECONDS:
                    job.discard()
