"""Of each app in an environment that goes on so many deployments and releases are kept."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from headway.control import lookup
from headway.control.forgetting import old_deployments
from headway.control.forgetting.old_deployments import OldDeployments
from headway.control.forgetting.old_environments import forget_environments
from headway.control.forgetting.retention import Retention
from headway.control.removing import Removing
from headway.model.build import Build, BuildState
from headway.model.container import Container, ContainerKind, ContainerState
from headway.model.deployment import Deployment, DeploymentKind, Phase
from headway.model.environment import Environment, EnvironmentState, Member
from headway.model.ids import BuildId, ContainerId, DeploymentId, Digest, NodeId, RunId
from headway.model.job import Job
from headway.model.manifest import Strategy
from headway.model.release import Release
from headway.model.run import Run, RunState
from headway.ports.engine import EngineUnavailable
from tests.contract.store.counting import CountingStore
from tests.simulation.conftest import APP, ENVIRONMENT, SMALL

NOW = datetime.now(UTC)
NOOP = Job(name="noop", function="m:f", resources=SMALL)
MADE = 20
LATER = timedelta(minutes=6)
"""When what could not be removed is tried again."""


def deployment(number: int, **fields: object) -> Deployment:
    row = Deployment(
        id=DeploymentId(f"dep-{number}"),
        environment=ENVIRONMENT,
        app=APP,
        number=number,
        kind=DeploymentKind.DEPLOY,
        strategy=Strategy.ROLLING,
        phase=Phase.SUCCEEDED,
        build=BuildId(f"bld-{number}"),
        release=number,
        previous=number - 1 or None,
        created_at=NOW,
        created_by="me",
        progress_at=NOW,
        ended_at=NOW,
    )
    return msgspec.structs.replace(row, **fields)


def build(number: int) -> Build:
    return Build(
        id=BuildId(f"bld-{number}"),
        app=APP,
        source=Digest("s"),
        state=BuildState.SUCCEEDED,
        container=ContainerId(f"build-bld-{number}"),
        created_at=NOW,
        created_by="me",
    )


def run(number: int, pinned: int, state: RunState) -> Run:
    return Run(
        id=RunId(f"r{number}"),
        environment=ENVIRONMENT,
        app=APP,
        job="noop",
        state=state,
        pinned=pinned,
        queue="default",
        created_at=NOW,
        created_by="me",
        ended_at=NOW if state is RunState.SUCCEEDED else None,
    )


class Keeper:
    """What forgets, and what is there."""

    def __init__(self, plane) -> None:
        self.plane = plane
        self.removing = Removing(plane.world)
        self.old = OldDeployments(plane.world, self.removing)

    async def put(self, *rows: object) -> None:
        await self.plane.store.write(lambda tx: [tx.put(row) for row in rows])

    async def forget(self, *, deployments: int = 1000, releases: int = 1000) -> None:
        world = self.plane.world
        world.settings = msgspec.structs.replace(
            world.settings, deployments_kept=deployments, releases_kept=releases
        )
        world.bell.member((ENVIRONMENT, APP))
        await self.old.forget()

    async def there(self, kind: type) -> list[int]:
        rows = await self.plane.store.read(lambda reader: reader.find(kind))
        return [row.number for row in rows]

    async def builds(self) -> list[str]:
        return [row.id for row in await self.plane.store.read(lambda reader: reader.find(Build))]

    async def told(self) -> list[tuple[str, dict]]:
        events = await self.plane.store.read(lambda reader: reader.events(app=APP))
        return [(one.kind, one.data) for one in events if one.kind.endswith(".forgotten")]


@pytest.fixture
async def keeper(plane) -> Keeper:
    """An app that was deployed twenty times; the last release serves."""
    for number in range(1, MADE + 1):
        await plane.release(NOOP, number=number)
    made = Keeper(plane)
    for number in range(1, MADE + 1):
        await made.put(deployment(number), build(number))
    return made


async def test_the_oldest_are_forgotten_with_their_builds_and_that_is_told(keeper):
    await keeper.forget(deployments=18, releases=17)
    assert await keeper.there(Deployment) == list(range(3, MADE + 1))
    assert await keeper.there(Release) == list(range(4, MADE + 1))
    assert await keeper.builds() == [f"bld-{number}" for number in range(3, MADE + 1)]
    assert await keeper.told() == [
        ("deployment.forgotten", {"deployments": ["dep-1", "dep-2"]}),
        ("release.forgotten", {"releases": [1, 2, 3]}),
    ]


async def test_what_is_not_too_much_stays_and_nothing_is_told(keeper):
    await keeper.forget(deployments=MADE, releases=MADE)
    assert await keeper.there(Deployment) == list(range(1, MADE + 1))
    assert await keeper.there(Release) == list(range(1, MADE + 1))
    assert await keeper.told() == []


async def test_a_release_stays_that_serves_served_before_runs_is_under_way_or_is_pinned(keeper):
    container = Container(
        id=ContainerId("web-1"),
        environment=ENVIRONMENT,
        app=APP,
        kind=ContainerKind.SERVICE,
        process="web",
        release=4,
        node=NodeId("here"),
        state=ContainerState.HEALTHY,
        created_at=NOW,
    )
    under_way = deployment(MADE + 2, phase=Phase.STARTING, release=5, previous=6, ended_at=None)
    member = await keeper.plane.store.read(lambda reader: reader.get(Member, ENVIRONMENT, APP))
    await keeper.put(
        msgspec.structs.replace(member, live=2),
        deployment(MADE + 1, release=2, previous=9),
        container,
        under_way,
        run(1, 7, RunState.WAITING),
        run(2, 8, RunState.SUCCEEDED),
    )
    await keeper.forget(releases=10)
    assert await keeper.there(Release) == [2, 4, 5, 6, 7, 9, *range(11, MADE + 1)]


async def test_what_was_built_stays_for_what_serves_served_before_or_is_waited_for(keeper):
    def deed(tx) -> None:
        for row in tx.find(Release):
            built = msgspec.structs.replace(row.artifact, digest=Digest(row.label))
            tx.put(msgspec.structs.replace(row, artifact=built))
        member = tx.get(Member, ENVIRONMENT, APP)
        tx.put(msgspec.structs.replace(member, live=2))
        tx.put(deployment(MADE + 1, release=2, previous=9))
        tx.put(run(1, 7, RunState.WAITING))
        tx.put(run(2, 8, RunState.SUCCEEDED))

    await keeper.plane.store.write(deed)
    in_use = await keeper.plane.store.read(Retention(keeper.plane.world).in_use)
    newest = [f"v{number}" for number in range(MADE, MADE - 5, -1)]
    assert {one.digest for one in in_use.artifacts} == {"v2", "v7", "v9", *newest}


async def test_a_deployment_that_is_under_way_stays_and_so_does_a_build_that_another_has(keeper):
    await keeper.put(
        deployment(MADE + 1, build=BuildId("bld-2")),
        deployment(MADE + 2, phase=Phase.QUEUED, ended_at=None),
        msgspec.structs.replace(
            await keeper.plane.store.read(lambda reader: reader.get(Deployment, "dep-1")),
            phase=Phase.STARTING,
            ended_at=None,
        ),
    )
    await keeper.forget(deployments=10)
    assert await keeper.there(Deployment) == [1, *range(13, MADE + 3)]
    assert "bld-1" in await keeper.builds()
    assert "bld-2" in await keeper.builds()
    assert "bld-3" not in await keeper.builds()


async def test_a_build_whose_log_cannot_be_removed_stays_with_its_deployment(keeper):
    remove = keeper.plane.engine.remove

    async def silent(_container: ContainerId) -> None:
        raise EngineUnavailable("its node does not answer")

    keeper.plane.engine.remove = silent
    await keeper.forget(deployments=10)
    assert await keeper.there(Deployment) == list(range(1, MADE + 1))
    assert await keeper.told() == []
    keeper.plane.engine.remove = remove
    keeper.plane.clock.ahead += LATER
    await keeper.old.forget()  # though nothing of the app changed meanwhile
    assert await keeper.there(Deployment) == list(range(11, MADE + 1))


def without(engine, *silent: str) -> None:
    """Have the node of some builds not answer."""
    remove = engine.remove

    async def asked(container: ContainerId) -> None:
        if container in silent:
            raise EngineUnavailable("its node does not answer")
        await remove(container)

    engine.remove = asked


async def test_others_are_forgotten_behind_one_whose_build_cannot_be_removed(keeper, monkeypatch):
    monkeypatch.setattr(old_deployments, "AT_ONCE", 2)
    without(keeper.plane.engine, "build-bld-1", "build-bld-2", "build-bld-6")
    await keeper.forget(deployments=10)
    assert await keeper.there(Deployment) == [1, 2, 6, *range(11, MADE + 1)]
    assert await keeper.builds() == [f"bld-{n}" for n in (1, 2, 6, *range(11, MADE + 1))]
    told = [name for _, data in await keeper.told() for name in data["deployments"]]
    assert told == [f"dep-{n}" for n in (3, 4, 5, 7, 8, 9, 10)]


async def test_releases_behind_many_that_are_pinned_are_forgotten(keeper, monkeypatch):
    monkeypatch.setattr(old_deployments, "AT_ONCE", 2)
    await keeper.put(*(run(number, number, RunState.WAITING) for number in range(1, 8)))
    await keeper.forget(releases=10)
    assert await keeper.there(Release) == [*range(1, 8), *range(11, MADE + 1)]


async def before(keeper: Keeper) -> tuple[int | None, int]:
    """Give what served before the live release, and how many rows were read for it."""
    store = CountingStore(keeper.plane.store)

    def asked(reader) -> int | None:
        return lookup.before(reader, member)

    member = await keeper.plane.store.read(lambda reader: reader.get(Member, ENVIRONMENT, APP))
    return await store.read(asked), store.rows_read()


async def test_what_served_before_is_found_without_reading_all_deployments(keeper):
    assert await before(keeper) == (MADE - 1, 10)


async def test_what_served_before_is_found_behind_many_deployments_that_failed(keeper):
    later = range(MADE + 1, MADE + 36)
    await keeper.put(*(deployment(n, phase=Phase.ROLLED_BACK, previous=MADE) for n in later))
    assert await before(keeper) == (MADE - 1, 40)


async def test_what_served_before_is_not_looked_for_behind_what_is_kept_in_any_case(keeper):
    later = range(MADE + 1, MADE + 201)
    await keeper.put(*(deployment(n, phase=Phase.ROLLED_BACK, previous=MADE) for n in later))
    assert await before(keeper) == (None, 200)


async def test_an_app_that_did_nothing_since_is_not_looked_at(keeper):
    await keeper.forget()
    world = keeper.plane.world
    world.store = store = CountingStore(keeper.plane.store)
    await keeper.old.forget()
    assert store.rows_read() == 0
    world.bell.member((ENVIRONMENT, APP))
    await keeper.old.forget()
    assert 0 < store.rows_read() < MADE


async def test_builds_of_an_environment_that_is_forgotten_go_with_it(keeper):
    def deed(tx) -> None:
        row = tx.get(Environment, ENVIRONMENT)
        tx.put(msgspec.structs.replace(row, state=EnvironmentState.ENDED, ended_at=NOW))

    await keeper.plane.store.write(deed)
    world = keeper.plane.world
    world.settings = msgspec.structs.replace(world.settings, environments_kept=0)
    remove = keeper.plane.engine.remove
    without(keeper.plane.engine, "build-bld-3")
    await forget_environments(world, keeper.removing)
    assert await keeper.builds() == ["bld-3"]
    assert await keeper.there(Deployment) == [3]
    keeper.plane.engine.remove = remove
    keeper.plane.clock.ahead += LATER
    await forget_environments(world, keeper.removing)
    assert await keeper.builds() == []
    assert await keeper.there(Deployment) == []
    assert await keeper.there(Release) == []
