"""What is held in memory of rows is what the store has, and costs what has changed."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from headway.control.member_rows import rows_in
from headway.control.mirror import Mirror
from headway.control.mirrors import Mirrors
from headway.model.app import App, Source
from headway.model.build import Artifact
from headway.model.container import Container, ContainerState
from headway.model.deployment import Phase
from headway.model.environment import Environment, EnvironmentState, Member
from headway.model.ids import AppName, ContainerId, Digest, EnvironmentId
from headway.model.lease import Tenure
from headway.model.manifest import Manifest, Process
from headway.model.release import Release
from headway.ports.store import Reader
from tests.contract.store.counting import CountingStore
from tests.contract.store.test_store import NOW, container, store
from tests.unit.web.members import deployment

__all__ = ["store"]
ENVIRONMENTS = [EnvironmentId(f"env{n}~1") for n in range(4)]
APPS = [AppName(f"app{n}") for n in range(5)]
MANIFEST = Manifest(name=AppName("web"), processes=(Process(name="web", command="serve"),))


def environment(identity: EnvironmentId) -> Environment:
    return Environment(
        id=identity, lease=Tenure(holder="ana", until=None), created_at=NOW, created_by="ana"
    )


def release(owner: EnvironmentId, app: AppName, number: int) -> Release:
    return Release(
        environment=owner,
        app=app,
        number=number,
        fingerprint="f",
        artifact=Artifact(digest=Digest("d"), slug="d"),
        manifest=MANIFEST,
        source=Digest("d"),
        created_at=NOW,
        created_by="ana",
    )


def something(tx: Any, chance: random.Random, number: int) -> None:
    """Change something, anything that a person or a loop might."""
    owner, app = chance.choice(ENVIRONMENTS), chance.choice(APPS)
    member = tx.get(Member, owner, app)
    if member is None:
        tx.put(Member(environment=owner, app=app))
        return
    what = chance.randrange(7)
    if what == 0:
        tx.delete(Member, owner, app)
    elif what == 1:
        tx.put(release(owner, app, number))
        tx.put(msgspec.structs.replace(member, live=number))
    elif what == 2:
        tx.put(deployment(app, id=f"dep-{number}", environment=owner, version=0))
    elif what == 3:
        for row in tx.find(type(deployment()), environment=owner, app=app, is_ended=False):
            tx.put(msgspec.structs.replace(row, phase=Phase.FAILED, ended_at=NOW))
    elif what == 4:
        live = member.live or 1
        state = chance.choice((ContainerState.HEALTHY, ContainerState.EXITED))
        tx.put(container(f"c{number}", environment=owner, app=app, release=live, state=state))
    elif what == 5:
        for row in tx.find(Container, environment=owner, app=app, retired=False, limit=1):
            tx.put(msgspec.structs.replace(row, retired=True))
    else:
        row = tx.get(Environment, owner)
        other = {"active": "ending", "ending": "ended", "ended": "active"}[row.state.value]
        tx.put(msgspec.structs.replace(row, state=EnvironmentState(other)))


def members(reader: Reader) -> dict[Any, Any]:
    return {
        (rows.member.environment, rows.member.app): rows
        for owner in ENVIRONMENTS
        for rows in rows_in(reader, owner)
    }


def environments(reader: Reader) -> dict[Any, Environment]:
    rows = reader.find(Environment)
    return {row.id: row for row in rows if row.state is not EnvironmentState.ENDED}


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_is_done_what_is_held_is_what_the_store_has(store, seed):
    chance, mirrors = random.Random(seed), Mirrors(store)
    await store.write(lambda tx: [tx.put(environment(identity)) for identity in ENVIRONMENTS])
    for number in range(1, 200):
        await store.write(lambda tx, n=number: something(tx, chance, n))
        if chance.random() < 0.3:
            held, there = await mirrors.members.all(), await store.read(members)
            assert dict(held) == there
            assert dict(await mirrors.environments.all()) == await store.read(environments)


async def test_looking_again_reads_nothing_and_after_a_change_what_has_changed(store):
    counting = CountingStore(store)
    mirrors = Mirrors(counting)

    def fill(tx: Any) -> None:
        for identity in ENVIRONMENTS:
            tx.put(environment(identity))
            for app in APPS:
                tx.put(Member(environment=identity, app=app, live=1))
                tx.put(release(identity, app, 1))

    await store.write(fill)
    await mirrors.members.all()
    assert counting.rows_read() >= len(ENVIRONMENTS) * len(APPS)
    await mirrors.members.all()
    assert counting.rows_read() == 0
    row = container("c", environment=ENVIRONMENTS[0], app=APPS[0], state=ContainerState.HEALTHY)
    await store.write(lambda tx: tx.put(row))
    held = await mirrors.members.all()
    assert held[ENVIRONMENTS[0], APPS[0]].healthy == 1
    assert counting.rows_read() <= 5


async def test_what_changes_while_it_is_read_is_read_again(store):
    """The reading is of before the change, which is told while it goes on."""
    changed = asyncio.Event()

    class Slow(CountingStore):
        async def read(self, question: Callable[[Any], Any]) -> Any:
            found = await super().read(question)
            if not changed.is_set():
                changed.set()
                await store.write(lambda tx: tx.delete(Member, ENVIRONMENTS[0], APPS[0]))
            return found

    await store.write(lambda tx: tx.put(environment(ENVIRONMENTS[0])))
    await store.write(lambda tx: tx.put(Member(environment=ENVIRONMENTS[0], app=APPS[0])))
    assert dict(await Mirrors(Slow(store)).members.all()) == {}


async def test_a_reading_that_failed_is_made_again(store):
    class Failing(CountingStore):
        fails = True

        async def read(self, question: Callable[[Any], Any]) -> Any:
            if self.fails:
                raise OSError("no")
            return await super().read(question)

    failing = Failing(store)
    held = Mirrors(failing).environments
    with pytest.raises(OSError, match="no"):
        await held.all()
    failing.fails = False
    await store.write(lambda tx: tx.put(environment(ENVIRONMENTS[0])))
    assert list(await held.all()) == [ENVIRONMENTS[0]]
    await store.write(lambda tx: tx.put(environment(ENVIRONMENTS[1])))
    failing.fails = True
    with pytest.raises(OSError, match="no"):
        await held.all()
    failing.fails = False
    assert sorted(await held.all()) == ENVIRONMENTS[:2]


async def test_what_nobody_looks_at_for_long_is_let_go_of_and_read_anew(store):
    mirrors = Mirrors(store)
    assert dict(await mirrors.apps.all()) == {}

    def fill(tx: Any) -> None:
        for number in range(1500):
            name, digest = AppName(f"a{number}"), Digest(f"d{number}")
            source = Source(
                digest=digest,
                app=name,
                manifest=MANIFEST,
                size_bytes=1,
                created_at=NOW,
                created_by="ana",
            )
            tx.put(source)
            tx.put(App(name=name, source=digest, updated_at=NOW))

    await store.write(fill)
    assert mirrors.apps.held == 0
    assert len(await mirrors.apps.all()) == 1500


async def test_nothing_is_watched_before_somebody_looks(store):
    seen: list[Any] = []

    class Watched(CountingStore):
        async def watch(self, *asked: Any) -> None:
            seen.append(asked)
            await super().watch(*asked)

    held: Mirror[ContainerId, Any] = Mirrors(Watched(store)).members
    assert seen == []
    await held.all()
    assert len(seen) == 1
