"""The Dockerfile's commands run as an ordinary user in a clean environment; nothing else is known
of the image where there is no Docker."""

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from engine.core.paths import PROJECT

DOCKERFILE = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((PROJECT / "compose.yaml").read_text(encoding="utf-8"))


def instructions(name: str) -> list[str]:
    """What follows an instruction in the Dockerfile, in order."""
    return re.findall(rf"^{name} (.+)$", DOCKERFILE, re.M)


def clean_environment(home: Path) -> dict[str, str]:
    programs = os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"])
    return {"PATH": programs, "HOME": str(home), "PRUNING_LAB_HOME": str(home / "own")}


def as_ordinary_user() -> dict:
    """Arguments of `subprocess` that drop root's rights, where the tests run as root.

    Empty where others cannot read the checkout or this Python.
    """
    if os.name != "posix" or os.geteuid():
        return {}
    looking = [sys.executable, "-c", f"open({str(PROJECT / 'README.md')!r})"]
    with suppress(OSError):
        if not subprocess.run(looking, user="nobody", capture_output=True, check=False).returncode:
            return {"user": "nobody"}
    return {}


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def test_the_image_has_no_root_and_copies_files_that_there_are():
    (user,) = instructions("USER")
    assert user != "root" and any(f" {user}" in line for line in instructions("RUN"))
    for line in instructions("COPY"):
        *sources, _ = [word for word in shlex.split(line) if not word.startswith("--")]
        assert all((PROJECT / source).exists() for source in sources)
    assert DOCKERFILE.rindex("\nUSER ") < DOCKERFILE.rindex("\nCMD ")


def test_only_this_machine_reaches_what_compose_publishes():
    published = [port for of in COMPOSE["services"].values() for port in of.get("ports", [])]
    assert published and all(port.startswith("127.0.0.1:") for port in published)
    assert COMPOSE["services"]["worker"]["deploy"]["replicas"] == 2


def test_the_servers_command_and_the_health_check_work_as_an_ordinary_user(tmp_path):
    port = free_port()
    (command,) = instructions("CMD")
    (check,) = re.findall(r"^HEALTHCHECK .*CMD (.+)$", DOCKERFILE, re.M)
    words = [
        word.replace("8501", str(port)).replace("0.0.0.0", "127.0.0.1")
        for word in json.loads(command)
    ]
    tmp_path.chmod(0o777)
    settings = {"env": clean_environment(tmp_path), "cwd": PROJECT, **as_ordinary_user()}
    with subprocess.Popen([*words, "--server.headless=true"], **settings) as server:
        try:
            healthy = [*shlex.split(check.replace("8501", str(port)))]
            until = time.monotonic() + 60
            while subprocess.run(healthy, capture_output=True, check=False, **settings).returncode:
                assert server.poll() is None, "the server has ended"
                assert time.monotonic() < until, "the server does not get healthy"
                time.sleep(0.5)
        finally:
            server.terminate()


@pytest.mark.parametrize("service", ["scheduler", "worker"])
def test_the_commands_of_the_cluster_are_commands_of_dask(service, tmp_path):
    words = COMPOSE["services"][service]["command"]
    shown = subprocess.run(
        [sys.executable, "-m", words[0], words[1], "--help"],
        env=clean_environment(tmp_path),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for word in words:
        if word.startswith("--"):
            assert word in shown
