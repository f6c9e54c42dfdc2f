import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

from headway.control.bell import Bell
from headway.machine.clock import SteadyClock
from headway.model.event import Event
from headway.ports.store import StoreError
from headway.sim.store import MemoryStore
from headway.web.pulse import Pulse
from tests.unit.web.members import NOW


class Place(NamedTuple):
    """As much of a world as following its log needs."""

    store: "Failing | MemoryStore"
    clock: SteadyClock
    troubles: dict[str, object]
    bell: Bell


class Failing:
    """A store that cannot be read so many times, and then has no events."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.more = asyncio.Event()

    async def read(self, _ask: object) -> list[Event]:
        if self.failures:
            self.failures -= 1
            raise StoreError("the disk is full")
        return []

    async def follow(self, after: int) -> AsyncIterator[Event]:
        await self.more.wait()
        raise StoreError("gone")
        yield


async def test_pages_that_open_while_the_log_cannot_be_read_follow_it_once_it_can():
    place = Place(Failing(2), SteadyClock(), {}, Bell())
    pulse = Pulse(place)
    async with asyncio.timeout(20), pulse.kept():
        assert pulse.sequence == 1
    assert "the disk is full" in str(place.troubles["pages"])
    assert pulse.streams == 0


async def test_a_log_that_breaks_off_is_followed_again():
    place = Place(Failing(0), SteadyClock(), {}, Bell())
    pulse = Pulse(place)
    async with asyncio.timeout(20), pulse.kept():
        place.store.more.set()
        while "pages" not in place.troubles:
            await asyncio.sleep(0)
        place.store.more = asyncio.Event()
        place.store.failures = 1
        await pulse.beyond(0)


def looked_at() -> Place:
    return Place(MemoryStore(), SteadyClock(), {}, Bell())


async def test_runs_that_begin_together_have_pages_drawn_again_once():
    world = looked_at()
    pulse = Pulse(world)
    async with asyncio.timeout(20), pulse.kept():
        before = pulse.sequence
        for _ in range(1000):
            world.bell.begun()
        await pulse.beyond(before)
        assert pulse.sequence == before + 1
        world.bell.begun()
        await pulse.beyond(before + 1)


async def test_an_event_is_a_beat_too():
    world = looked_at()
    pulse = Pulse(world)
    async with asyncio.timeout(20), pulse.kept():
        before = pulse.sequence
        event = Event(at=NOW, actor="ana", kind="run.succeeded", subject="r1")
        await world.store.write(lambda tx: tx.record(event))
        await pulse.beyond(before)


async def test_while_nobody_looks_runs_that_begin_cost_no_timer():
    world = looked_at()
    pulse = Pulse(world)
    world.bell.begun()
    assert pulse._late is None
    async with asyncio.timeout(20), pulse.kept():
        world.bell.begun()
        late = pulse._late
        assert late is not None
    assert pulse._late is None
    assert late.cancelled()
