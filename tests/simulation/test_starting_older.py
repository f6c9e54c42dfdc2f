"""A source of before that comes with a start or a deployment is used once, not from then on."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from headway.control import deploying
from headway.control.environments import copying, starting
from headway.control.errors import NotFound
from headway.control.requests import DeployRequest, StartRequest
from headway.control.sources import adopt
from headway.model.app import App, Source
from headway.model.build import Artifact
from headway.model.deployment import Deployment
from headway.model.environment import Environment, Member
from headway.model.ids import AppName, Digest
from headway.model.manifest import Manifest, Process
from headway.model.release import Release

NOW = datetime(2026, 3, 4, tzinfo=UTC)
SHOP, BASE = AppName("shop"), AppName("base")


def source(name: str, at: datetime, app: AppName = SHOP, needs: tuple[AppName, ...] = ()) -> Source:
    web = Process(name="web", command="exec sleep 600")
    return Source(
        digest=Digest(f"sha256-{name.encode().hex()}"),
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


async def test_a_copy_is_of_what_serves_but_of_an_app_that_is_named_of_that_branch(kept):
    await starting.start(kept.world, "me", "demo", StartRequest(apps=(SHOP,)))
    await kept.store.write(lambda tx: serving(tx, OLDER))
    await kept.store.write(lambda tx: tx.put(msgspec.structs.replace(NEWEST, branch="feature")))

    async def sources(to: str, **of: str) -> dict[str, Digest]:
        others = {AppName(app): branch for app, branch in of.items()}
        started = await copying.copy(kept.world, "me", "demo", to, None, False, others)
        return {row.app: row.source for row in started.deployments}

    assert (await sources("same"))[SHOP] == OLDER.digest
    assert (await sources("other", shop="feature"))[SHOP] == NEWEST.digest
    with pytest.raises(NotFound, match="nowhere"):
        await sources("third", shop="nowhere")
    assert await kept.store.read(lambda tx: tx.find(Environment, name="third")) == []


def serving(tx, source: Source, *, stopped: bool = False) -> None:
    """Have a release of a source live, and nothing under way."""
    (owner,) = tx.find(Environment)
    for row in tx.find(Deployment, environment=owner.id, app=SHOP):
        tx.delete(Deployment, row.id)
    artifact = Artifact(digest=Digest("a"), slug=Digest("a"))
    tx.put(
        Release(
            environment=owner.id,
            app=SHOP,
            number=3,
            fingerprint="f",
            artifact=artifact,
            manifest=source.manifest,
            source=source.digest,
            created_at=NOW,
            created_by="me",
        )
    )
    member = tx.get(Member, owner.id, SHOP)
    tx.put(msgspec.structs.replace(member, live=3, stopped=stopped))


async def told(kept, **wishes) -> list[tuple[str, str, str]]:
    """Start it once more, and give what is said not to be deployed by that."""
    request = StartRequest(apps=(SHOP,), **wishes)
    started = await starting.start(kept.world, "me", "demo", request)
    return [(row.source, row.because, row.next) for row in started.not_deployed]


DEPLOY = "headway deploy DIRECTORY -e demo -a shop"


@pytest.mark.parametrize("plan", [False, True])
async def test_a_start_says_that_it_does_not_deploy_a_newer_source_of_what_runs(kept, plan):
    assert await told(kept) == []
    await kept.store.write(lambda tx: serving(tx, OLDER))
    because = "it goes on as v3; its source 6e65776 is not deployed"
    assert await told(kept, plan=plan) == [(NEWEST.digest, because, DEPLOY)]


async def test_a_start_of_what_was_stopped_says_which_source_it_does_not_deploy(kept):
    await told(kept)
    await kept.store.write(lambda tx: serving(tx, OLDER, stopped=True))
    because = "it was stopped and comes back as v3; its source 6c61746 is not deployed"
    assert await told(kept, sources=(LATER.digest,)) == [(LATER.digest, because, DEPLOY)]
    (said,) = await told(kept, chosen={SHOP: NEWEST.digest})
    assert said[1] == ("it was stopped and comes back as v3; its source 6e65776 is not deployed")


async def test_a_start_of_what_runs_as_it_was_meant_says_nothing(kept):
    await told(kept)
    await kept.store.write(lambda tx: serving(tx, NEWEST))
    assert await told(kept) == []
    assert await told(kept, chosen={SHOP: NEWEST.digest}) == []


async def test_a_start_while_another_source_is_on_its_way_says_so(kept):
    await told(kept, chosen={SHOP: OLDER.digest})
    (said,) = await told(kept)
    assert said[1].startswith("another source is on its way (dep-")
