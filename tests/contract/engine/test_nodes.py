"""What every engine with several nodes promises: one node's trouble is its own."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from headway.engines.process.split import folder_of
from headway.model.ids import NodeId
from headway.model.node import Node, NodeState
from headway.ports.engine import Engine, EngineUnavailable
from headway.sim.engine import SimulatedEngine
from tests.contract.engine.conftest import opened
from tests.contract.engine.orders import DEADLINE_S, first, listed, order, until

# An agent outlives the engine that started it, on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")


class Several(NamedTuple):
    """An engine with three nodes, and what makes one of them silent."""

    engine: Engine
    go_away: Callable[[NodeId], None]
    come_back: Callable[[NodeId], None]


@pytest.fixture(params=["process", "simulated"])
async def several(request: pytest.FixtureRequest, data: Path) -> AsyncIterator[Several]:
    if request.param == "simulated":
        names = [NodeId(f"n{number}") for number in range(3)]
        simulated = SimulatedEngine([Node(id=name, cpu=1, memory_mib=512) for name in names])
        yield Several(simulated, simulated.go_away, simulated.come_back)
        return
    async for engine in opened(data, nodes=3, silent_s=1):
        nodes = [node.id for node in await engine.nodes()]
        stopped: set[int] = set()

        def stop(node: NodeId) -> None:
            pid = agent_of(data, nodes.index(node))  # noqa: B023 (the loop has one turn)
            os.kill(pid, signal.SIGSTOP)
            stopped.add(pid)  # noqa: B023

        def go_on(node: NodeId) -> None:
            os.kill(agent_of(data, nodes.index(node)), signal.SIGCONT)  # noqa: B023

        yield Several(engine, stop, go_on)
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
        for node in nodes:
            await listed(engine, node, NodeState.READY)


def agent_of(data: Path, index: int) -> int:
    return int((folder_of(data, index) / "agent.lock").read_text())


async def test_every_node_takes_containers_and_lists_its_own(several: Several) -> None:
    engine = several.engine
    nodes = [node.id for node in await engine.nodes()]
    assert len(set(nodes)) == 3
    wanted = {node: order("exec sleep 600") for node in nodes}
    for node, one in wanted.items():
        assert (await engine.start(one, node)).node == node
        assert (await engine.start(one, node)).node == node
    for node, one in wanted.items():
        facts = await listed(engine, node, NodeState.READY)
        assert [(fact.id, fact.node) for fact in facts] == [(one.id, node)]
    for one in wanted.values():
        await engine.stop(one.id, 5)
        assert (await until(engine, one.id, lambda fact: fact.exit is not None)).id == one.id


async def test_a_silent_node_is_lost_and_the_others_are_not_disturbed(several: Several) -> None:
    engine = several.engine
    one, two, _ = [node.id for node in await engine.nodes()]
    there = order("exec sleep 600")
    await engine.start(there, two)
    several.go_away(two)
    assert await listed(engine, two, NodeState.LOST) == ()
    states = {node.id: node.state for node in await engine.nodes()}
    assert states[two] is NodeState.LOST
    assert states[one] is NodeState.READY
    async with asyncio.timeout(DEADLINE_S):
        while True:
            try:
                await engine.stop(there.id, 0)
            except EngineUnavailable:
                break
    here = order("exec sleep 600")
    assert (await engine.start(here, one)).node == one
    assert {fact.id for fact in await first(engine)} == {here.id}
    several.come_back(two)
    (fact,) = await listed(engine, two, NodeState.READY)
    assert (fact.id, fact.exit) == (there.id, None)


async def test_each_node_is_measured_by_itself_and_a_lost_one_not_at_all(several: Several) -> None:
    engine = several.engine
    nodes = [node.id for node in await engine.nodes()]
    wanted = {node: order("exec sleep 600") for node in nodes}
    for node, one in wanted.items():
        await engine.start(one, node)
    read = {row.node: set(row.containers) for row in await engine.measure()}
    assert read == {node: {one.id} for node, one in wanted.items()}
    several.go_away(nodes[1])
    await listed(engine, nodes[1], NodeState.LOST)
    assert [row.node for row in await engine.measure()] == [nodes[0], nodes[2]]
    several.come_back(nodes[1])
    await listed(engine, nodes[1], NodeState.READY)
    assert [row.node for row in await engine.measure()] == nodes
