"""Ports that others on this machine have, of those that our containers were to have."""

import asyncio
from collections.abc import Callable, Iterable

import msgspec

from headway.engines.process.ports import is_free, who_has
from headway.model.node import ClosedPorts, Node

_LOOK_AGAIN_S = 2.0


class TakenPorts:
    """Told away with the node until they are free again, so that nobody is placed there in vain."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._who: dict[int, str] = {}

    def note(self, *ports: int) -> None:
        """Take over that somebody has these ports."""
        if not ports:
            return
        if not self._who:
            self._look_later()
        self._are(self._who | {port: who_has(port) for port in ports})

    def look_at(self, ports: Iterable[int]) -> None:
        """Find out which of these ports somebody has."""
        self.note(*(port for port in ports if not is_free(port)))

    def told(self, node: Node) -> Node:
        """Give a node as it is now."""
        taken = (
            ClosedPorts(first=port, last=port, by=who) for port, who in sorted(self._who.items())
        )
        return msgspec.structs.replace(node, closed_ports=(*node.closed_ports, *taken))

    def _look_later(self) -> None:
        asyncio.get_running_loop().call_later(_LOOK_AGAIN_S, self._look)

    def _look(self) -> None:
        self._are({port: who for port, who in self._who.items() if not is_free(port)})
        if self._who:
            self._look_later()

    def _are(self, who: dict[int, str]) -> None:
        if who != self._who:
            self._who = who
            self._changed()
