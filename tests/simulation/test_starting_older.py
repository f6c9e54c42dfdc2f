"""A source of before that comes with a start or a deployment is used once, not from then on."""

from datetime import UTC, datetime, timedelta

import pytest

from headway.control import deploying, starting
from headway.control.requests import DeployRequest, StartRequest
from headway.control.sources import adopt
from headway.model.app import App, Source
from headway.model.ids import AppName, Digest
from headway.model.manifest import Manifest, Process

NOW = datetime(2026, 3, 4, tzinfo=UTC)
SHOP, BASE = AppName("shop"), AppName("base")


def source(name: str, at: datetime, app: AppName = SHOP, needs: tuple[AppName, ...] = ()) -> Source:
    web = Process(name="web", command="exec sleep 600")
    return Source(
        digest=Digest(f"sha256:{name}"),
        app=app,
        manifest=Manifest(name=app, processes=(web,), dependencies=needs),
        size_bytes=1,
        created_at=at,
        created_by="me",
    )


OLDER = source("older", NOW)
NEWEST = source("newest", NOW + timedelta(hours=1), needs=(BASE,))
LATER = source("later", NOW + timedelta(hours=2))


@pytest.fixture
async def kept(plane):
    """Keeps three sources, of which the second was made the newest of its app."""

    def deed(tx) -> None:
        base = source("base", NOW, app=BASE)
        for row in (base, OLDER, NEWEST, LATER):
            tx.put(row)
        for row in (base, NEWEST):
            adopt(tx, row, "me", NOW, plane.world.settings)

    await plane.store.write(deed)
    return plane


async def newest(plane) -> Digest:
    return (await plane.store.read(lambda tx: tx.get(App, SHOP))).source


async def test_a_start_with_an_older_source_uses_it_once_with_what_that_one_needs(kept):
    request = StartRequest(apps=(SHOP,), sources=(OLDER.digest,))
    started = await starting.start(kept.world, "me", "demo", request)
    assert [(row.app, row.source) for row in started.deployments] == [(SHOP, OLDER.digest)]
    assert await newest(kept) == NEWEST.digest


async def test_a_start_with_a_later_source_makes_it_the_newest(kept):
    request = StartRequest(apps=(SHOP,), sources=(LATER.digest,))
    started = await starting.start(kept.world, "me", "demo", request)
    assert [row.source for row in started.deployments] == [LATER.digest]
    assert await newest(kept) == LATER.digest


async def test_a_deployment_of_an_older_source_does_not_make_it_the_newest(kept):
    await starting.start(kept.world, "me", "demo", StartRequest(apps=(SHOP,)))
    request = DeployRequest(source=OLDER.digest)
    started = await deploying.deploy(kept.world, "me", "demo", SHOP, request)
    assert [row.source for row in started.deployments] == [OLDER.digest]
    assert await newest(kept) == NEWEST.digest
