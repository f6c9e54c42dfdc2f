"""What `headway builds ls` is told: builds, newest first, with what is known of their sources."""

import msgspec
import pytest

from headway.control import builds
from headway.control.errors import NotFound
from headway.model.app import App, Commit, Source
from headway.model.build import Build, BuildState
from headway.model.failure import Failure
from headway.model.manifest import Manifest
from tests.simulation.conftest import APP

COMMIT = Commit(id="4" * 40, subject="Sell more")


async def built(plane, *numbers: int) -> None:
    now = plane.world.clock.now()

    def deed(tx) -> None:
        manifest = Manifest(name=APP, processes=())
        of = {"manifest": manifest, "size_bytes": 9, "created_at": now, "created_by": "ana"}
        if tx.get(App, APP) is None:
            tx.put(App(name=APP, source="s-2", updated_at=now))
            tx.put(Source(digest="s-2", app=APP, commit=COMMIT, branch="main", dirty=True, **of))
        for number in numbers:
            failure = Failure(because="pip found no such package") if number % 2 else None
            state = BuildState.FAILED if failure else BuildState.SUCCEEDED
            made = {"state": state, "failure": failure, "created_at": now, "created_by": "ana"}
            tx.put(Build(id=f"bld-{number}", app=APP, source=f"s-{number}", **made))

    await plane.store.write(deed)


async def test_the_newest_is_first_with_its_commit_and_one_of_a_forgotten_source_is_listed(plane):
    await built(plane, 2, 3)
    page = await builds.listing(plane.world, APP)
    assert [(one.build.id, one.commit, one.dirty) for one in page.items] == [
        ("bld-3", None, False),
        ("bld-2", COMMIT, True),
    ]
    assert page.items[0].build.failure.because == "pip found no such package"
    assert page.next is None


async def test_they_come_page_by_page(plane):
    await built(plane, 1, 2, 3, 4, 5)
    found, before = [], None
    while True:
        page = await builds.listing(plane.world, limit=2, before=before)
        found += [one.build.id for one in page.items]
        before = page.next
        if before is None:
            break
        assert len(page.items) == 2
    assert found == ["bld-5", "bld-4", "bld-3", "bld-2", "bld-1"]


async def test_of_an_app_that_is_not_there_it_says_so_and_of_one_without_builds_there_are_none(
    plane,
):
    await built(plane)
    assert (await builds.listing(plane.world, APP)).items == ()
    with pytest.raises(NotFound, match="there is no app shpo"):
        await builds.listing(plane.world, "shpo")
    assert msgspec.json.encode(await builds.listing(plane.world)) == b'{"items":[],"next":null}'
