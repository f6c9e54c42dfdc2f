"""What of the queued runs is held in memory, while it changes as more is read of it."""

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from headway.control.lanes import Lanes, entry_of
from headway.model.run import Run, RunState, lane_of
from headway.sim.store import MemoryStore
from tests.simulation.conftest import APP, ENVIRONMENT

COUNT = 600


def _run(number: int) -> Run:
    return Run(
        id=f"{number:08d}",
        environment=ENVIRONMENT,
        app=APP,
        job="once",
        queue="default",
        state=RunState.QUEUED,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        created_by="me",
    )


@pytest.fixture
async def rows() -> list[Run]:
    return [_run(number) for number in range(COUNT)]


@pytest.fixture
async def lanes(rows) -> Lanes:
    world: Any = SimpleNamespace(store=MemoryStore())
    await world.store.write(lambda tx: [tx.put(row) for row in rows])
    made = Lanes(world)
    await made.open()
    return made


async def _while_it_is_filled(lanes: Lanes, *starting: str) -> "asyncio.Task[None]":
    filling = asyncio.create_task(lanes.fill(starting))
    await asyncio.sleep(0)
    assert not filling.done()
    return filling


def _held(lanes: Lanes, row: Run) -> list[str]:
    return [entry.run for entry in lanes.lanes()[lane_of(row)]]


async def test_what_starts_while_a_lane_is_read_does_not_start_again(lanes, rows):
    filling = await _while_it_is_filled(lanes)
    lanes.take(lane_of(rows[0]), rows[0].id)
    await filling
    assert _held(lanes, rows[0])[0] == rows[1].id
    assert lanes.depth(lane_of(rows[0]).line) == COUNT - 1


async def test_what_could_not_start_while_a_lane_was_read_is_queued_still(lanes, rows):
    lane = lane_of(rows[0])
    lanes.take(lane, rows[0].id)
    filling = await _while_it_is_filled(lanes, rows[0].id)
    lanes.put_back(lane, entry_of(rows[0]))
    await filling
    assert _held(lanes, rows[0])[0] == rows[0].id
    assert lanes.depth(lane.line) == COUNT
