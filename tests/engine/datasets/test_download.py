"""Files fetched from a server that is honest, poor, false or slow."""

import dataclasses
import hashlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from engine.core.errors import UserError
from engine.core.progress import reporting_to
from engine.datasets import download
from engine.datasets.download import Download, fetch
from tests.fixtures.events import Killed, at_first, die

CONTENT = bytes(range(256)) * 4000
PIECE, PIECES = bytes(1 << 16), 1000


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked += 1
        getattr(self, self.path.strip("/"))()

    def _send(self, content, length=None):
        self.send_response(200)
        self.send_header("Content-Length", str(length or len(content)))
        self.end_headers()
        self.wfile.write(content)

    def honest(self):
        self._send(CONTENT)

    def truncates(self):
        self._send(CONTENT[:5000], len(CONTENT))

    def lies(self):
        self._send(CONTENT[::-1])

    def errs(self):
        self.send_error(503)

    def stalls(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:100])
        self.wfile.flush()
        time.sleep(1.5)

    def errs_once(self):
        self.honest() if self.server.asked > 1 else self.errs()

    def trickles(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(PIECE) * PIECES))
        self.end_headers()
        try:
            for _ in range(PIECES):
                self.wfile.write(PIECE)
                time.sleep(0.02)
        except OSError:
            self.server.hung_up.set()

    def log_message(self, *_): ...


@pytest.fixture
def server():
    served = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    served.asked, served.hung_up = 0, threading.Event()
    threading.Thread(target=served.serve_forever, daemon=True).start()
    yield served
    served.shutdown()
    served.server_close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", 0.3)


def wanted(server, path):
    address = f"http://127.0.0.1:{server.server_address[1]}/{path}"
    checksum = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
    return Download(address, "archive.zip", checksum, len(CONTENT))


@pytest.mark.parametrize("path", ["honest", "errs_once"])
def test_a_whole_file_appears_with_progress(server, tmp_path, path):
    events = []
    with reporting_to(events.append):
        fetch([wanted(server, path)], tmp_path / "new")
    assert (tmp_path / "new" / "archive.zip").read_bytes() == CONTENT
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["archive.zip"]
    assert events and all(0 <= event.done <= event.total == len(CONTENT) for event in events)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("truncates", "could not be fetched"),
        ("lies", "wrong checksum"),
        ("errs", "could not be fetched"),
        ("stalls", "could not be fetched"),
    ],
)
def test_a_bad_server_leaves_no_file_and_is_reported_in_one_sentence(server, tmp_path, path, said):
    with pytest.raises(UserError, match=said) as caught:
        fetch([wanted(server, path)], tmp_path)
    assert "by hand" in str(caught.value) and "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    assert server.asked == download.TRIES


def test_a_download_given_up_ends_and_leaves_nothing(server, tmp_path):
    item = dataclasses.replace(wanted(server, "trickles"), size=len(PIECE) * PIECES)
    stop_once_it_flows = at_first(lambda event: event.done > 0, die)
    with reporting_to(stop_once_it_flows), pytest.raises(Killed):
        fetch([item], tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert server.hung_up.wait(timeout=10)


def test_an_unreachable_server_is_reported(tmp_path):
    item = Download("http://127.0.0.1:9/x", "archive.zip", "md5:0", 1)
    with pytest.raises(UserError, match="put the file into"):
        fetch([item], tmp_path)


def test_what_is_there_already_is_not_fetched(server, tmp_path):
    (tmp_path / "archive.zip").write_bytes(b"mine")
    fetch([wanted(server, "errs")], tmp_path)
    assert server.asked == 0
