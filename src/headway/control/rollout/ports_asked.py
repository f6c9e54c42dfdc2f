"""Who has the ports that a plan counts on: nodes are asked before anybody leaves for them."""

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta

from headway.control.world import World
from headway.model.ids import NodeId
from headway.model.node import NodeState
from headway.model.plan import MachinePort
from headway.ports.engine import EngineError

_ANSWER_S = 2.0
"""How long a node may take to answer. One that does not says who has a port when it starts it."""


_WAIT_S, _WAIT_MAX_S = 1.0, 16.0
"""Between two questions whether a stranger has given a port back: at first, and at most."""


class Patience:
    """When nodes are asked again about ports that strangers have: ever later, within bounds."""

    def __init__(self, of: object = None) -> None:
        self.of = of
        """For whom. Another begins anew."""
        self._waits: dict[MachinePort, tuple[float, datetime]] = {}

    def is_over(self, port: MachinePort, now: datetime) -> bool:
        """Say whether it is time."""
        known = self._waits.get(port)
        return known is None or known[1] <= now

    def note(self, port: MachinePort, now: datetime) -> None:
        """Note that it is asked about now."""
        known = self._waits.get(port)
        wait_s = min(_WAIT_MAX_S, 2 * known[0]) if known else _WAIT_S
        self._waits[port] = wait_s, now + timedelta(seconds=wait_s)


class PortsAsked:
    """Those about which nodes were asked for one decision."""

    def __init__(self, world: World, patience: Patience | None = None) -> None:
        """Ask about what is known to be taken when patience says so; without it, at once."""
        self._world = world
        self._patience = patience
        self._asked: set[MachinePort] = set()

    async def about(self, ports: Iterable[MachinePort]) -> bool:
        """Have placement go by who has these ports now; says whether anybody had to be asked.

        What a container of ours has is not asked about: no stranger has it as well.
        """
        news = {port for port in {*ports} - self._asked if self._is_time(port)}
        self._asked |= news
        of_nodes: dict[NodeId, list[int]] = {}
        for node, port in sorted(news):
            is_mute = self._world.roster.is_mute(node, self._world.clock.now())
            if not (is_mute or self._world.fleet.has_port(node, port)):
                of_nodes.setdefault(node, []).append(port)
        await asyncio.gather(*(self._look(*row) for row in of_nodes.items()))
        return bool(of_nodes)

    def _is_time(self, port: MachinePort) -> bool:
        patience, now = self._patience, self._world.clock.now()
        if patience is None:
            return True
        node = self._world.roster.node(port.node)
        is_taken = node is not None and node.closed((port.port,)) is not None
        if is_taken and not patience.is_over(port, now):
            return False
        patience.note(port, now)
        return True

    async def _look(self, node: NodeId, ports: list[int]) -> None:
        world = self._world
        try:
            async with asyncio.timeout(_ANSWER_S):
                found = await world.engine.look_at_ports(node, ports)
        except TimeoutError:
            world.roster.unanswered(node, world.clock.now())
            return
        except EngineError:
            return
        known = world.roster.node(node)
        if known is None or known.state is NodeState.LOST:  # it went meanwhile
            return
        if world.roster.heard(found, world.clock.now()):
            world.bell.node()
