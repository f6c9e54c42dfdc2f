import asyncio
import contextlib

import pytest

from headway.control.errors import NotFound
from headway.web.page import Ask, Page, View
from headway.web.pages.installation import RoutesPage
from headway.web.shared import Shared
from tests.unit.web.members import NOW


class Moving(RoutesPage, kw_only=True):
    """A page that shows what no event tells of."""

    @property
    def is_moving(self) -> bool:
        return True


class Reader:
    """A page that counts how often it was read."""

    def __init__(self) -> None:
        self.count = 0
        self.page = Page("/x", "routes.html", self.see)
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def see(self, _ask: Ask) -> View:
        self.count += 1
        await self.go_on.wait()
        return RoutesPage(rows=(), http_port=80)


def ask(grant: str = "operator") -> Ask:
    return Ask(None, {}, {}, "ana", grant, NOW)


def without_rest() -> Shared:
    return Shared(least_s=0)


async def test_all_who_look_at_the_same_page_share_one_drawing_until_something_happens():
    reader, shared = Reader(), without_rest()
    reader.go_on.clear()
    waiting = [asyncio.create_task(shared.drawn(reader.page, "/x", ask(), 7)) for _ in range(50)]
    await asyncio.sleep(0)
    reader.go_on.set()
    first, *others = await asyncio.gather(*waiting)
    assert all(other is first for other in others)
    assert await shared.drawn(reader.page, "/x", ask(), 7) is first
    assert (await shared.drawn(reader.page, "/x", ask(), 8)).sequence == 8
    assert reader.count == 2


async def test_while_a_page_rests_everybody_gets_what_was_drawn_and_is_told_as_of_when():
    reader, shared = Reader(), Shared(least_s=3600)
    first = await shared.drawn(reader.page, "/x", ask(), 7)
    assert [(await shared.drawn(reader.page, "/x", ask(), 8)) is first for _ in range(3)] == [
        True
    ] * 3
    assert (first.sequence, reader.count) == (7, 1)


async def test_who_has_just_loaded_a_page_is_never_sent_what_was_before():
    reader, shared = Reader(), Shared(least_s=3600)
    await shared.drawn(reader.page, "/x", ask(), 7)
    newer = await shared.drawn(reader.page, "/x", ask(), 8, is_first=True)
    assert newer.sequence == 8
    assert await shared.drawn(reader.page, "/x", ask(), 8, is_first=True) is newer


async def test_another_address_or_who_may_do_other_things_has_a_drawing_of_its_own():
    reader, shared = Reader(), Shared()
    for path, grant in (("/x", "operator"), ("/x?a=1", "operator"), ("/x", "viewer")):
        await shared.drawn(reader.page, path, ask(grant), 7)
    assert reader.count == 3


async def test_what_nobody_has_open_any_more_is_let_go_of_with_the_last_who_had():
    reader, shared = Reader(), Shared()
    with shared.kept(reader.page, "/x", ask()):
        with shared.kept(reader.page, "/x", ask()):
            await shared.drawn(reader.page, "/x", ask(), 7)
        await shared.drawn(reader.page, "/x", ask(), 7)
        assert reader.count == 1
    await shared.drawn(reader.page, "/x", ask(), 7)
    assert reader.count == 2


async def test_a_page_rests_by_how_many_different_ones_are_open_not_by_how_many_look_at_it():
    reader, shared = Reader(), without_rest()

    async def rest_s(paths: list[str]) -> float:
        with contextlib.ExitStack() as stack:
            for path in paths:
                stack.enter_context(shared.kept(reader.page, path, ask()))
            began = asyncio.get_running_loop().time()
            drawn = await shared.drawn(reader.page, paths[0], ask(), 7)
            took_s = asyncio.get_running_loop().time() - began
            return (drawn.rested_at - began) / took_s

    assert await rest_s(["/x"] * 10_000) < 100 < await rest_s([f"/x{n}" for n in range(10_000)])


async def test_who_goes_away_does_not_end_the_drawing_for_the_others():
    reader, shared = Reader(), Shared()
    reader.go_on.clear()
    gone, stays = (asyncio.create_task(shared.drawn(reader.page, "/x", ask(), 7)) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    reader.go_on.set()
    assert (await stays).sequence == 7


async def test_what_moves_is_drawn_again_sooner_than_what_is_still():
    async def see(_ask: Ask) -> View:
        return Moving(rows=(), http_port=80)

    reader, shared = Reader(), Shared()
    still = await shared.drawn(reader.page, "/x", ask(), 7)
    moving = await shared.drawn(Page("/y", "routes.html", see), "/y", ask(), 7)
    assert moving.stale_at < still.stale_at


async def test_what_was_not_there_is_asked_for_again():
    shared = Shared()

    async def see(_ask: Ask) -> View:
        raise NotFound("gone", "gone")

    page = Page("/x", "routes.html", see)
    for _ in range(2):
        with pytest.raises(NotFound):
            await shared.drawn(page, "/x", ask(), 7)


async def test_a_drawing_that_is_never_answered_holds_up_only_who_began_it():
    reader, shared = Reader(), Shared(hung_s=0)
    reader.go_on.clear()
    hung = asyncio.create_task(shared.drawn(reader.page, "/x", ask(), 7))
    while not reader.count:
        await asyncio.sleep(0)
    reader.go_on = asyncio.Event()
    reader.go_on.set()
    await shared.drawn(reader.page, "/x", ask(), 7)
    assert reader.count == 2
    hung.cancel()
