import asyncio

import pytest

from headway.control.errors import NotFound
from headway.web.page import Ask, Page, View
from headway.web.shared import Shared
from tests.unit.web.members import NOW


class Seen(View, kw_only=True):
    number: int
    moves: bool = False

    @property
    def is_moving(self) -> bool:
        return self.moves


class Reader:
    """A page that counts how often it was read."""

    def __init__(self) -> None:
        self.count = 0
        self.page = Page("/x", "x.html", self.see)
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def see(self, _ask: Ask) -> View:
        self.count += 1
        number = self.count
        await self.go_on.wait()
        return Seen(number=number)


def ask(grant: str = "operator") -> Ask:
    return Ask(None, {}, {}, "ana", grant, NOW)


async def test_all_who_look_at_the_same_page_share_one_reading_until_something_happens():
    reader, shared = Reader(), Shared()
    reader.go_on.clear()
    waiting = [asyncio.create_task(shared.view(reader.page, "/x", ask(), 7)) for _ in range(50)]
    await asyncio.sleep(0)
    reader.go_on.set()
    assert {view.number for view in await asyncio.gather(*waiting)} == {1}
    assert (await shared.view(reader.page, "/x", ask(), 7)).number == 1
    assert (await shared.view(reader.page, "/x", ask(), 8)).number == 2


async def test_another_address_or_who_may_do_other_things_has_a_reading_of_its_own():
    reader, shared = Reader(), Shared()
    for path, grant in (("/x", "operator"), ("/x?a=1", "operator"), ("/x", "viewer")):
        await shared.view(reader.page, path, ask(grant), 7)
    assert reader.count == 3


async def test_who_goes_away_does_not_end_the_reading_for_the_others():
    reader, shared = Reader(), Shared()
    reader.go_on.clear()
    gone, stays = (asyncio.create_task(shared.view(reader.page, "/x", ask(), 7)) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    reader.go_on.set()
    assert (await stays).number == 1


async def test_what_was_not_there_is_asked_for_again():
    shared = Shared()

    async def see(_ask: Ask) -> View:
        raise NotFound("gone", "gone")

    page = Page("/x", "x.html", see)
    for _ in range(2):
        with pytest.raises(NotFound):
            await shared.view(page, "/x", ask(), 7)


async def test_a_reading_that_is_never_answered_holds_up_only_who_began_it():
    reader, shared = Reader(), Shared(hung_s=0)
    reader.go_on.clear()
    hung = asyncio.create_task(shared.view(reader.page, "/x", ask(), 7))
    while not reader.count:
        await asyncio.sleep(0)
    reader.go_on = asyncio.Event()
    reader.go_on.set()
    assert (await shared.view(reader.page, "/x", ask(), 7)).number == 2
    hung.cancel()
