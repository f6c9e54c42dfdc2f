"""What a run writes: two pipes that are always read, and a log that is made at the first word."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from typing import Any

from headway.engines.process.runs.loop import Concerned, Loop
from headway.engines.process.shims import processes
from headway.engines.process.shims.log import Lines, Log, longest_of


@dataclass(frozen=True)
class Logs:
    """Where the logs of runs are, and what is left out of them."""

    folder: str
    secrets: dict[str, str]

    def of(self, run: str, attempt: int, limit: int) -> Log:
        """Give the log of an attempt."""
        folder = "%s/%s" % (self.folder, run[:5])
        os.makedirs(folder, mode=0o700, exist_ok=True)
        return Log(limit, self.secrets, "%s/%s.%d.log" % (folder, run, attempt))


def sizes_of(job: dict[str, Any]) -> tuple[int, int]:
    """Give how many bytes of an attempt's output are kept, and how many there may be."""
    return job["resources"]["log_mib"] << 20, job["output_mib"] << 20


class Output:
    """The output of one process."""

    def __init__(
        self, loop: Loop, logs: Logs, uid: int | None, before: Concerned, flooded: Concerned
    ) -> None:
        """Have `before` called before anything is read: it may turn to another attempt.

        `flooded` is called when an attempt has written more than it may.
        """
        self._loop = loop
        self._logs = logs
        self._log: Log | None = None
        self._attempt = ("", 0, 0)
        self._flooded = flooded
        self._room = 0
        self._longest = longest_of(logs.secrets)
        self._lines: dict[int, Lines] = {}
        self._names: dict[int, bytes] = {}
        self.ends: list[int] = []
        """What the process writes to, until it has them."""
        for name in (b"stdout", b"stderr"):
            read, write = os.pipe2(os.O_CLOEXEC)
            os.set_blocking(read, False)
            if uid is not None:
                os.fchown(write, uid, uid)  # /dev/stdout can be opened by its user only
            self._names[read] = name
            self.ends.append(write)
            loop.add(read, functools.partial(self._ready, read, before))

    def handed_over(self) -> None:
        """Close our copies of what the process writes to."""
        for descriptor in self.ends:
            os.close(descriptor)
        self.ends = []

    def turn_to(self, run: str, attempt: int, limit: int, most: int) -> None:
        """Keep what comes from now on as an attempt's: `limit` bytes of `most`."""
        self._end_log()
        self._attempt = (run, attempt, limit)
        self._room = most

    def drain(self) -> None:
        """Take everything that was written."""
        for descriptor in list(self._names):
            while self._take(descriptor):
                pass

    def note(self, text: str) -> None:
        """Add a line of our own."""
        self._write(b"headway", [(text.encode(errors="replace"), True)])

    def close(self) -> None:
        """Take what is left, and end."""
        self.drain()
        self.handed_over()
        self._end_log()
        for descriptor in list(self._names):
            self._forget(descriptor)

    def _ready(self, descriptor: int, before: Concerned) -> None:
        before()
        if descriptor in self._names:
            self._take(descriptor)

    def _take(self, descriptor: int) -> bool:
        """Take what is there; says whether there may be more."""
        data = processes.read(descriptor)
        if data:
            if not self._attempt[0]:
                return True  # nobody's: it was written by what nobody had begun
            if not self._has_room(len(data)):
                return True
            lines = self._lines.get(descriptor)
            if lines is None:
                lines = self._lines[descriptor] = Lines(self._longest)
            self._write(self._names[descriptor], lines.feed(data))
        elif data == b"":
            self._rest(descriptor)
            self._forget(descriptor)
        return bool(data)

    def _has_room(self, count: int) -> bool:
        """Count what was written; nothing is kept of what is too much."""
        fits = count <= self._room
        if not fits and self._room >= 0:
            self._room = -1
            self._flooded()
        elif fits:
            self._room -= count
        return fits

    def _rest(self, descriptor: int) -> None:
        lines = self._lines.get(descriptor)
        if lines is not None:
            self._write(self._names[descriptor], lines.rest())

    def _write(self, stream: bytes, lines: list[tuple[bytes, bool]]) -> None:
        if not lines:
            return
        try:
            if self._log is None:
                self._log = self._logs.of(*self._attempt)
            self._log.write(stream, lines)
        except OSError:
            pass  # the disk is full or broken: a run does not fail for its log

    def _end_log(self) -> None:
        for descriptor in self._names:
            self._rest(descriptor)
        self._lines.clear()
        if self._log is not None:
            self._log.close()
            self._log = None

    def _forget(self, descriptor: int) -> None:
        self._loop.remove(descriptor)
        del self._names[descriptor]
        os.close(descriptor)
