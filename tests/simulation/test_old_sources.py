"""Sources are kept for as long as something can be made of them."""

import os
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from headway.builders.sources import DirectorySources
from headway.control.forgetting import old_sources
from headway.control.forgetting.old_sources import forget_sources
from headway.control.forgetting.retention import Retention
from headway.model.app import App, Source
from headway.model.ids import Digest
from headway.model.manifest import Manifest
from headway.model.release import Release
from headway.sim.outside import SimulatedBuilder
from tests.simulation.conftest import APP, ENVIRONMENT
from tests.simulation.test_old_deployments import NOOP, deployment

NOW = datetime.now(UTC)
SENT = 20


def source(number: int, **fields: object) -> Source:
    row = Source(
        digest=Digest(f"sha256-{number:02}"),
        app=APP,
        manifest=Manifest(name=APP, processes=()),
        size_bytes=1,
        created_at=NOW - timedelta(hours=2),
        created_by="me",
    )
    return msgspec.structs.replace(row, **fields)


@pytest.fixture
async def sent(plane):
    """An app of which each release has a source of its own; the newest of all is not deployed."""
    for number in range(1, SENT):
        await plane.release(NOOP, number=number)

    def deed(tx) -> None:
        for number in range(1, SENT + 1):
            tx.put(source(number))
            row = tx.get(Release, ENVIRONMENT, APP, number)
            if row is not None:
                tx.put(msgspec.structs.replace(row, source=source(number).digest))
        tx.put(App(name=APP, source=source(SENT).digest, updated_at=NOW))

    await plane.store.write(deed)
    return plane


async def left(plane) -> list[int]:
    """Forget what is not used, and give what is left."""
    in_use = await plane.store.read(Retention(plane.world).in_use)
    kept = await forget_sources(plane.world, in_use.sources, NOW)
    rows = await plane.store.read(lambda reader: reader.find(Source))
    assert {row.digest for row in rows} == kept
    return [number_of(row.digest) for row in rows]


def number_of(digest: str) -> int:
    return int(digest.partition("-")[2])


async def test_those_of_releases_that_can_be_gone_back_to_and_the_newest_are_kept(
    sent, monkeypatch
):
    monkeypatch.setattr(old_sources, "_AT_ONCE", 4)
    assert await left(sent) == list(range(SENT - 5, SENT + 1))


async def test_one_that_was_sent_in_this_hour_waits_to_be_deployed(sent):
    await sent.store.write(lambda tx: tx.put(source(3, created_at=NOW)))
    assert await left(sent) == [3, *range(SENT - 5, SENT + 1)]


@pytest.mark.parametrize("behind", [0, 3])
async def test_one_that_is_deployed_while_it_is_found_to_be_unused_is_kept(sent, behind):
    in_use = await sent.store.read(Retention(sent.world).in_use)
    at = NOW + timedelta(seconds=1)

    def deed(tx) -> None:
        tx.put(deployment(1, source=source(3).digest, created_at=at))
        for number in range(2, 2 + behind):
            tx.put(deployment(number, source=source(SENT).digest, created_at=at))

    await sent.store.write(deed)
    assert source(3).digest in await forget_sources(sent.world, in_use.sources, NOW)


async def test_the_files_of_one_go_with_it(sent, tmp_path):
    world = sent.world
    world.builder = SimulatedBuilder(lambda: 0.0)
    world.sources = DirectorySources(tmp_path, world.settings)
    folder = world.sources.path(source(1).digest).parent
    for number in range(1, SENT + 1):
        place = folder / source(number).digest
        place.mkdir()
        os.utime(place, (0, 0))
    await Retention(world).collect()
    there = sorted(number_of(place.name) for place in folder.iterdir())
    assert there == list(range(SENT - 5, SENT + 1))
