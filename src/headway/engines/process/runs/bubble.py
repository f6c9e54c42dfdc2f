"""A process in a sandbox that bubblewrap makes, and its end."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from typing import Any

from headway.engines.process.runs.loop import Loop
from headway.engines.process.shims import child, processes

_ASK_AGAIN_S = 0.02


class Bubble:
    """One sandbox, from its start to its end."""

    def __init__(
        self,
        loop: Loop,
        launch: dict[str, Any],
        variables: dict[str, str],
        streams: list[int],
        given: dict[int, int],
        ended: Callable[[int, float], None],
    ) -> None:
        """Start it; `ended` is called with its exit code, as shells write it, and its CPU time."""
        self._loop = loop
        self._ended = ended
        self._code: int | None = None
        self._heard = b""
        self._init = 0
        self._over = False
        self._told, tell = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        launch["supervisor"] = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            for number in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            child.begin(launch, {"variables": variables}, streams[0], streams[1], tell, given)
        os.close(tell)
        self._watch = os.pidfd_open(self._pid)
        loop.add(self._told, self._hear)
        loop.add(self._watch, self._collect)

    def terminate(self) -> None:
        """Send SIGTERM to the main process, as soon as there is one."""
        if not self._over and not processes.terminate(self._init):
            self._loop.after(_ASK_AGAIN_S, self.terminate)

    def kill(self) -> None:
        """End everything in it."""
        if not self._over:
            processes.kill(self._init, self._pid)

    def _hear(self) -> None:
        data = processes.read(self._told)
        if data == b"":
            self._loop.remove(self._told)
        *documents, self._heard = (self._heard + (data or b"")).split(b"\n")
        for document in documents:
            said = json.loads(document)
            self._init = said.get("child-pid", self._init)
            self._code = said.get("exit-code", self._code)

    def _collect(self) -> None:
        pid, status, used = os.wait4(self._pid, os.WNOHANG)
        if pid == 0:
            return
        self._hear()
        self._over = True
        for descriptor in (self._told, self._watch):
            self._loop.remove(descriptor)
            os.close(descriptor)
        code = os.waitstatus_to_exitcode(status) if self._code is None else self._code
        self._ended(code, used.ru_utime + used.ru_stime)
