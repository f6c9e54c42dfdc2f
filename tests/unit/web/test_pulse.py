import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

from headway.machine.clock import SteadyClock
from headway.model.event import Event
from headway.ports.store import StoreError
from headway.web.pulse import Pulse


class Place(NamedTuple):
    """As much of a world as following its log needs."""

    store: "Failing"
    clock: SteadyClock
    troubles: dict[str, object]


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
    place = Place(Failing(2), SteadyClock(), {})
    pulse = Pulse(place)
    async with asyncio.timeout(20), pulse.kept():
        assert pulse.sequence == 1
    assert "the disk is full" in str(place.troubles["pages"])
    assert pulse.streams == 0


async def test_a_log_that_breaks_off_is_followed_again():
    place = Place(Failing(0), SteadyClock(), {})
    pulse = Pulse(place)
    async with asyncio.timeout(20), pulse.kept():
        place.store.more.set()
        while "pages" not in place.troubles:
            await asyncio.sleep(0)
        place.store.more = asyncio.Event()
        place.store.failures = 1
        await pulse.beyond(0)
