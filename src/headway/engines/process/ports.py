"""Ports of this machine for containers that expose something."""

import socket
import zlib
from collections.abc import Collection, Mapping, Sequence

from headway.machine.listening import held_by
from headway.ports.engine import EngineError

FIRST, LAST = 20_000, 29_999
"""Below the range from which the kernel gives ports to outgoing connections."""
_APART = 600
"""Between the first ports of two agents of one installation."""


class PortTaken(EngineError):
    """Somebody else on this machine has a port that a container must have."""

    def __init__(self, port: int) -> None:
        super().__init__(f"port {port} is taken on this machine by {who_has(port)}")
        self.port = port


class Ports:
    """Gives free ports in turn, so that one just let go is not given again at once."""

    def __init__(self, owner: str, index: int = 0) -> None:
        # Two agents on one machine begin in different places, so that they seldom meet.
        start = zlib.crc32(owner.encode()) + index * _APART
        self._next = FIRST + start % (LAST - FIRST + 1)

    def give(
        self, names: Sequence[str], fixed: Mapping[str, int], taken: Collection[int]
    ) -> dict[str, int]:
        """Give each name a port: that which it must have, or any that is free.

        Raises:
            PortTaken: Somebody else has one of those.
            EngineError: All are taken.
        """
        for port in fixed.values():
            if port in taken or not is_free(port):
                raise PortTaken(port)
        free = iter(self.pick(len(names) - len(fixed), taken))
        return {name: fixed[name] if name in fixed else next(free) for name in names}

    def pick(self, count: int, taken: Collection[int]) -> list[int]:
        """Give ports that no live container has and nobody listens on.

        Raises:
            EngineError: All are taken.
        """
        found: list[int] = []
        for _ in range(LAST - FIRST + 1):
            if len(found) == count:
                return found
            port = self._next
            self._next = FIRST if port == LAST else port + 1
            if port not in taken and is_free(port):
                found.append(port)
        if len(found) == count:
            return found
        raise EngineError(f"all ports from {FIRST} to {LAST} are taken")


def who_has(port: int) -> str:
    """Name who listens on a port."""
    return held_by(port) or "a process of another user"


def is_free(port: int) -> bool:
    """Say whether nobody listens on a port, on any address."""
    for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                probe.bind((address, port))
        except OSError as error:
            if family == socket.AF_INET or error.errno == 98:
                return False
    return True
