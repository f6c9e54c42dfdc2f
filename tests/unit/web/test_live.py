import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest

from headway.control.bell import Bell
from headway.control.errors import Unavailable
from headway.machine.clock import SteadyClock
from headway.model.role import Grant, Role
from headway.ports.engine import EngineError
from headway.ports.router import RouterError
from headway.ports.store import StoreError
from headway.web.live import Live, Watch
from headway.web.page import Addition, Ask, Page
from headway.web.seen import Seen
from tests.unit.web.members import NOW


class Place(NamedTuple):
    """As much of a world as a stream needs that has lines only."""

    clock: SteadyClock
    bell: Bell


class House(NamedTuple):
    """As much of what pages live in."""

    world: Place
    stop: asyncio.Event


@pytest.mark.parametrize(
    "error",
    [
        StoreError("the disk is full"),
        EngineError("it is gone"),
        RouterError("it is gone"),
        Unavailable("unavailable", "later"),
    ],
)
async def test_a_stream_whose_page_cannot_be_read_just_now_ends_and_asks_for_no_new_page(error):
    async def lines(_ask: Ask, _resume: str) -> AsyncIterator[Addition]:
        raise error
        yield

    async def see(_ask: Ask) -> None:
        raise error

    house = House(Place(SteadyClock(), Bell()), asyncio.Event())
    ask = Ask(house, {}, {}, "ana", Grant(role=Role.VIEWER), NOW)
    watch = Watch(Page("/", "sign_in.html", see, follow=lines), "/", ask, Seen("", ""))
    async with asyncio.timeout(20):
        sent = [message async for message in Live(house).stream(watch)]
    assert all(message.startswith(b"event: still") for message in sent)
