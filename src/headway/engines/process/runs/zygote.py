"""What holds the modules of warm jobs, seen from outside; and the processes that it makes."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from typing import Any, Protocol

from headway.engines.process.runs import verdict
from headway.engines.process.runs.bubble import Bubble
from headway.engines.process.runs.child import Child
from headway.engines.process.runs.loop import Loop
from headway.engines.process.runs.plan import Plan
from headway.engines.process.shims import processes
from headway.engines.process.shims.log import Lines, longest_of

_MESSAGE_BYTES = 1 << 20
_LAST_WORDS_BYTES = 16 * 1024
_CONTROL = 3
_NONSENSE = (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError)


class Owner(Protocol):
    """Who is told of a zygote."""

    def zygote_ready(self) -> None:
        """It can make processes."""

    def zygote_ended(self, failure: dict[str, Any]) -> None:
        """It is gone; the failure says why."""


class Zygote:
    """One network's holder of modules."""

    def __init__(
        self,
        loop: Loop,
        plan: Plan,
        network: str,
        jobs: list[dict[str, Any]],
        log: Callable[[bytes, list[tuple[bytes, bool]]], None],
        owner: Owner,
    ) -> None:
        self._loop = loop
        self._plan = plan
        self._owner = owner
        self._log = log
        self.is_ready = False
        self.is_over = False
        self._failure: dict[str, Any] | None = None
        self._last_words = b""
        self._children: dict[int, Child] = {}
        self._numbers = 0
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._line.setblocking(False)
        self._pipes: dict[int, tuple[bytes, Lines]] = {}
        longest = longest_of(plan.logs.secrets)
        ends = []
        for name in (b"stdout", b"stderr"):
            read, write = os.pipe2(os.O_CLOEXEC)
            os.set_blocking(read, False)
            self._pipes[read] = (name, Lines(longest))
            ends.append(write)
            loop.add(read, lambda read=read: self._read(read))  # type: ignore[misc]
        launch, given = plan.zygote(network), {_CONTROL: theirs.fileno()}
        self._bubble = Bubble(loop, launch, plan.variables, ends, given, self._ended)
        for descriptor in (*ends, theirs.detach()):
            os.close(descriptor)
        self._line.send(json.dumps({job["name"]: job["function"] for job in jobs}).encode())
        loop.add(self._line.fileno(), self._hear)

    def make(self, child: Child, asked: bytes, descriptors: list[int]) -> None:
        """Have a process made."""
        self._numbers += 1
        self._children[self._numbers] = child
        message = b'{"id":%d,%b' % (self._numbers, asked)
        try:
            socket.send_fds(self._line, [message], descriptors)
        except OSError:  # it is dying, or so busy that it will not be missed
            self._children.pop(self._numbers).collected(0, 0.0, 0, "its zygote does not listen")

    def late(self) -> None:
        """End it where it has imported nothing yet: all who wait for it would wait for ever."""
        if not self.is_ready and not self.is_over:
            said = "the jobs' modules were not imported within %g s" % self._plan.import_s
            self._failure = self._failed("TimeoutError", said)
            self.kill()

    def kill(self) -> None:
        """End it and every process that it made."""
        self._bubble.kill()

    def _hear(self) -> None:
        while not self.is_over:
            try:
                data = self._line.recv(_MESSAGE_BYTES)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self._loop.remove(self._line.fileno())
                return
            try:
                self._take(json.loads(data))
            except _NONSENSE as error:
                said = "the process that holds the jobs' modules told nonsense: %r" % error
                self._failure = {"type": "ImportError", "message": said}
                self.kill()

    def _take(self, said: dict[str, Any]) -> None:
        if "ready" in said:
            self.is_ready = True
            self._owner.zygote_ready()
        elif "failed" in said:
            self._failure = dict(said["failed"])
        elif "ended" in said:
            child = self._children.get(said["ended"])
            if child is not None:
                child.collected(
                    os.waitstatus_to_exitcode(said["status"]),
                    verdict.plain(said.get("cpu_s", 0.0)),
                    verdict.plain(said.get("peak_kib", 0)),
                    str(said.get("because", "")),
                )
                del self._children[said["ended"]]

    def _read(self, descriptor: int) -> None:
        data = processes.read(descriptor)
        name, lines = self._pipes[descriptor]
        if data:
            self._last_words = (self._last_words + data)[-_LAST_WORDS_BYTES:]
            self._log(name, lines.feed(data))
        elif data == b"":
            self._log(name, lines.rest())
            self._loop.remove(descriptor)

    def _ended(self, code: int, _: float) -> None:
        self._hear()
        self.is_over, self.is_ready = True, False
        for descriptor in self._pipes:
            self._read(descriptor)
            self._loop.remove(descriptor)
            os.close(descriptor)
        self._loop.remove(self._line.fileno())
        self._line.close()
        children, self._children = list(self._children.values()), {}
        for child in children:
            child.orphaned()
        self._owner.zygote_ended(self._failure or self._described(code))

    def _described(self, code: int) -> dict[str, Any]:
        status, number = processes.end_of(code)
        how = "exit status %s" % status if number is None else "signal %s" % int(number)
        said = "the process that holds the jobs' modules ended: %s" % how
        return self._failed("ImportError", said)

    def _failed(self, kind: str, said: str) -> dict[str, Any]:
        last = self._last_words.decode(errors="replace")
        return {"type": kind, "message": said, "traceback": last}
