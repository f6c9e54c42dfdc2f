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
        self._looks_again = False

    def note(self, *ports: int) -> None:
        """Take over that somebody has these ports."""
        self._are(self._who | {port: who_has(port) for port in ports})

    def look_at(self, ports: Iterable[int]) -> None:
        """Find out which of these ports somebody has, and which nobody has any more."""
        free = {port: is_free(port) for port in ports}
        others = {port: who for port, who in self._who.items() if port not in free}
        taken = (port for port, is_so in free.items() if not is_so)
        self._are(others | {port: self._who.get(port) or who_has(port) for port in taken})

    def told(self, node: Node) -> Node:
        """Give a node as it is now."""
        taken = (
            ClosedPorts(first=port, last=port, by=who, is_for_now=True)
            for port, who in sorted(self._who.items())
        )
        return msgspec.structs.replace(node, closed_ports=(*node.closed_ports, *taken))

    def _look(self) -> None:
        self._looks_again = False
        self._are({port: who for port, who in self._who.items() if not is_free(port)})

    def _are(self, who: dict[int, str]) -> None:
        if who != self._who:
            self._who = who
            self._changed()
        if who and not self._looks_again:
            self._looks_again = True
            asyncio.get_running_loop().call_later(_LOOK_AGAIN_S, self._look)
