"""The way from a run's own network to the few ports of the node that it may reach.

The run's sockets listen in its network, and are handed out before its code begins. Nothing of this
costs anything until it first connects: then a process is forked that carries its connections.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import socket
from collections.abc import Callable

from headway.engines.process.runs.loop import Loop
from headway.engines.process.runs.relay import Relay
from headway.engines.process.shims import processes

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_OPEN_FILES = 1024
_libc = ctypes.CDLL(None, use_errno=True)


class Bridge:
    """One run's."""

    def __init__(
        self,
        loop: Loop,
        listeners: list[int],
        ports: tuple[int, ...],
        uid: int | None,
        begun: Callable[[int], None],
    ) -> None:
        """Take listening sockets over, one for each port.

        `begun` is told the pid of what carries.

        Raises:
            ValueError: They are something else. Who hands them out is not to be trusted.
        """
        self._loop, self._uid, self._begun = loop, uid, begun
        self._carrier = self._watch = 0
        self._listeners: dict[int, socket.socket] = {}
        found = _sockets(listeners)
        if len(found) != len(ports) or not all(map(_listens, found)):
            for one in found:
                one.close()
            raise ValueError("it handed out something else than what listens")
        self._listeners = dict(zip(ports, found, strict=True))
        for one in found:
            loop.add(one.fileno(), self._asked)

    def close(self) -> None:
        """End every connection."""
        self._let_go()
        if self._carrier:
            processes.kill(self._carrier)

    def _let_go(self) -> None:
        for one in self._listeners.values():
            self._loop.remove(one.fileno())
            one.close()
        self._listeners = {}

    def _asked(self) -> None:
        """Somebody connects, for the first time."""
        if not self._listeners:
            return
        supervisor = os.getpid()
        self._carrier = os.fork()
        if self._carrier == 0:
            try:
                self._carry(supervisor)
            finally:
                os._exit(1)
        self._watch = os.pidfd_open(self._carrier)
        self._loop.add(self._watch, self._ended)
        self._begun(self._carrier)
        self._let_go()

    def _ended(self) -> None:
        os.waitpid(self._carrier, 0)
        self._carrier = 0
        self._loop.remove(self._watch)
        os.close(self._watch)

    def _carry(self, supervisor: int) -> None:
        """Be the process that carries: nobody's, with nothing open but what listens."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if self._uid is not None:
            os.setgroups([])
            os.setresgid(self._uid, self._uid, self._uid)
            os.setresuid(self._uid, self._uid, self._uid)
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != supervisor:
            return
        _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        kept = {one.fileno() for one in self._listeners.values()}
        for name in os.listdir("/proc/self/fd"):
            if int(name) > 2 and int(name) not in kept:
                try:
                    os.close(int(name))
                except OSError:
                    pass
        resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))
        Relay(self._listeners).serve()


def _sockets(descriptors: list[int]) -> list[socket.socket]:
    """Take over those that are sockets, and close the others."""
    found = []
    for descriptor in descriptors:
        try:
            found.append(socket.socket(fileno=descriptor))
        except OSError:
            os.close(descriptor)
    return found


def _listens(one: socket.socket) -> bool:
    try:
        listens = bool(one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    except OSError:
        return False
    return listens and (one.family, one.type) == (socket.AF_INET, socket.SOCK_STREAM)
