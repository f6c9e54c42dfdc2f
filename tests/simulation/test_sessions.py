"""A session ends when nothing was asked with it for as long as the settings say, and not before."""

from datetime import timedelta

import msgspec
import pytest

from headway.control import sessions
from headway.control.tokens import create_local

_MINUTE_S, _WEEK_S = 60.0, 7 * 24 * 3600.0


@pytest.fixture
async def signed_in(plane) -> str:
    """The cookie of a browser that has just signed in."""
    token = await create_local(plane.store, "ana", plane.clock.now())
    opened = await sessions.sign_in(plane.world, token, "a browser", "127.0.0.1")
    assert opened is not None
    return opened.secret


def idle(plane, seconds: float) -> None:
    settings = msgspec.structs.replace(plane.world.settings, session_idle_s=seconds)
    plane.world.settings = settings


async def is_known(plane, secret: str, after_s: float, *, is_use: bool = True) -> bool:
    plane.clock.ahead += timedelta(seconds=after_s)
    return await sessions.find(plane.world, secret, is_use=is_use) is not None


@pytest.mark.parametrize("every_s", [20, 30, 50])
async def test_one_that_is_used_goes_on_however_short_it_may_be_idle(plane, signed_in, every_s):
    idle(plane, _MINUTE_S)
    assert [await is_known(plane, signed_in, every_s) for _ in range(8)] == [True] * 8
    assert not await is_known(plane, signed_in, _MINUTE_S)


async def test_what_is_no_use_does_not_keep_it(plane, signed_in):
    idle(plane, _MINUTE_S)
    assert await is_known(plane, signed_in, 50, is_use=False)
    assert not await is_known(plane, signed_in, 20)


async def test_its_use_is_noted_once_a_minute_where_it_may_be_idle_for_long(plane, signed_in):
    idle(plane, _WEEK_S)
    seen = set()
    for _ in range(12):
        assert await is_known(plane, signed_in, 10)
        (row,) = await sessions.listing(plane.world, None)
        seen.add(row.seen_at)
    assert len(seen) == 3  # when it signed in, and after one and two minutes
