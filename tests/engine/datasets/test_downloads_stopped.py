"""A download that somebody gives up leaves nothing behind."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from engine.datasets.download import Download, fetch

PIECE = bytes(1 << 16)


class _Slow(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(PIECE) * 1000))
        self.end_headers()
        try:
            for _ in range(1000):
                self.wfile.write(PIECE)
                time.sleep(0.02)
        except OSError:
            self.server.hung_up.set()

    def log_message(self, *_): ...


@pytest.fixture
def server():
    served = ThreadingHTTPServer(("127.0.0.1", 0), _Slow)
    served.hung_up = threading.Event()
    threading.Thread(target=served.serve_forever, daemon=True).start()
    yield served
    served.shutdown()
    served.server_close()


def test_a_download_given_up_ends_and_leaves_nothing(server, tmp_path):
    address = f"http://127.0.0.1:{server.server_address[1]}/x"
    work = fetch([Download(address, "x.zip", "md5:0", len(PIECE) * 1000)], tmp_path)
    while next(work).done == 0:
        pass
    work.close()
    assert list(tmp_path.iterdir()) == []
    assert server.hung_up.wait(timeout=10)
