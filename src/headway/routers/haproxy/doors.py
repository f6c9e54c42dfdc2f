"""The listening sockets of the router, by port."""

import os
import socket
from collections.abc import Iterable, Mapping

from headway.machine.own_log import Log
from headway.routers.haproxy.listening import listen, listen_beside, take_back

_log = Log()


class Doors:
    """Opens, takes back, keeps and closes the sockets that HAProxy inherits."""

    def __init__(self, bind: str) -> None:
        self._bind = bind
        self._open: dict[int, socket.socket] = {}
        self._ours: set[int] = set()
        """Ports that a running HAProxy of ours listens on, though we lost the socket."""

    @property
    def descriptors(self) -> dict[int, int]:
        """Port to descriptor in this process."""
        return {port: opened.fileno() for port, opened in self._open.items()}

    @property
    def lost(self) -> frozenset[int]:
        """Ports whose sockets only HAProxy has: a connection is refused while that is dead."""
        return frozenset(self._ours - self._open.keys())

    def take_back(self, pidfd: int, sockets: Mapping[int, int]) -> None:
        """Get duplicates of the sockets of an adopted process, as far as the kernel allows."""
        for port, descriptor in sockets.items():
            self._ours.add(port)
            try:
                self._open[port] = take_back(pidfd, descriptor)
            except OSError as error:
                _log.warning(
                    "router.socket-not-taken-back",
                    port=port,
                    because=os.strerror(error.errno or 0),
                    effect="connections are refused for a moment should HAProxy die",
                )

    def require(self, ports: Iterable[int]) -> list[int]:
        """Open what is missing, and give the ports that were opened. All or nothing.

        Raises:
            RouterError: A port is taken or not allowed.
        """
        opened: list[int] = []
        try:
            for port in ports:
                if port not in self._open:
                    beside = port in self._ours
                    self._open[port] = (listen_beside if beside else listen)(self._bind, port)
                    opened.append(port)
        except BaseException:
            self.close(opened)
            raise
        return opened

    def close(self, ports: Iterable[int]) -> None:
        """Close our side of these ports."""
        for port in ports:
            self._ours.discard(port)
            if port in self._open:
                self._open.pop(port).close()

    def keep_only(self, ports: Iterable[int]) -> None:
        """Close all ports but these."""
        self.close((self._open.keys() | self._ours) - set(ports))

    def process_died(self) -> None:
        """Note that no process of ours holds a socket that we lost."""
        self._ours.clear()
