"""How the dashboard serves fifty people: ``python -m tests.benchmarks.load [--json]``.

Sessions speak Streamlit's own protocol with a server on this machine, over loopback only. All of
them open the page Pruning at once; then each moves its threshold once a second.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import connect

from tests.browser.conftest import Server

PAGES = (
    *("", "triggers", "spectra", "pictures", "train", "models", "activations", "compare"),
    *("pruning", "repairs", "report"),
)
SLIDER = "threshold"


@dataclass
class Session:
    """One open page.

    Attributes:
        socket: to the server.
        page: its path.
        widgets: latest states by id, as a browser keeps them.
        query: what stands behind the "?" of its address.
        errors: exceptions that pages showed.
        alerts: sentences that pages showed in red.
        slider: id of the threshold slider, once seen.
        fragment: the part of the page it belongs to, which alone runs again.
    """

    socket: object
    page: str
    query: str = "model=signs-ftrojan"
    widgets: dict[str, float] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    alerts: list[str] = field(default_factory=list)
    slider: str = ""
    fragment: str = ""

    async def run(self, page: str | None = None, fragment: str = "") -> float:
        """Let the page's script, or a fragment of it, run; seconds until it has finished."""
        message = BackMsg()
        message.rerun_script.query_string = self.query
        message.rerun_script.page_name = self.page = self.page if page is None else page
        message.rerun_script.fragment_id = fragment
        for name, value in self.widgets.items():
            state = message.rerun_script.widget_states.widgets.add()
            state.id = name
            state.double_array_value.data.append(value)
        started = time.perf_counter()
        await self.socket.send(message.SerializeToString())
        while not self._finished(ForwardMsg.FromString(await self.socket.recv())):
            pass
        return time.perf_counter() - started

    def _finished(self, message: ForwardMsg) -> bool:
        element = message.delta.new_element
        if element.WhichOneof("type") == "exception":
            self.errors.append(element.exception.message)
        if element.WhichOneof("type") == "alert" and element.alert.format == Alert.ERROR:
            self.alerts.append(element.alert.body)
        if element.WhichOneof("type") == "slider" and SLIDER in element.slider.id:
            self.slider, self.fragment = element.slider.id, message.delta.fragment_id
        return message.WhichOneof("type") == "script_finished"

    async def move(self, threshold: float) -> float:
        """Move the threshold; seconds until the page has followed."""
        self.widgets[self.slider] = threshold
        return await self.run(fragment=self.fragment)


async def opened(server: Server, page: str, query: str = "model=signs-ftrojan") -> Session:
    """A session whose page has run once."""
    address = f"ws://127.0.0.1:{server.port}/_stcore/stream"
    session = Session(
        await connect(address, subprotocols=["streamlit"], max_size=None), page, query
    )
    await session.run()
    return session


async def timed_opening(server: Server) -> tuple[float, Session]:
    """Open the page Pruning: seconds, and the session."""
    started = time.perf_counter()
    session = await opened(server, "pruning")
    return time.perf_counter() - started, session


async def move_repeatedly(session: Session, number: int, moves: int) -> list[float]:
    """Move the threshold once a second; seconds of each move."""
    await asyncio.sleep(number % 50 / 50)  # people do not move in step
    seconds = []
    for move in range(moves):
        begun = time.perf_counter()
        seconds.append(await session.move(1 + (7 * number + 5 * move) % 100 / 2))
        await asyncio.sleep(max(0.0, 1 - (time.perf_counter() - begun)))
    await session.socket.close()
    return seconds


async def crowd(
    server: Server, sessions: int, moves: int
) -> tuple[list[float], list[float], list[str]]:
    """All visitors at once: seconds of every opening and of every move, and what went wrong."""
    pages = await asyncio.gather(*(timed_opening(server) for _ in range(sessions)))
    visitors = [session for _, session in pages]
    found = await asyncio.gather(
        *(move_repeatedly(session, number, moves) for number, session in enumerate(visitors))
    )
    errors = [error for session in visitors for error in session.errors]
    return [seconds for seconds, _ in pages], [s for seconds in found for s in seconds], errors


async def alone(server: Server, moves: int, rounds: int) -> tuple[list[float], list[float]]:
    """One session: seconds of moves of the threshold, and of page switches."""
    session = await opened(server, "pruning")
    moved = [await session.move(1 + move) for move in range(moves)]
    session.widgets.clear()
    for page in PAGES:  # the first visit fills the caches
        await session.run(page)
    switched = [await session.run(page) for _ in range(rounds) for page in PAGES]
    await session.socket.close()
    return moved, switched


async def first_page(server: Server) -> float:
    """Seconds until the first page of a fresh server has run to its end."""
    started = time.perf_counter()
    session = await opened(server, "")
    await session.socket.close()
    return time.perf_counter() - started


def memory(server: Server) -> float:
    """Resident memory of the server, MB."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def measure(sessions: int = 50, moves: int = 15, rounds: int = 3) -> dict[str, object]:
    """Everything, on a fresh server with a home of its own; all pages that many rounds."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "home", Path(folder) / "nothing")
        try:
            first = asyncio.run(first_page(server))
            moved, switched = asyncio.run(alone(server, moves, rounds))
            before = memory(server)
            openings, seconds, errors = asyncio.run(crowd(server, sessions, moves))
            mapped = Path(f"/proc/{server.process.pid}/maps").read_text()
            return {
                "first page, images drawn (s)": round(first, 2),
                "one session, threshold moved, median (ms)": _ms(statistics.median(moved)),
                "one session, page switched, median (ms)": _ms(statistics.median(switched)),
                "sessions": sessions,
                "moves": len(seconds),
                "errors": len(errors),
                "page opened by all at once, median (ms)": _ms(statistics.median(openings)),
                "threshold moved, median (ms)": _ms(statistics.median(seconds)),
                "threshold moved, 95 % within (ms)": _ms(
                    statistics.quantiles(seconds, n=20)[-1] if len(seconds) > 1 else seconds[0]
                ),
                "server memory, one session (MB)": round(before),
                "server memory, all sessions (MB)": round(memory(server)),
                "TensorFlow in the server": "libtensorflow" in mapped,
            }
        finally:
            server.stop()


def _ms(seconds: float) -> int:
    return round(1000 * seconds)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--moves", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = measure(options.sessions, options.moves)
    if options.json:
        print(json.dumps(result))
    else:
        print("\n".join(f"{name:45} {value}" for name, value in result.items()))
