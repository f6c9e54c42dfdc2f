"""Nodes that are taken out of use, and what then becomes of what runs there."""

import asyncio

import pytest

from headway.control import nodes, runs
from headway.control.errors import Invalid, NotFound
from headway.model.job import Job
from headway.model.node import NodeState
from tests.simulation.conftest import SMALL, wishing

ONCE = Job(name="once", function="m:f", resources=SMALL)


async def until(holds, within_s: float = 20) -> None:
    async with asyncio.timeout(within_s):
        while not await holds():
            await asyncio.sleep(0.01)


async def kinds(plane, subject: str) -> list[str]:
    return [
        row.kind for row in await plane.store.read(lambda reader: reader.events(subject=subject))
    ]


async def test_what_is_said_of_a_node_is_said_once_and_outlives_the_control_plane(plane):
    first = await nodes.cordon(plane.world, "ana", "here", "new disk")
    again = await nodes.cordon(plane.world, "bob", "here", "me too")
    assert first == again
    assert first.node.state is NodeState.CORDONED
    drained = await nodes.drain(plane.world, "ana", "here", 60, "new disk")
    assert (await nodes.drain(plane.world, "ana", "here", 60)).hold.until == drained.hold.until
    longer = await nodes.drain(plane.world, "ana", "here", 3600)
    assert longer.hold.until > drained.hold.until
    await plane.down()
    await plane.up()
    (node,) = plane.world.nodes
    assert node.state is NodeState.DRAINING
    await nodes.uncordon(plane.world, "ana", "here")
    (row,) = [(await nodes.uncordon(plane.world, "ana", "here")).node]
    assert row.state is NodeState.READY
    said = [kind for kind in await kinds(plane, "here") if kind != "node.drained"]
    assert said == ["node.cordoned", "node.draining", "node.draining", "node.uncordoned"]


async def test_what_makes_no_sense_is_refused(plane):
    with pytest.raises(NotFound):
        await nodes.drain(plane.world, "ana", "elsewhere")
    with pytest.raises(Invalid):
        await nodes.drain(plane.world, "ana", "here", -1)


async def test_a_cordoned_node_takes_no_runs_and_says_so(plane):
    await plane.release(ONCE)
    await nodes.cordon(plane.world, "ana", "here")
    (run,) = await plane.invoke("once", wishing())
    row = await runs.one(plane.world, run.id)
    assert row.state == "queued"
    await nodes.uncordon(plane.world, "ana", "here")
    assert (await plane.ended(run)).state == "succeeded"
