"""Of environments that have ended so many are kept as the settings say, and the newest."""

from datetime import UTC, datetime, timedelta
from time import process_time

import msgspec
import pytest

from headway.control.forgetting.old_environments import forget_environments
from headway.control.idempotency import KEPT, forget_answers
from headway.control.removing import Removing
from headway.model.answer import Answer
from headway.model.container import Container, ContainerKind, ContainerState
from headway.model.environment import Environment, EnvironmentState
from headway.model.event import Event
from headway.model.ids import ContainerId, EnvironmentId, NodeId, RunId
from headway.model.job import Job
from headway.model.lease import Tenure
from headway.model.release import Release
from headway.model.run import Run, RunState
from headway.ports.engine import EngineUnavailable
from tests.contract.store.counting import CountingStore
from tests.simulation.conftest import APP, ENVIRONMENT, SMALL

NOW = datetime.now(UTC)
NOOP = Job(name="noop", function="m:f", resources=SMALL)


def had_by(environment: EnvironmentId, release: Release, minute: int) -> list:
    """What there is of an environment that has ended so many minutes after the first."""
    at = NOW + timedelta(minutes=minute)
    container = Container(
        id=ContainerId(f"{environment}-web"),
        environment=environment,
        app=APP,
        kind=ContainerKind.SERVICE,
        process="web",
        release=1,
        node=NodeId("here"),
        state=ContainerState.EXITED,
        retired=True,
        created_at=at,
    )
    return [
        Environment(
            id=environment,
            lease=Tenure(holder="me", until=None),
            state=EnvironmentState.ENDED,
            created_at=NOW,
            created_by="me",
            ended_at=at,
        ),
        msgspec.structs.replace(release, environment=environment),
        container,
    ]


@pytest.fixture
async def ended(plane) -> list[EnvironmentId]:
    """Three that have ended, the second made first; the newest of them and one more live on."""
    await plane.release(NOOP)
    release = await plane.store.read(lambda reader: reader.get(Release, ENVIRONMENT, APP, 1))
    names = [EnvironmentId(f"old~{number}") for number in range(3)]
    for name in (names[1], names[0], names[2]):
        rows = had_by(name, release, names.index(name))
        await plane.store.write(lambda tx, rows=rows: [tx.put(row) for row in rows])
    return names


class WritesCounted:
    """A store that counts its transactions."""

    def __init__(self, store) -> None:
        self._store = store
        self.read = store.read
        self.writes = 0

    async def write(self, deed):
        self.writes += 1
        return await self._store.write(deed)


class PutAfterReading:
    """A store in which a row is put after each question, before its answer arrives."""

    def __init__(self, store, row) -> None:
        self._store, self._row = store, row
        self.write = store.write

    async def read(self, question):
        found = await self._store.read(question)
        await self._store.write(lambda tx: tx.put(self._row))
        return found


async def left(plane, kept: int) -> list[str]:
    plane.world.settings = msgspec.structs.replace(plane.world.settings, environments_kept=kept)
    await forget_environments(plane.world, Removing(plane.world))

    def question(reader) -> list[str]:
        there = {row.id for row in reader.find(Environment)}
        assert {row.environment for row in reader.find(Release)} == there
        assert {row.environment for row in reader.find(Container)} <= there
        return sorted(there)

    return await plane.store.read(question)


async def test_those_that_ended_first_are_forgotten_with_all_they_had(plane, ended):
    assert await left(plane, 3) == [ENVIRONMENT, *ended]
    assert await left(plane, 1) == [ENVIRONMENT, ended[2]]
    assert await left(plane, 0) == [ENVIRONMENT]


def ended_run(environment: EnvironmentId) -> Run:
    return Run(
        id=RunId("r1"),
        environment=environment,
        app=APP,
        job="noop",
        state=RunState.SUCCEEDED,
        queue="default",
        created_at=NOW,
        created_by="me",
        ended_at=NOW,
    )


async def test_one_whose_ended_runs_are_kept_stays_as_long_as_they_do(plane, ended):
    await plane.store.write(lambda tx: tx.put(ended_run(ended[0])))
    assert await left(plane, 1) == [ENVIRONMENT, ended[0], ended[2]]
    await plane.store.write(lambda tx: tx.delete(Run, "r1"))
    assert await left(plane, 1) == [ENVIRONMENT, ended[2]]


async def test_to_see_that_one_stays_costs_the_same_however_many_releases_it_had(plane, ended):
    await plane.store.write(lambda tx: tx.put(ended_run(ended[0])))
    plane.world.settings = msgspec.structs.replace(plane.world.settings, environments_kept=2)
    plane.world.store = store = CountingStore(plane.store)
    await forget_environments(plane.world, Removing(plane.world))
    cost = store.rows_read()

    def deed(tx) -> None:
        first = tx.get(Release, ended[0], APP, 1)
        for number in range(2, 50):
            tx.put(msgspec.structs.replace(first, number=number))

    await plane.store.write(deed)
    await forget_environments(plane.world, Removing(plane.world))
    assert store.rows_read() == cost


async def test_what_happened_in_it_is_told_for_as_long_as_events_are_kept(plane, ended):
    event = Event(
        at=NOW, actor="me", kind="environment.ended", subject=ended[0], environment=ended[0]
    )
    await plane.store.write(lambda tx: tx.record(event))
    await left(plane, 0)
    found = await plane.store.read(lambda reader: reader.events(environment=ended[0]))
    assert [one.kind for one in found] == ["environment.ended"]


async def test_answers_to_requests_go_when_nobody_is_given_them_any_more(plane):
    def answer(key: str, at: datetime) -> Answer:
        return Answer(key=key, request="r", body="{}", at=at)

    old = [answer(f"old-{number}", NOW - KEPT - timedelta(hours=1)) for number in range(3)]
    new = answer("new", NOW)
    await plane.store.write(lambda tx: [tx.put(row) for row in (old[0], new, *old[1:])])
    await forget_answers(plane.world)
    assert await plane.store.read(lambda reader: reader.find(Answer)) == [new]


async def test_answers_go_however_many_keys_before_them_were_used_again(plane):
    def given(prefix: str, at: datetime) -> list[Answer]:
        return [Answer(key=f"{prefix}-{n}", request="r", body="{}", at=at) for n in range(600)]

    old = NOW - KEPT - timedelta(hours=1)
    again = given("again", NOW)
    for rows in (given("again", old), given("once", old), again):
        await plane.store.write(lambda tx, rows=rows: [tx.put(row) for row in rows])
    await forget_answers(plane.world)
    assert await plane.store.read(lambda reader: reader.find(Answer)) == again


async def test_a_key_that_is_used_again_while_answers_are_forgotten_keeps_its_new_answer(plane):
    old = Answer(key="k", request="r", body="old", at=NOW - KEPT - timedelta(hours=1))
    new = msgspec.structs.replace(old, body="new", at=NOW)
    await plane.store.write(lambda tx: tx.put(old))
    plane.world.store = PutAfterReading(plane.store, new)
    await forget_answers(plane.world)
    assert await plane.store.read(lambda reader: reader.find(Answer)) == [new]


async def test_of_one_without_containers_nothing_is_written_but_that_it_is_gone(plane, ended):
    def deed(tx) -> None:
        for row in tx.find(Container):
            tx.delete(Container, row.id)

    await plane.store.write(deed)
    plane.world.store = store = WritesCounted(plane.world.store)
    await left(plane, 2)
    one = store.writes
    await left(plane, 0)
    assert (one, store.writes) == (2, 6)  # each: its rows, and that none is left


async def test_others_go_on_behind_what_cannot_be_removed_which_is_told_and_tried_ever_less_often(
    plane, ended
):
    def deed(tx) -> None:
        first = tx.get(Container, f"{ended[0]}-web")
        for name in ("a", "z"):
            tx.put(msgspec.structs.replace(first, id=ContainerId(name), version=0))

    await plane.store.write(deed)
    plane.world.settings = msgspec.structs.replace(plane.world.settings, environments_kept=0)
    removing = Removing(plane.world)
    remove, asked = plane.engine.remove, []

    async def but_one(container: ContainerId) -> None:
        asked.append(container)
        if container == "a":
            raise EngineUnavailable("its node does not answer")
        await remove(container)

    plane.engine.remove = but_one

    async def after(minutes: int) -> list[str]:
        plane.clock.ahead = timedelta(minutes=minutes)
        await forget_environments(plane.world, removing)
        removing.forget()
        return [row.id for row in await plane.store.read(lambda reader: reader.find(Container))]

    for minutes in range(0, 60, 10):
        assert await after(minutes) == ["a"]
    assert asked.count("a") == 4  # at once, and after 10, 20 and 40 minutes
    assert asked.count("z") == 1
    (_, said) = plane.world.troubles["removal"]
    assert "removed: a: its node does not answer" in said
    plane.engine.remove = remove
    assert await after(90) == []
    assert "removal" not in plane.world.troubles
    there = await plane.store.read(lambda reader: reader.find(Environment))
    assert [row.id for row in there] == [ENVIRONMENT]


async def test_of_thousands_that_cannot_be_removed_the_first_are_told_and_the_rest_counted(plane):
    async def silent(_container: ContainerId) -> None:
        raise EngineUnavailable("its node does not answer")

    plane.engine.remove = silent
    removing, names = Removing(plane.world), [ContainerId(f"c-{at}") for at in range(4000)]
    assert await removing.left(names) == set(names)
    began = process_time()
    for name in names:
        assert await removing.left((name,)) == {name}
    assert process_time() - began < 1  # with a look at all of them for each it is many seconds
    (_, said) = plane.world.troubles["removal"]
    assert [name for name in names if f"{name}:" in said] == names[:3]
    assert said.endswith("and 3997 more")


async def test_what_nobody_wants_removed_any_more_is_told_no_longer(plane):
    async def silent(_container: ContainerId) -> None:
        raise EngineUnavailable("its node does not answer")

    plane.engine.remove = silent
    removing = Removing(plane.world)
    assert await removing.left([ContainerId("a")]) == {"a"}
    removing.forget()
    assert "removal" in plane.world.troubles
    plane.clock.ahead = timedelta(hours=1)
    removing.forget()
    assert "removal" not in plane.world.troubles
