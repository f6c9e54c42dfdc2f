"""Capacity that is claimed ahead of time, over a real store."""

from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest

from headway.control.errors import Conflict, Invalid, NotFound
from headway.model.container import Container, ContainerKind, ContainerState
from headway.model.ids import AppName, ContainerId, EnvironmentId, NodeId
from headway.model.lease import ClaimKind
from headway.model.node import NodeState
from headway.model.resources import Resources
from tests.simulation.leases_world import BEGAN, LeasesWorld

HOUR = 3600.0


@pytest.fixture
async def own(tmp_path) -> AsyncIterator[LeasesWorld]:
    made = LeasesWorld(tmp_path)
    await made.up()
    made.nodes(a=4, b=4)
    yield made
    await made.down()


async def runs_on(own: LeasesWorld, node: str, cpu: float, kind: ContainerKind) -> None:
    row = Container(
        id=ContainerId(f"shop-{kind}"),
        environment=EnvironmentId("demo~1"),
        app=AppName("shop"),
        kind=kind,
        process="web",
        release=1,
        state=ContainerState.HEALTHY,
        node=NodeId(node),
        resources=Resources(cpu=cpu, memory_mib=64),
        created_at=own.clock.at,
    )
    await own.store.write(lambda tx: tx.put(row))


async def test_it_is_booked_then_held_from_its_time_until_its_end(own):
    view = await own.book("ana", 6, begins_s=2 * HOUR)
    assert (view.lease.state.value, view.lease.until) == ("booked", BEGAN + timedelta(hours=3))
    assert [(share.node, share.cpu) for share in view.lease.shares] == [("a", 4.0), ("b", 2.0)]
    assert own.world.fleet.reserved(NodeId("a")).cpu == 0
    assert await own.after(HOUR - 1) == BEGAN + timedelta(hours=1)
    assert await own.after(1) == BEGAN + timedelta(hours=2)
    assert own.world.fleet.reserved(NodeId("a")).cpu == 4
    assert await own.after(HOUR - 1) == BEGAN + timedelta(hours=2)
    assert await own.states("ana") == ["booked"]
    await own.after(1)
    assert (await own.one("ana")).lease.fence == 1
    await own.environment("batch", under="ana")
    await own.after(1800)
    assert [event.kind for event in await own.events("ana")][-1] == "lease.warning"
    await own.after(1800)
    assert await own.states("ana") == ["ended"]
    assert await own.active() == set()


async def test_without_a_beginning_it_is_held_at_once(own):
    assert (await own.book("ana", 8)).lease.state.value == "held"


async def test_no_window_is_promised_twice_and_the_refusal_says_what_is_free_when(own):
    await own.book("ana", 6, begins_s=2 * HOUR)
    with pytest.raises(Conflict) as refused:
        await own.book("ben", 3, begins_s=2.5 * HOUR)
    assert refused.value.code == "no-capacity"
    assert "pool default has room for 2 cores of 3 cores" in refused.value.because
    assert refused.value.hint == "there is room from 2026-11-21 12:00 UTC on"
    assert (await own.book("ben", 2, begins_s=2.5 * HOUR)).lease.state.value == "booked"
    assert (await own.book("cleo", 8, begins_s=4 * HOUR)).lease.state.value == "booked"


async def test_nothing_is_promised_on_a_node_that_was_given_up(own):
    lost = msgspec.structs.replace(own.world.roster.node(NodeId("b")), state=NodeState.LOST)
    own.world.roster.heard(lost, BEGAN)
    assert (await own.book("ana", 6, begins_s=HOUR)).lease.shares[-1].node == "b"
    await own.release("ana")
    own.world.roster.give_up(NodeId("b"))
    with pytest.raises(Conflict, match="room for 4 cores of 6 cores"):
        await own.book("ben", 6, begins_s=HOUR)
    own.world.roster.heard(msgspec.structs.replace(lost, state=NodeState.READY), BEGAN)
    assert (await own.book("ben", 6, begins_s=HOUR)).lease.state.value == "booked"


async def test_what_is_released_is_free_for_others(own):
    await own.book("ana", 8, begins_s=HOUR)
    await own.release("ana")
    assert (await own.book("ben", 8, begins_s=HOUR)).lease.state.value == "booked"


async def test_services_are_in_the_way_for_ever_and_runs_only_soon(own):
    await runs_on(own, "a", 2, ContainerKind.RUNNER)
    with pytest.raises(Conflict):
        await own.book("ana", 8, begins_s=HOUR)
    assert (await own.book("ana", 8, begins_s=1.5 * HOUR)).lease.state.value == "booked"
    await own.release("ana")
    await runs_on(own, "a", 2, ContainerKind.SERVICE)
    with pytest.raises(Conflict) as refused:
        await own.book("ben", 8, begins_s=24 * HOUR)
    assert refused.value.hint == "ask for less"


async def test_it_is_kept_for_longer_only_where_nobody_comes_after(own):
    await own.book("ana", 4)
    await own.book("ben", 6, begins_s=1.5 * HOUR)
    assert (await own.renew("ana", length_s=1.5 * HOUR)).lease.until == BEGAN + timedelta(hours=1.5)
    with pytest.raises(Conflict) as refused:
        await own.renew("ana", length_s=2 * HOUR)
    assert "cannot be kept for longer on a" in refused.value.because
    with pytest.raises(Conflict) as refused:
        await own.renew("ben")
    assert refused.value.code == "lease-booked"


@pytest.mark.parametrize(
    ("wish", "error"),
    [
        ({"cpu": 0}, Invalid),
        ({"cpu": -1}, Invalid),
        ({"cpu": 1, "begins_s": -3600}, Invalid),
        ({"cpu": 1, "begins_s": 31 * 24 * HOUR}, Invalid),
        ({"cpu": 1, "length_s": 0.1}, Invalid),
        ({"cpu": 9}, Conflict),
        ({"cpu": 1, "memory_mib": 10**6}, Conflict),
    ],
)
async def test_what_cannot_be_is_refused(own, wish, error):
    with pytest.raises(error):
        await own.book("ana", **wish)


async def test_a_pool_without_nodes_is_not_known(own):
    with pytest.raises(NotFound) as refused:
        await own.ask("ana", "gpu", kind=ClaimKind.CAPACITY, cpu=1)
    assert refused.value.hint == "there are default"
