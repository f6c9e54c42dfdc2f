"""An installation whose app has jobs, and what they append when they begin."""

import json
import os
import struct
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.e2e.installation import Installation, wait_for

from benchmarks.place import installation
from headway.sdk import Client

ENVIRONMENT = "bench"
CLIENTS = 16
_SOURCE = Path(__file__).with_name("jobs_app.py")
_MANIFEST = (
    "name: work\nrun: {type: process, command: sleep 1000000}\nscale: {web: 0}\n"
    "volumes:\n- {name: out, path: /out}\n"
    "queues:\n  shared: {fair_by: team}\n"
)
_LINE = struct.Struct("=ddq")


class Began(NamedTuple):
    """One line: when the call began, when the task's first line did, and its number."""

    sent: float
    began: float
    number: int

    @property
    def wait_ms(self) -> float:
        """How long it took from one to the other."""
        return 1000 * (self.began - self.sent)


class Lines:
    """The file that tasks append to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = 0

    def count(self) -> int:
        """Count those that are new since they were taken last."""
        return (os.path.getsize(self._path) - self._seen) // _LINE.size

    def take(self, count: int, within_s: float = 60) -> list[Began]:
        """Wait for so many new lines, and give them."""
        found = self.whole(count, within_s)
        assert len(found) == count, f"{len(found)} of {count} tasks began in time"
        return found

    def whole(self, count: int, patience_s: float) -> list[Began]:
        """Wait for so many new lines, or until none came for so long; gives what there is."""
        there, ends_at = 0, time.monotonic() + patience_s
        while there < count and time.monotonic() < ends_at:
            time.sleep(0.002 if there + 1 >= count else 0.02)
            now = self.count()
            if now > there:
                there, ends_at = now, time.monotonic() + patience_s
        with self._path.open("rb") as file:
            file.seek(self._seen)
            data = file.read(min(count, there) * _LINE.size)
        self._seen += len(data)
        return [Began(*row) for row in _LINE.iter_unpack(data)]


class Work:
    """Headway with the app deployed and its runner begun."""

    def __init__(self, place: Installation) -> None:
        self.place = place
        self.missing = 0
        """Runs that never began, where none may be missing."""
        self._folder = place.folder / "apps" / "work"
        self._folder.mkdir(parents=True)
        (self._folder / "jobs.py").write_text(_SOURCE.read_text())
        (self._folder / "headway.yaml").write_text(_MANIFEST)
        place.ok("start", "-e", ENVIRONMENT, cwd=self._folder)
        self.client = self.connect()
        self.warm_up()
        (path,) = place.data.glob("volumes/*/work/out/lines")
        self.lines = Lines(path)
        self.lines.take(self.lines.count())

    def connect(self) -> Client:
        """Give a client of its own; one is not to be shared between threads."""
        told = json.loads((self.place.data / "server.json").read_text())
        return Client(told["url"], (self.place.data / "token").read_text().strip())

    def warm_up(self) -> None:
        """Have the runner begin, and what runs share be there."""
        for job in ("clean", "reused", "reused"):
            run = self.client.jobs.invoke(ENVIRONMENT, job)
            ended = self.client.runs.wait(run, 60)
            assert ended.state == "succeeded", ended

    def send(self, client: Client, job: str, count: int, first: int = 0, **options: object) -> None:
        """Ask for runs in one request."""
        at = time.monotonic()
        runs = [
            {"parameters": {"sent": at, "number": first + number}, **options}
            for number in range(count)
        ]
        client.jobs.invoke_many(ENVIRONMENT, job, runs)

    def hold(self, queue: str, paused: bool = True) -> None:
        """Pause a queue, or let it go on."""
        self.client.queues.hold(ENVIRONMENT, "work", queue, paused=paused, reason="benchmark")

    def restart(self, between: Callable[[], None] = lambda: None) -> float:
        """End the control plane and bring it up again; gives the seconds that coming up took."""
        self.client.transport.close()
        self.place.down()
        between()
        at = time.monotonic()
        self.place.up()
        took = time.monotonic() - at
        self.client = self.connect()
        return took

    def latency(self, job: str, count: int, pause_s: float = 0.04) -> list[float]:
        """Enqueue one at a time while nothing else happens; gives milliseconds to its first line."""
        waits = []
        for number in range(count):
            time.sleep(pause_s)
            self.send(self.client, job, 1, number)
            waits += [row.wait_ms for row in self.lines.take(1)]
        return waits

    def throughput(self, job: str, count: int, batch: int) -> tuple[float, float]:
        """Enqueue by all clients while tasks begin; gives runs/s to the last start, and requests'."""
        at = time.monotonic()
        self.enqueue(job, count, batch)
        asked = time.monotonic() - at
        lines = self.lines.whole(count, patience_s=10)
        self.missing += count - len(lines)
        return len(lines) / (max(row.began for row in lines) - at), count / asked

    def enqueue(self, job: str, count: int, batch: int, clients: int = CLIENTS) -> float:
        """Enqueue by several clients at once; gives runs/s."""
        turns = iter(range(0, count, batch))
        lock = threading.Lock()
        failures: list[BaseException] = []

        def ask() -> None:
            try:
                with self.connect() as client:
                    while True:
                        with lock:
                            first = next(turns, None)
                        if first is None:
                            return
                        self.send(client, job, min(batch, count - first), first)
            except BaseException as error:  # noqa: BLE001 (raised below)
                failures.append(error)

        at = time.monotonic()
        threads = [threading.Thread(target=ask) for _ in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]
        return count / (time.monotonic() - at)

    def runner(self) -> int:
        """Give the process of the runner."""
        found = processes(f"runner.py {self.place.data}")
        assert len(found) == 1, found
        return found[0]


@contextmanager
def work() -> Iterator[Work]:
    """Give a headway whose jobs are ready, ended afterwards."""
    with installation() as place:
        made = Work(place)
        try:
            yield made
        finally:
            made.client.transport.close()


def processes(words: str) -> list[int]:
    """List the processes whose command line holds these words."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if words in line:
            found.append(int(entry.name))
    return found


def below(pid: int) -> list[int]:
    """List a process and all that descend from it."""
    found = [pid]
    for one in found:
        try:
            words = Path(f"/proc/{one}/task/{one}/children").read_text().split()
        except OSError:
            continue
        found += map(int, words)
    return found


def syncs(seconds: float = 0.4) -> float:
    """Count how often a second this disk makes 512 bytes durable: what every figure hangs on."""
    with tempfile.NamedTemporaryFile(buffering=0) as file:
        count, ends_at = 0, time.monotonic() + seconds
        while time.monotonic() < ends_at:
            file.write(bytes(512))
            os.fsync(file.fileno())
            count += 1
    return count / seconds


def mean(values: Sequence[float]) -> float:
    """Give the mean."""
    return sum(values) / len(values)


__all__ = ["CLIENTS", "ENVIRONMENT", "Lines", "Work", "wait_for", "work"]
