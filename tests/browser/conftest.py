import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.fixtures.needed import browser

PROJECT = Path(__file__).parents[2]

expect.set_options(timeout=20_000)  # milliseconds; another test may be training beside it


class Server:
    """The dashboard in a process of its own, with its own home and data folder."""

    def __init__(self, home: Path, data: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.home, self.data = home, data
        self.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "streamlit", "run", "--server.headless", "true"]
        options = ["--server.port", str(self.port)]
        environment = os.environ | {
            "PRUNING_LAB_HOME": str(self.home),
            "PRUNING_LAB_DATA": str(self.data),
        }
        self.process = subprocess.Popen(
            command + options,
            cwd=PROJECT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{self.address}/_stcore/health", timeout=1)
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the dashboard did not start")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture(scope="session")
def chromium():
    with sync_playwright() as playwright:
        instance = playwright.chromium.launch(
            executable_path=browser(),
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                "--no-first-run",
            ],
        )
        yield instance
        instance.close()


@pytest.fixture(scope="session")
def server(drawn, tmp_path_factory):
    """A dashboard without data, for all tests that need none; they may add a model."""
    folder = tmp_path_factory.mktemp("looked-at")
    running = Server(Path(shutil.copytree(drawn, folder / "home")), folder / "nothing")
    yield running
    running.stop()


@pytest.fixture
def serve(tmp_path):
    """A function that starts a dashboard of the test's own, in a copy of a home."""
    servers = []

    def start(home: Path, data: Path = tmp_path / "nothing") -> Server:
        own = Path(shutil.copytree(home, tmp_path / "home"))
        servers.append(Server(own, data))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def page(chromium):
    context = chromium.new_context(viewport={"width": 1440, "height": 1000}, accept_downloads=True)
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()
