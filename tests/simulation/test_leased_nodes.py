"""Nodes and capacity under a lease: whose work is placed there, and what ends with the lease."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from headway.control import nodes
from headway.control.errors import Conflict
from headway.control.leases import claiming, leases
from headway.control.leases.keeping import remember
from headway.control.leases.leasing import Leasing
from headway.control.queries.why import explain
from headway.control.requests import LeaseRequest
from headway.control.runs import invoking, runs
from headway.model.environment import Environment, EnvironmentState, Member
from headway.model.ids import EnvironmentId, LeaseId, NodeId
from headway.model.job import Delivery, Job, Retries
from headway.model.lease import ClaimKind, Lease, Tenure
from headway.model.node import Node
from headway.model.release import Release
from headway.model.resources import Resources
from headway.model.run import Run
from headway.model.view.lease import LeaseView
from headway.sim.engine import SimulatedEngine
from tests.simulation.conftest import APP, ENVIRONMENT, SMALL, Plane, wishing

MINE = EnvironmentId("mine~1")
AGAIN = Job(
    name="again",
    function="m:f",
    resources=SMALL,
    delivery=Delivery.AT_LEAST_ONCE,
    retries=Retries(most=2, delay_s=0.02),
)
WIDE = Job(name="wide", function="m:f", resources=Resources(cpu=1.5, memory_mib=32))


class LeasedPlane(Plane):
    """The loops of jobs, nodes and leases over a real store and two simulated nodes."""

    async def up(self) -> None:
        await super().up()
        await remember(self.world)
        self.leasing = Leasing(self.world)
        self._tasks.append(asyncio.create_task(self.leasing.run()))

    async def claim(self, kind: ClaimKind, name: str, **wish: Any) -> LeaseView:
        request = LeaseRequest(kind=kind, name=name, length_s=600, **wish)
        return await claiming.acquire(self.world, "me", request)

    async def lease(self, identity: LeaseId) -> Lease:
        return (await leases.one(self.world, identity)).lease

    async def start_under(self, identity: LeaseId) -> None:
        """Have the release of `demo` live in an environment under a lease, too."""
        now = datetime.now(UTC)

        def deed(tx):
            tx.put(
                Environment(
                    id=MINE,
                    lease=Tenure(holder="me", until=None),
                    under=identity,
                    created_at=now,
                    created_by="me",
                )
            )
            release = tx.get(Release, ENVIRONMENT, APP, 1)
            tx.put(msgspec.structs.replace(release, environment=MINE))
            tx.put(Member(environment=MINE, app=APP, live=1))

        await self.store.write(deed)
        await remember(self.world)
        self.world.bell.member((MINE, APP))

    async def run_in(self, environment: str, job: str, **wish: Any) -> Run:
        (made,) = await invoking.invoke(
            self.world, self.dispatch, "me", environment, job, (wishing(**wish),)
        )
        return made

    async def state_of(self, environment: EnvironmentId) -> EnvironmentState:
        row = await self.store.read(lambda reader: reader.get(Environment, environment))
        return row.state


async def come_true(holds: Callable[[], Any], within_s: float = 20) -> None:
    async with asyncio.timeout(within_s):
        while not await holds():
            await asyncio.sleep(0.01)


def where(row: Run) -> list[NodeId]:
    return [attempt.node for attempt in row.attempts]


@pytest.fixture
def engine() -> SimulatedEngine:
    return SimulatedEngine(
        [
            Node(id=NodeId("here"), cpu=4, memory_mib=4096),
            Node(id=NodeId("there"), cpu=4, memory_mib=4096),
        ]
    )


@pytest.fixture
async def plane(tmp_path, engine) -> AsyncIterator[LeasedPlane]:
    made = LeasedPlane(tmp_path, engine)
    await made.up()
    await made.release(AGAIN, WIDE)
    yield made
    await made.down()


async def cleared(plane: LeasedPlane, identity: LeaseId) -> bool:
    lease = await plane.lease(identity)
    return lease.is_clear and lease.claim.name not in plane.world.roster.holds


async def test_a_leased_node_takes_its_holders_work_only_and_nothing_else_ends_with_it(plane):
    before = await plane.ended(await plane.run_in("demo", "wide"))
    (node,) = where(before)  # that which is preferred when nothing speaks against it
    (other,) = {"here", "there"} - {node}
    view = await plane.claim(ClaimKind.NODE, node)
    identity = view.lease.id
    await come_true(lambda: cleared(plane, identity))
    for _ in range(3):
        row = await plane.ended(await plane.run_in("demo", "wide"))
        assert where(row) == [other]
    await plane.start_under(identity)
    for _ in range(3):
        row = await plane.ended(await plane.run_in("mine", "wide"))
        assert where(row) == [node]
    await claiming.release(plane.world, "me", identity)
    assert await plane.state_of(MINE) is EnvironmentState.ENDING
    assert await plane.state_of(ENVIRONMENT) is EnvironmentState.ACTIVE
    made = [await plane.run_in("demo", "wide", parameters={"sleep_s": 30}) for _ in range(3)]
    rows = [await plane.until(row, "running") for row in made]
    assert {node for row in rows for node in where(row)} == {"here", "there"}


async def test_what_others_run_on_a_node_ends_before_it_is_lent(plane):
    made = [await plane.run_in("demo", "again", parameters={"sleep_s": 0.5}) for _ in range(8)]
    rows = [await plane.until(row, "running") for row in made]
    (node,) = where(rows[0])
    view = await plane.claim(ClaimKind.NODE, node)
    await come_true(lambda: cleared(plane, view.lease.id))
    events = await plane.store.read(lambda reader: reader.events(subject=view.lease.id))
    (cleared_at,) = [event.at for event in events if event.kind == "lease.cleared"]
    for row in made:
        attempts = (await plane.ended(row)).attempts
        assert all(one.node != node or one.ended_at <= cleared_at for one in attempts)
    events = await plane.store.read(lambda reader: reader.events(subject=node))
    kinds = [event.kind for event in events]
    assert kinds == ["node.draining", "node.drained", "node.uncordoned"]


async def test_a_node_goes_back_to_everybody_when_its_lease_ends_before_it_is_empty(plane):
    busy = [await plane.run_in("demo", "wide", parameters={"sleep_s": 30}) for _ in range(3)]
    for row in busy:
        await plane.until(row, "running")
    view = await plane.claim(ClaimKind.NODE, "there")

    async def drains() -> bool:
        return NodeId("there") in plane.world.roster.holds

    async def is_back() -> bool:
        return NodeId("there") not in plane.world.roster.holds

    await come_true(drains)
    await claiming.release(plane.world, "me", view.lease.id)
    await come_true(is_back)
    for row in busy:
        await runs.cancel(plane.world, plane.dispatch, "me", row.id)


async def test_what_a_person_has_said_of_a_leased_node_is_said_to_its_holder(plane):
    await nodes.drain(plane.world, "ana", "there", because="new disk")
    view = await plane.claim(ClaimKind.NODE, "there")
    said = "nothing starts on there, not even under this lease: it is draining by ana"
    assert said in (await plane.lease(view.lease.id)).because
    assert said in (await explain(plane.world, plane.dispatch, view.lease.id)).because
    (listed,) = await leases.listing(plane.world, "there")
    assert "until headway nodes uncordon there" in listed.lease.because
    await nodes.uncordon(plane.world, "ana", "there")
    await come_true(lambda: cleared(plane, view.lease.id))
    assert said not in (await plane.lease(view.lease.id)).because


async def test_a_part_of_a_node_that_is_kept_is_not_all_of_it(plane):
    whole = (await plane.claim(ClaimKind.NODE, "there")).lease.id
    part = (await plane.claim(ClaimKind.CAPACITY, "default", cpu=1.0)).lease
    (share,) = part.shares
    await come_true(lambda: cleared(plane, whole))
    listed = await nodes.listing(plane.world, 100)
    said = {row.node.id: row.kept for row in listed.items}
    assert share.node == "here"
    assert said["here"] == (f"1 core and 0 MiB of it kept under {part.id}",)
    assert said["there"] == (f"kept under {whole}",)
    assert said["here"][0] in (await explain(plane.world, plane.dispatch, "here")).because


async def test_a_node_under_a_lease_stays_so_over_a_restart(plane):
    before = await plane.ended(await plane.run_in("demo", "wide"))
    (node,) = where(before)
    view = await plane.claim(ClaimKind.NODE, node)
    await come_true(lambda: cleared(plane, view.lease.id))
    await plane.start_under(view.lease.id)
    await plane.down()
    await plane.up()
    await come_true(lambda: cleared(plane, view.lease.id))
    assert where(await plane.ended(await plane.run_in("demo", "wide"))) != [node]
    assert where(await plane.ended(await plane.run_in("mine", "wide"))) == [node]


async def test_the_last_node_is_not_given_away(plane):
    await plane.claim(ClaimKind.NODE, "there")
    with pytest.raises(Conflict) as refused:
        await plane.claim(ClaimKind.NODE, "here")
    assert refused.value.code == "last-node"


async def test_nothing_of_others_is_placed_into_capacity_that_is_held(plane):
    view = await plane.claim(ClaimKind.CAPACITY, "default", cpu=6)
    await plane.start_under(view.lease.id)
    one = await plane.run_in("demo", "wide", parameters={"sleep_s": 30})
    await plane.until(one, "running")
    other = await plane.run_in("demo", "wide")
    mine = [await plane.run_in("mine", "wide", parameters={"sleep_s": 30}) for _ in range(2)]
    for row in mine:
        await plane.until(row, "running")
    assert (await runs.one(plane.world, other.id)).state == "queued"
    await claiming.release(plane.world, "me", view.lease.id)
    for row in (one, *mine):
        with suppress(Conflict):
            await runs.cancel(plane.world, plane.dispatch, "me", row.id)
    await plane.ended(other)


async def test_a_cordon_that_comes_while_a_node_is_lent_stays(plane, monkeypatch):
    async def remember_late(world) -> None:
        await nodes.cordon(world, "ana", "there", "its disk is full")
        await remember(world)

    monkeypatch.setattr("headway.control.leases.clearing.remember", remember_late)
    view = await plane.claim(ClaimKind.NODE, "there")

    async def is_clear() -> bool:
        return (await plane.lease(view.lease.id)).is_clear

    await come_true(is_clear)
    await claiming.release(plane.world, "me", view.lease.id)
    hold = plane.world.roster.holds[NodeId("there")]
    assert (hold.by, hold.because) == ("ana", "its disk is full")
