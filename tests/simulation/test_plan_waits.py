"""A plan says what would wait in vain, and why, before anything is started."""

from datetime import UTC, datetime

import msgspec

from headway.control import deploying
from headway.control.environments import starting
from headway.control.requests import DeployRequest, StartRequest
from headway.model.app import App, Source
from headway.model.deployment import DeploymentKind
from headway.model.ids import AppName, Digest
from headway.model.manifest import Manifest, Process
from headway.model.placement import Placement
from headway.model.release import Release
from tests.simulation.conftest import APP, ENVIRONMENT

NOW = datetime(2026, 3, 4, tzinfo=UTC)


async def send(plane, name: str, *apart: str) -> None:
    """Make an app known, of one copy that must be apart from other apps."""
    web = Process(name="web", command="exec sleep 600", placement=Placement(apart=apart))
    digest = Digest(f"sha256:{name}")
    source = Source(
        digest=digest,
        app=AppName(name),
        manifest=Manifest(name=AppName(name), processes=(web,)),
        size_bytes=1,
        created_at=NOW,
        created_by="me",
    )
    app = App(name=AppName(name), source=digest, team=None, updated_at=NOW)
    await plane.store.write(lambda tx: (tx.put(source), tx.put(app)))


async def test_apps_that_cannot_all_be_apart_are_told_so_in_the_plan_of_their_start(plane):
    await send(plane, "ink", "paper")
    await send(plane, "paper", "ink")
    wish = StartRequest(apps=(AppName("ink"), AppName("paper")), plan=True)
    planned = await starting.start(plane.world, "me", "desk", wish)
    (failed,) = [row for row in planned.plan if row.what == "failed"]
    assert failed.app == "paper"
    assert "paper/web, ink/web are to be on 2 nodes; 1 can ever take any" in failed.because
    assert "or have 2 nodes" in failed.because
    (obstacle,) = planned.obstacles
    assert (obstacle.app, obstacle.what) == ("paper", "would fail")
    assert "no progress in 600 s: paper/web, ink/web are to be on 2 nodes" in obstacle.because


async def test_copies_that_do_not_all_fit_are_told_first_and_what_would_come_about_is_not(plane):
    await plane.release()
    web = Process(name="web", command="exec sleep 600")

    def serving(tx):
        release = tx.get(Release, ENVIRONMENT, APP, 1)
        manifest = msgspec.structs.replace(release.manifest, processes=(web,))
        tx.put(msgspec.structs.replace(release, manifest=manifest))

    await plane.store.write(serving)
    obstacles = []
    for copies in (2, 40):
        wish = DeployRequest(kind=DeploymentKind.SCALE, scale={"web": copies}, plan=True)
        planned = await deploying.deploy(plane.world, "me", "demo", "shop", wish)
        assert planned.plan
        obstacles.append(planned.obstacles)
    assert obstacles[0] == ()
    (told,) = obstacles[1]
    assert (told.app, told.what) == ("shop", "would be set back")
    memory = "here: 256 MiB memory needed, 0 of 4096 free"
    assert f"24 of 40 copies of web (v1) do not fit: {memory}" in told.because
