"""A whole control plane in a thread: real store, engine, router, loops and server."""

import asyncio
import contextlib
import io
import socket
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2

from headway.serve.clearing import clear
from headway.serve.installation import Options
from headway.serve.plane import run

CHAT = """\
name: chat
run: {type: process, command: 'echo one; echo two; echo three; exec sleep 600'}
"""


class ControlPlane:
    """What `headway up` runs, without the command line."""

    def __init__(self, data: Path, port: int | None = None) -> None:
        self.data = data
        self.port, self.http_port = port or free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="control plane", daemon=True)

    @property
    def token(self) -> str:
        return (self.data / "token").read_text().strip()

    def start(self) -> None:
        self.data.mkdir(mode=0o711, parents=True, exist_ok=True)
        self._thread.start()
        wait_for(self._answers)

    def run_to_its_end(self) -> None:
        """Run in this thread, for a control plane that is refused."""
        self.data.mkdir(mode=0o711, parents=True, exist_ok=True)
        asyncio.run(self._serve())

    def stop(self) -> None:
        """End the server and its loops, as SIGTERM does; what they started is left running."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(20)
            assert not self._thread.is_alive(), "the control plane did not stop"

    def clear(self) -> None:
        """End what is left running: containers, agent, router."""
        self.stop()
        self.clear_leftovers()

    def clear_leftovers(self) -> None:
        asyncio.run(clear(self.data))

    def client(self, **options) -> httpx2.Client:
        """What an operator asks with."""
        return self.anyone(headers={"authorization": f"Bearer {self.token}"}, **options)

    def anyone(self, **options) -> httpx2.Client:
        """What somebody asks with who has what these headers give, and no more."""
        # Reading the machine's certificates takes 40 ms, for nothing where there is no TLS.
        return httpx2.Client(
            base_url=self.url, timeout=20, trust_env=False, verify=False, **options
        )

    def count_tasks(self, name: str) -> int:
        """Count the tasks of the server whose coroutine has this name."""

        async def count() -> int:
            return sum(name in repr(task.get_coro()) for task in asyncio.all_tasks())

        return asyncio.run_coroutine_threadsafe(count(), self._loop).result(5)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._failure = error
            raise

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        options = Options(data=self.data, port=self.port, http_port=self.http_port)
        await run(options, self._stop)

    def _answers(self) -> bool:
        assert self._failure is None, self._failure
        with contextlib.suppress(httpx2.TransportError), self.anyone() as client:
            return client.get("/healthz").status_code == 200
        return False


def archive(**files: str) -> bytes:
    """Pack a source as the SDK does; `__` in a name stands for the dot."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name.replace("__", "."))
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()


def bring_up_chat(plane: ControlPlane) -> str:
    """Start an app that writes three lines and stays, and give its container's id."""
    with plane.client() as client:
        sent = client.post("/v1/sources?name=chat", content=archive(headway__yaml=CHAT))
        assert sent.status_code == 200, sent.text
        begun = client.post("/v1/environments/demo/start", json={"apps": ["chat"]})
        assert begun.status_code == 200, begun.text
        member = "/v1/environments/demo/apps/chat"
        wait_for(lambda: client.get(member).json()["state"] == "healthy")
        (row,) = client.get("/v1/environments/demo/containers").json()
        return str(row["id"])


@contextlib.contextmanager
def connected(port: int, timeout: float = 10) -> Iterator[socket.socket]:
    """A bare connection, for what no client library would send."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as raw:
        yield raw


def read_answer(raw: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Read one answer up to the end of its declared length, and nothing of the next one."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = raw.recv(1)
        assert byte, f"closed after {head!r}"
        head += byte
    first, *rest = head.decode("latin-1").strip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest)}
    length = int(headers.get("content-length", 0))
    body = b""
    while len(body) < length:
        part = raw.recv(length - len(body))
        assert part, f"closed after {body!r}"
        body += part
    return int(first.split()[1]), headers, body


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(holds: Callable[[], object], within_s: float = 20) -> None:
    ends_at = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < ends_at, "it did not come true in time"
        time.sleep(0.01)
