"""What of the queued runs is held in memory, while it changes as more is read of it."""

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from headway.control.runs.lanes import Lanes, entry_of
from headway.model.run import Run, RunState, lane_of
from headway.ports.store import StoreError
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
def under_way() -> set[str]:
    return set()


@pytest.fixture
async def world(rows) -> Any:
    made: Any = SimpleNamespace(store=MemoryStore())
    await _store(made, *rows)
    return made


@pytest.fixture
async def lanes(world, under_way) -> Lanes:
    made = Lanes(world, under_way)
    await made.open()
    return made


async def _store(world: Any, *rows: Run) -> None:
    await world.store.write(lambda tx: [tx.put(row) for row in rows])


async def _become(world: Any, state: RunState, *runs: str) -> None:
    def deed(tx: Any) -> None:
        for run in runs:
            tx.put(msgspec.structs.replace(tx.get(Run, run), state=state))

    await world.store.write(deed)


async def _while_it_is_read(lanes: Lanes) -> "asyncio.Task[None]":
    filling = asyncio.create_task(lanes.fill())
    await asyncio.sleep(0)
    assert not filling.done()
    return filling


def _held(lanes: Lanes, row: Run) -> list[str]:
    return [entry.run for entry in lanes.lanes().get(lane_of(row), ())]


async def test_what_is_expected_is_held_once_and_not_where_others_may_come_before_it(
    lanes, rows, world, under_way
):
    lane, coming = lane_of(rows[0]), _run(COUNT)
    assert lanes.expect([coming]) == set()
    await _become(world, RunState.STARTING, *(row.id for row in rows))
    await lanes.fill()
    assert lanes.expect([coming]) == {coming.id}
    assert lanes.expect([coming]) == set()
    lanes.add([coming])
    assert _held(lanes, coming) == [coming.id]
    assert lanes.depth(lane.line) == 1
    lanes.take(lane, coming.id)
    under_way.add(coming.id)
    assert lanes.expect([coming]) == set()
    assert lanes.are_empty


async def test_what_is_expected_while_a_lane_is_read_is_not_held(lanes, rows):
    filling = await _while_it_is_read(lanes)
    assert lanes.expect([_run(COUNT)]) == set()
    await filling
    assert lanes.depth(lane_of(rows[0]).line) == COUNT


async def test_what_starts_while_a_lane_is_read_does_not_start_again(lanes, rows):
    filling = await _while_it_is_read(lanes)
    lanes.take(lane_of(rows[0]), rows[0].id)
    await filling
    assert _held(lanes, rows[0])[0] == rows[1].id
    assert lanes.depth(lane_of(rows[0]).line) == COUNT - 1


async def test_what_could_not_start_while_a_lane_was_read_is_queued_still(lanes, rows, under_way):
    lane = lane_of(rows[0])
    lanes.take(lane, rows[0].id)
    under_way.add(rows[0].id)
    filling = await _while_it_is_read(lanes)
    lanes.put_back(lane, entry_of(rows[0]))
    await filling
    assert _held(lanes, rows[0])[0] == rows[0].id
    assert lanes.depth(lane.line) == COUNT


async def test_what_was_read_before_it_was_told_is_held_once(lanes, rows, world):
    late = _run(COUNT)
    await _store(world, late)
    await _become(world, RunState.STARTING, *(row.id for row in rows[: COUNT - 50]))
    await lanes.fill()
    lanes.add([late])
    assert _held(lanes, late) == [row.id for row in (*rows[COUNT - 50 :], late)]
    assert lanes.depth(lane_of(late).line) == 51


async def test_what_was_read_and_started_before_it_was_told_is_not_held(
    lanes, rows, world, under_way
):
    await _become(world, RunState.STARTING, *(row.id for row in rows[1:]))
    await lanes.fill()
    lanes.take(lane_of(rows[0]), rows[0].id)
    under_way.add(rows[0].id)
    lanes.add([rows[0]])
    assert lanes.are_empty
    assert lanes.depth(lane_of(rows[0]).line) == 0


async def test_what_came_and_left_while_a_lane_was_read_is_not_held(lanes, rows):
    late = _run(COUNT)
    filling = await _while_it_is_read(lanes)
    lanes.add([late])
    lanes.take(lane_of(late), late.id)
    await filling
    assert lanes.depth(lane_of(late).line) == COUNT


async def test_that_runs_were_cancelled_may_be_told_after_they_were_not_read(lanes, rows, world):
    """Else their lane would count fewer than it has, and be forgotten before its end."""
    lane = lane_of(rows[0])
    await _become(world, RunState.CANCELLED, *(row.id for row in rows))
    await lanes.fill()
    await _store(world, *(late := [_run(COUNT + number) for number in range(3)]))
    lanes.add(late)
    for row in rows[:5]:
        lanes.take(lane, row.id)
    assert _held(lanes, rows[0]) == [row.id for row in late]
    assert lanes.depth(lane.line) == 3


async def test_a_lane_longer_than_a_reading_is_read_to_its_end_whatever_was_told(lanes, world):
    many = [_run(COUNT + number) for number in range(2000)]
    lane = lane_of(many[0])
    await _store(world, *many)
    lanes.add(many[:1000])
    seen: set[str] = set()
    while not lanes.are_empty:
        await lanes.fill()
        for run in _held(lanes, many[0]):
            assert run not in seen
            seen.add(run)
            lanes.take(lane, run)
            await _become(world, RunState.STARTING, run)
    assert len(seen) == COUNT + 2000
    assert lanes.depth(lane.line) == 0


async def test_a_reading_that_fails_loses_nothing_that_came_meanwhile(lanes, rows, world):
    late, lane = _run(COUNT), lane_of(rows[0])
    failing = asyncio.Event()
    read = world.store.read

    async def fails(_deed: Any) -> Any:
        await failing.wait()
        raise StoreError("not now")

    world.store.read = fails
    filling = await _while_it_is_read(lanes)
    lanes.add([late])
    failing.set()
    with pytest.raises(StoreError):
        await filling
    assert lanes.depth(lane.line) == COUNT + 1
    world.store.read = read
    await _become(world, RunState.STARTING, *(row.id for row in rows))
    await _store(world, late)
    await lanes.fill()
    assert _held(lanes, late) == [late.id]


async def test_a_lane_in_doubt_is_read_again(lanes, rows, world, under_way):
    await _become(world, RunState.STARTING, *(row.id for row in rows))
    await lanes.fill()
    again = _run(COUNT)
    await _store(world, again)
    under_way.add(again.id)
    lanes.add([again])
    assert lanes.are_empty
    under_way.discard(again.id)
    lanes.doubt(lane_of(again))
    await lanes.fill()
    assert _held(lanes, again) == [again.id]


async def test_what_is_told_while_lanes_are_counted_is_held(world, rows, under_way):
    await _become(world, RunState.STARTING, *(row.id for row in rows))
    lanes, late = Lanes(world, under_way), _run(COUNT)
    opening = asyncio.create_task(lanes.open())
    await asyncio.sleep(0)
    await _store(world, late)
    lanes.add([late])
    await opening
    await lanes.fill()
    assert _held(lanes, late) == [late.id]
    assert lanes.depth(lane_of(late).line) == 1
