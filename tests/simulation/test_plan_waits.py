"""A plan says what would wait in vain, and why, before anything is started."""

from datetime import UTC, datetime

from headway.control import starting
from headway.control.requests import StartRequest
from headway.model.app import App, Source
from headway.model.ids import AppName, Digest
from headway.model.manifest import Manifest, Process
from headway.model.placement import Placement

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
