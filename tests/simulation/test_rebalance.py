"""Nodes are emptied as proposed, and given back."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from headway.calculate.placement.promise import Promise
from headway.control import nodes
from headway.control.errors import Conflict
from headway.control.leases import claiming
from headway.control.pool import rebalancing
from headway.control.requests import LeaseRequest
from headway.model.container import Container, ContainerKind, ContainerState, Exit
from headway.model.demand import Demand
from headway.model.ids import ContainerId
from headway.model.lease import ClaimKind
from headway.model.pool_node import PoolNodeState
from headway.model.rebalance import Rebalancing, RebalancingState, StepState
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


async def two_nodes(place: PoolsWorld) -> tuple[str, str]:
    """Have a pool of two nodes, of which the second could be emptied."""
    await place.pool(nodes_min=2)
    await asyncio.sleep(120)
    full, spare = (node.id for node in place.nodes())
    await serve(place, full, 1, 1.5)
    await serve(place, spare, 2, 0.5)
    await place.pool(SMALL, nodes_min=0, idle_s=9000)
    return full, spare


async def leaves(place: PoolsWorld, slot: int) -> None:
    """Have a copy of a service end, as when it has moved."""
    row = await place.store.read(lambda tx: tx.get(Container, ContainerId(f"web-{slot}")))
    gone = msgspec.structs.replace(
        row, state=ContainerState.EXITED, exit=Exit(reason="moved", at=place.clock.now())
    )
    place.world.note(await place.store.write(lambda tx: tx.put(gone)))
    place.world.bell.observed(gone)


async def only(place: PoolsWorld) -> Rebalancing:
    (row,) = await rebalancing.listing(place.world)
    return row


def kinds(place: PoolsWorld) -> list[str]:
    return [row.kind for row in place.store.log if row.kind.startswith("rebalance.")]


def test_what_is_approved_is_carried_out_node_by_node_and_leaves_a_record():
    async def scenario(place: PoolsWorld) -> None:
        full, spare = await two_nodes(place)
        plan = await rebalancing.proposed(place.world)
        assert [(row.node, row.saves_hour) for row in plan.nodes] == [(spare, 0.1)]
        (move,) = plan.nodes[0].moves
        assert (move.what, move.target) == ("shop/web.2 in demo", full)
        with pytest.raises(Conflict, match="not worth it"):
            await rebalancing.approve(place.world, "ana", [full])
        row = await rebalancing.approve(place.world, "ana", [spare])
        with pytest.raises(Conflict, match="under way"):
            await rebalancing.approve(place.world, "ben", [spare])
        await asyncio.sleep(5)
        assert place.world.roster.holds[spare].owner == f"rebalance {row.id}"
        rows = {row.id: row.state for row in await place.rows()}
        assert rows[spare] is PoolNodeState.LEAVING
        assert [step.state for step in (await only(place)).steps] == [StepState.EMPTYING]
        await leaves(place, 2)
        await asyncio.sleep(60)
        row = await only(place)
        assert row.state is RebalancingState.FINISHED
        assert (row.steps[0].state, row.saved_hour) == (StepState.DONE, 0.1)
        assert [node.id for node in place.nodes()] == [full]
        told = ("approved", "emptying", "done", "finished")
        assert kinds(place) == [f"rebalance.{word}" for word in told]
        assert place.events("rebalance.approved")[0].actor == "ana"

    virtually(scenario)


@pytest.mark.parametrize("moments", [0.0, 0.5, 5.0])
def test_a_kill_at_any_moment_loses_nothing_that_was_approved(moments):
    async def scenario(place: PoolsWorld) -> None:
        full, spare = await two_nodes(place)
        await rebalancing.approve(place.world, "ana", [spare])
        await asyncio.sleep(moments)
        await place.down()
        await place.up()  # its engine knows nothing of the service, which is lost by that
        await asyncio.sleep(90)
        row = await only(place)
        assert (row.state, row.steps[0].state) == (RebalancingState.FINISHED, StepState.DONE)
        assert [node.id for node in place.nodes()] == [full]
        assert len(place.events("rebalance.emptying")) == 1

    virtually(scenario)


def test_cancelled_it_takes_back_the_node_that_is_being_emptied():
    async def scenario(place: PoolsWorld) -> None:
        full, spare = await two_nodes(place)
        row = await rebalancing.approve(place.world, "ana", [spare])
        await asyncio.sleep(5)
        assert [node.id for node in place.nodes()] == [full]
        row = await rebalancing.cancel(place.world, "ben", row.id)
        again = await rebalancing.cancel(place.world, "ben", row.id)
        assert again == row
        assert (row.state, row.steps[0].state) == (RebalancingState.CANCELLED, StepState.SKIPPED)
        assert row.steps[0].because == "cancelled by ben"
        await asyncio.sleep(60)
        assert [node.id for node in place.nodes()] == [full, spare]
        assert {row.state for row in await place.rows()} == {PoolNodeState.LENT}

    virtually(scenario)


def test_a_node_that_somebody_takes_back_is_skipped_and_stays_theirs():
    async def scenario(place: PoolsWorld) -> None:
        _, spare = await two_nodes(place)
        await rebalancing.approve(place.world, "ana", [spare])
        await asyncio.sleep(5)
        await nodes.drain(place.world, "ben", spare, None, "its disk is full")
        await asyncio.sleep(5)
        row = await only(place)
        assert (row.state, row.steps[0].because) == (
            RebalancingState.FINISHED,
            "ben has taken it back",
        )
        assert place.world.roster.holds[spare].by == "ben"

    virtually(scenario)


def test_a_node_that_is_not_empty_in_time_is_taken_back():
    async def scenario(place: PoolsWorld) -> None:
        full, spare = await two_nodes(place)
        await rebalancing.approve(place.world, "ana", [spare])
        await asyncio.sleep(2 * place.world.settings.drain_s - 30)
        assert (await only(place)).state is RebalancingState.RUNNING
        await asyncio.sleep(60)
        row = await only(place)
        assert (row.state, row.steps[0].state) == (RebalancingState.FINISHED, StepState.FAILED)
        assert "not empty after 20 minutes" in row.steps[0].because
        assert [node.id for node in place.nodes()] == [full, spare]

    virtually(scenario)


def test_a_node_that_its_pool_needs_after_all_is_taken_back():
    async def scenario(place: PoolsWorld) -> None:
        full, spare = await two_nodes(place)
        await rebalancing.approve(place.world, "ana", [spare])
        await asyncio.sleep(5)
        await place.works(1, runs_s=600)
        await asyncio.sleep(240)
        row = await only(place)
        assert (row.state, row.steps[0].state) == (RebalancingState.FINISHED, StepState.SKIPPED)
        assert "its pool needs it" in row.steps[0].because
        assert [node.id for node in place.nodes()] == [full, spare]
        assert place.provider.requested["small"] == 2

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


def test_room_that_is_kept_for_somebody_is_named_as_such():
    async def scenario(place: PoolsWorld) -> None:
        full, spare = await two_nodes(place)
        wish = LeaseRequest(kind=ClaimKind.CAPACITY, name="default", cpu=0.5, length_s=600)
        part = (await claiming.acquire(place.world, "ana", wish)).lease
        assert [share.node for share in part.shares] == [full]
        await asyncio.sleep(5)  # until everybody has looked: what nobody waits for is withdrawn
        place.world.fleet.promise(
            Promise(
                whom="demo/shop/large",
                node=spare,
                demands=(Demand(resources=Resources(cpu=1, memory_mib=64)),),
                awaited=frozenset(),
                until=place.clock.now() + timedelta(hours=1),
            )
        )
        left = (await rebalancing.proposed(place.world)).left
        assert f"{spare}: room kept for demo/shop/large cannot move" in left
        assert f"{full}: room kept under {part.id} cannot move" in left

    virtually(scenario)
