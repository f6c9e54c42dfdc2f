"""Who has the ports that a plan counts on: nodes are asked before anybody leaves for them."""

import asyncio
from collections.abc import Iterable

from headway.control.world import World
from headway.model.ids import NodeId
from headway.model.node import NodeState
from headway.model.plan import MachinePort
from headway.ports.engine import EngineError

_ANSWER_S = 2.0
"""How long a node may take to answer. One that does not says who has a port when it starts it."""


class PortsAsked:
    """Those about which nodes were asked for one decision."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._asked: set[MachinePort] = set()

    async def about(self, ports: Iterable[MachinePort]) -> bool:
        """Have placement go by who has these ports now; says whether anybody had to be asked.

        What a container of ours has is not asked about: no stranger has it as well.
        """
        news = {*ports} - self._asked
        self._asked |= news
        of_nodes: dict[NodeId, list[int]] = {}
        for node, port in sorted(news):
            is_mute = self._world.roster.is_mute(node, self._world.clock.now())
            if not (is_mute or self._world.fleet.has_port(node, port)):
                of_nodes.setdefault(node, []).append(port)
        await asyncio.gather(*(self._look(*row) for row in of_nodes.items()))
        return bool(of_nodes)

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
