"""Nodes are emptied as proposed, and given back."""

import asyncio

import pytest

from headway.control import rebalancing
from headway.control.errors import Conflict
from headway.model.container import Container, ContainerKind, ContainerState
from headway.model.ids import ContainerId
from headway.model.node import NodeState
from headway.model.pool_node import PoolNodeState
from headway.model.resources import Resources
from tests.simulation.conftest import APP, ENVIRONMENT
from tests.simulation.pools_world import SMALL, PoolsWorld, virtually


async def serve(place: PoolsWorld, node: str, slot: int, cpu: float) -> None:
    """Have a copy of a service stand on a node."""
    row = Container(
        id=ContainerId(f"web-{slot}"),
        environment=ENVIRONMENT,
        app=APP,
        kind=ContainerKind.SERVICE,
        process="web",
        release=1,
        slot=slot,
        node=node,
        state=ContainerState.HEALTHY,
        because="a test",
        resources=Resources(cpu=cpu, memory_mib=64),
        created_at=place.clock.now(),
    )
    place.world.note(await place.store.write(lambda tx: tx.put(row)))


def test_the_proposal_names_moves_and_savings_and_is_carried_out_node_by_node():
    async def scenario(place: PoolsWorld) -> None:
        await place.pool(nodes_min=2)
        await asyncio.sleep(120)
        full, spare = (node.id for node in place.nodes())
        await serve(place, full, 1, 1.5)
        await serve(place, spare, 2, 0.5)
        await place.pool(SMALL, nodes_min=0, idle_s=9000)
        plan = await rebalancing.proposed(place.world)
        assert [(row.node, row.saves_hour) for row in plan.nodes] == [(spare, 0.1)]
        (move,) = plan.nodes[0].moves
        assert (move.what, move.target) == ("shop/web.2 in demo", full)
        with pytest.raises(Conflict, match="not worth it"):
            await rebalancing.begin(place.world, "ana", full)
        view = await rebalancing.begin(place.world, "ana", spare)
        assert view.node.state is NodeState.DRAINING
        rows = {row.id: row.state for row in await place.rows()}
        assert rows[spare] is PoolNodeState.LEAVING

    virtually(scenario)


def test_a_node_with_a_run_stays():
    async def scenario(place: PoolsWorld) -> None:
        await place.pool(nodes_min=1)
        await place.works(1, runs_s=3000)
        await asyncio.sleep(120)
        plan = await rebalancing.proposed(place.world)
        assert plan.nodes == ()
        assert "cannot move" in plan.left[0]

    virtually(scenario)
