"""This machine as several nodes: what each has, and what becomes of them over restarts."""

import os
from pathlib import Path

import pytest

from headway.engines.process.engine import ProcessEngine
from headway.engines.process.split import read_split
from headway.ports.engine import EngineError
from tests.contract.engine.conftest import opened
from tests.contract.engine.orders import ended, first, order
from tests.integration.process_engine import behind

# An agent outlives the engine that started it, on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")


async def test_nodes_share_the_machine_and_are_the_same_after_a_restart(data: Path) -> None:
    whole = await alone(data)
    async for engine in opened(data, nodes=3):
        nodes = await engine.nodes()
        assert [node.id for node in nodes] == [whole.id, f"{whole.id}-2", f"{whole.id}-3"]
        assert [node.tags["zone"] for node in nodes] == ["a", "b", "c"]
        assert all(node.tags["node"] == node.id for node in nodes)
        assert sum(node.cpu for node in nodes) == pytest.approx(whole.cpu, abs=0.01)
        assert sum(node.memory_mib for node in nodes) <= whole.memory_mib
        again = ProcessEngine(data)
        await again.open()
        assert await again.nodes() == nodes
    assert read_split(data).count == 3


async def alone(data: Path):
    async for engine in opened(data):
        (node,) = await engine.nodes()
        assert "zone" not in node.tags
    return node


async def test_a_node_goes_only_when_nothing_runs_there(data: Path) -> None:
    async for engine in opened(data, nodes=2):
        _, two = await engine.nodes()
        wanted = order("exec sleep 600")
        await engine.start(wanted, two.id)
        with pytest.raises(EngineError, match=rf"(?s){wanted.id}.*next: .*nodes drain {two.id}"):
            await ProcessEngine(data, nodes=1).open()
        assert read_split(data).count == 2
        await engine.stop(wanted.id, 0)
        await ended(engine, wanted.id)
        fewer = ProcessEngine(data, nodes=1)
        await fewer.open()
        assert len(await fewer.nodes()) == 1
        assert [line async for line in fewer.logs(wanted.id)] == []
        await fewer.remove(wanted.id)
        assert await first(fewer) == ()


async def test_an_agent_that_is_killed_is_never_told_away(data: Path) -> None:
    async for engine in opened(data, nodes=2):
        _, two = await engine.nodes()
        wanted = order("exec sleep 600")
        await engine.start(wanted, two.id)
        listings = 0
        async for heard in engine.observe():
            if heard.node is None or heard.node.id != two.id:
                continue
            assert heard.node == two
            assert [fact.id for fact in heard.facts] == [wanted.id]
            listings += 1
            if listings == 2:
                break
            behind.kill(int((data / "agents" / "2" / "agent.lock").read_text()))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives each app a user of its own")
async def test_an_app_has_one_user_on_all_nodes(data: Path) -> None:
    async for engine in opened(data, nodes=2):
        said = []
        for node in await engine.nodes():
            wanted = order("id -u")
            await engine.start(wanted, node.id)
            await ended(engine, wanted.id)
            said += [line.text async for line in engine.logs(wanted.id)]
        assert len(said) == 2
        assert len(set(said)) == 1
