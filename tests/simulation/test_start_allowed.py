"""What a start is done to is said in its own transaction, and who may not do it starts nothing."""

from datetime import UTC, datetime

import pytest

from headway.control.environments import starting
from headway.control.errors import NotAllowed
from headway.control.permission import check
from headway.control.requests import StartRequest
from headway.model.app import App, Source
from headway.model.deployment import Deployment
from headway.model.environment import Environment
from headway.model.ids import AppName, Digest
from headway.model.manifest import Manifest, Process
from headway.model.role import HELD, Deed, DeedKind, Grant, Role

NOW = datetime(2026, 3, 4, tzinfo=UTC)
FACE = StartRequest(apps=(AppName("face"),))


@pytest.fixture
async def shop(plane):
    """`face` of the team shop needs `base` of the team core."""

    def deed(tx) -> None:
        for name, team, needs in (("base", "core", ()), ("face", "shop", (AppName("base"),))):
            web = Process(name="web", command="exec sleep 600")
            manifest = Manifest(name=AppName(name), team=team, processes=(web,), dependencies=needs)
            digest = Digest(f"sha256:{name}")
            tx.put(
                Source(
                    digest=digest,
                    app=AppName(name),
                    manifest=manifest,
                    size_bytes=1,
                    created_at=NOW,
                    created_by="me",
                )
            )
            tx.put(App(name=AppName(name), source=digest, team=team, updated_at=NOW))

    await plane.store.write(deed)
    return plane


async def started(plane, actor: str, name: str, request: StartRequest = FACE) -> list[Deed]:
    deeds: list[Deed] = []
    await starting.start(plane.world, actor, name, request, deeds.append)
    return deeds


async def test_in_an_environment_of_ones_own_whatever_an_app_needs_may_be_started(shop):
    assert await started(shop, "ana", "nook") == [HELD]


async def test_in_anothers_it_is_done_to_what_does_not_run_there_yet(shop):
    (all_of_it,) = await started(shop, "ben", "both", StartRequest(apps=(AppName("base"),)))
    assert all_of_it == HELD
    (deed,) = await started(shop, "ana", "both")
    assert (deed.kind, deed.apps) == (DeedKind.APPS, (("face", "shop"),))
    (again,) = await started(shop, "ana", "both")
    assert again.apps == ()


async def test_a_source_that_comes_with_it_is_of_the_team_of_before_too(shop):
    taken = Source(
        digest=Digest("sha256:taken"),
        app=AppName("base"),
        manifest=Manifest(
            name=AppName("base"), team="shop", processes=(Process(name="web", command="true"),)
        ),
        size_bytes=1,
        created_at=NOW,
        created_by="ana",
    )
    await shop.store.write(lambda tx: tx.put(taken))
    request = StartRequest(apps=(AppName("face"),), sources=(taken.digest,))
    (deed,) = await started(shop, "ana", "nook", request)
    assert set(deed.apps) == {("base", "core"), ("base", "shop")}


async def test_who_may_not_start_it_has_begun_nothing(shop):
    grant = Grant(role=Role.DEVELOPER, teams=("shop",))
    with pytest.raises(NotAllowed) as refused:
        await starting.start(
            shop.world, "ana", "production", FACE, lambda deed: check("ana", grant, deed)
        )
    assert "base belongs to the team core" in refused.value.hint
    left = await shop.store.read(lambda tx: [*tx.find(Environment), *tx.find(Deployment)])
    assert left == []
