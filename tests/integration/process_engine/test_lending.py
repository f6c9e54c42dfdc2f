"""Nodes that this machine lends: real containers there, crashes, and nothing left over."""

from pathlib import Path

import msgspec
import pytest

from headway.engines.process import ledger
from headway.engines.process.engine import ProcessEngine
from headway.engines.process.place import alive
from headway.engines.process.provider import MachineProvider
from headway.engines.process.split import folder_of, read_split
from headway.machine.clock import SteadyClock
from headway.machine.files import is_locked
from headway.model.ids import NodeId, PoolName
from headway.model.machine import MachineState
from headway.model.node import NodeState
from headway.model.pool import NodeType
from headway.ports.engine import EngineError
from headway.ports.provider import NoCapacity
from tests.contract.engine.conftest import opened
from tests.contract.engine.orders import listed, order
from tests.contract.provider.test_provider import until

# An agent outlives the engine that started it, on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")

CI = PoolName("ci")
KIND = NodeType(
    name="slot", cpu=0.5, memory_mib=256, price_hour=0.25, tags={"disk": "ssd"}, start_s=1
)


async def lending(data: Path, engine: ProcessEngine) -> MachineProvider:
    made = MachineProvider(data, engine, clock=SteadyClock())
    await made.open()
    return made


async def test_a_lent_node_is_as_its_type_says_and_takes_containers(data: Path) -> None:
    async for engine in opened(data, lend=50):
        (own,) = await engine.nodes()
        lends = await lending(data, engine)
        row = await lends.request(NodeId("ci-1"), CI, KIND)
        assert await listed(engine, NodeId("ci-1"), NodeState.READY) == ()
        node = next(node for node in await engine.nodes() if node.id == "ci-1")
        assert (node.cpu, node.memory_mib, node.pool, node.type) == (0.5, 256, "ci", "slot")
        assert (node.price_hour, node.since) == (0.25, row.since)
        assert node.tags == {**own.tags, "disk": "ssd", "node": "ci-1", "pool": "ci"}
        wanted = order("exec sleep 600")
        fact = await engine.start(wanted, NodeId("ci-1"))
        assert fact.node == "ci-1"
        await lends.release(NodeId("ci-1"))
        await lends.settle()
        folder = folder_of(data, 16)
        assert not is_locked(folder / "agent.lock")
        assert alive(folder) == []
        assert await engine.nodes() == (own,)
        with pytest.raises(EngineError, match="no node ci-1"):
            await engine.start(order("true"), NodeId("ci-1"))
        assert [line async for line in engine.logs(wanted.id)] == []
        await engine.remove(wanted.id)


async def test_who_observes_hears_of_nodes_that_come_and_go(data: Path) -> None:
    async for engine in opened(data, lend=50):
        lends = await lending(data, engine)
        states = []
        async for heard in engine.observe():
            assert heard.node is not None
            states.append(heard.node.state)
            if heard.node.id != "ci-1":
                await lends.request(NodeId("ci-1"), CI, KIND)
            elif heard.node.state is NodeState.READY:
                await lends.release(NodeId("ci-1"))
            else:
                break
        assert states == [NodeState.READY, NodeState.READY, NodeState.LOST]
        await lends.settle()


async def test_after_a_crash_nodes_are_lent_on_and_those_that_were_to_end_end(data: Path) -> None:
    async for engine in opened(data, lend=50):
        lends = await lending(data, engine)
        for name in ("ci-1", "ci-2"):
            await lends.request(NodeId(name), CI, KIND)
            await until(lends, name, MachineState.RUNNING)
        stays, goes = order("exec sleep 600"), order("exec sleep 600")
        await engine.start(stays, NodeId("ci-1"))
        await engine.start(goes, NodeId("ci-2"))
        # As if it had died between what release writes down and what it does.
        book = ledger.read(data)
        row = book.find(NodeId("ci-2"))
        assert row is not None
        ledger.write(data, book.having(msgspec.structs.replace(row, is_ending=True)))

        second = ProcessEngine(data)
        await second.open()
        assert [node.id for node in await second.nodes() if node.type] == ["ci-1"]
        again = await lending(data, second)
        first = await again.request(NodeId("ci-1"), CI, KIND)
        assert first.since == (await lends.machines())[0].since
        await again.settle()
        assert [(one.id, one.state) for one in await again.machines()] == [
            ("ci-1", MachineState.RUNNING)
        ]
        assert [spool.id for spool in alive(folder_of(data, 16))] == [stays.id]
        assert alive(folder_of(data, 17)) == []
        await again.release(NodeId("ci-1"))
        await again.settle()
        await lends.close()
        await again.close()


async def test_what_is_lent_is_no_part_of_the_other_nodes(data: Path) -> None:
    async for engine in opened(data):
        (whole,) = await engine.nodes()
        lends = await lending(data, engine)
        with pytest.raises(NoCapacity, match="headway up -d --lend 50"):
            await lends.request(NodeId("ci-1"), CI, KIND)
        fewer = ProcessEngine(data, nodes=2, lend=60)
        await fewer.open()
        assert read_split(data).lend == 60
        nodes = await fewer.nodes()
        assert sum(node.cpu for node in nodes) == pytest.approx(0.4 * whole.cpu, abs=0.01)
        again = await lending(data, fewer)
        big = msgspec.structs.replace(KIND, cpu=0.35 * whole.cpu)
        await again.request(NodeId("ci-1"), CI, big)
        with pytest.raises(NoCapacity, match=r"slot has .* are left"):
            await again.request(NodeId("ci-2"), CI, big)
        await again.release(NodeId("ci-1"))
        await again.settle()
        await again.request(NodeId("ci-2"), CI, big)
        await again.release(NodeId("ci-2"))
        await again.settle()
        await fewer.close(stop=True)
