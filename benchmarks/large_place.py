"""Starts and ends the large place of `large.py`."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx2
from tests.integration.api.control_plane import free_port

from benchmarks.large import APPS, BIG
from headway.sdk import Client, UnreachableError

_STARTS_WITHIN_S = 180
_MANY = httpx2.Limits(max_connections=1_000)


class Large(NamedTuple):
    """A large place that answers."""

    url: str
    token: str
    pid: int

    def client(self) -> httpx2.Client:
        """Give a client that may look at everything."""
        headers = {"authorization": f"Bearer {self.token}", "accept": "text/html"}
        return httpx2.Client(
            base_url=self.url, headers=headers, timeout=60, trust_env=False, limits=_MANY
        )


@contextmanager
def large() -> Iterator[Large]:
    """Give it when all of its containers run, and nothing is left to be done."""
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        words = [sys.executable, "-m", "benchmarks.large", name, str(port)]
        with subprocess.Popen(words) as server:
            try:
                yield _ready(folder, port, server)
            finally:
                server.terminate()


def _ready(folder: Path, port: int, server: "subprocess.Popen[bytes]") -> Large:
    until = time.monotonic() + _STARTS_WITHIN_S
    while time.monotonic() < until:
        if server.poll() is not None:
            break
        if (folder / "token").exists():
            found = Large(f"http://127.0.0.1:{port}", (folder / "token").read_text(), server.pid)
            if _all_run(found):
                return found
        time.sleep(0.5)
    raise SystemExit("the large place did not come up")


def _all_run(place: Large) -> bool:
    with Client(place.url, place.token.strip()) as client:
        try:
            members = client.environments.get(BIG).members
        except UnreachableError:
            return False
        held = sum(node.containers for node in client.nodes.all())
    return held >= APPS and all(one.healthy for one in members)
