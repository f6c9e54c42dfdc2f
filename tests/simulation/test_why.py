"""What `headway why` says of a job: what of it waits and runs, and how its last run ended."""

import asyncio
from functools import partial

import msgspec
import pytest

from headway.control import nodes
from headway.control.errors import Conflict, NotFound
from headway.control.queries.why import explain
from headway.control.runs import schedules
from headway.model.container import Container, ContainerKind, ContainerState
from headway.model.environment import Environment, Member
from headway.model.event import Event
from headway.model.job import Job
from headway.model.release import Release
from headway.model.resources import Resources
from headway.model.schedule import Schedule, ScheduleState
from tests.simulation.conftest import APP, ENVIRONMENT, SMALL

EXPORT = Job(name="export", function="m:f", resources=SMALL, timeout_s=600)


async def why(plane, thing: str, **where):
    found = await explain(plane.world, plane.dispatch, thing, **where)
    assert found.thing == thing
    return found


@pytest.mark.parametrize("name", ["export", "shop/export", "demo/export", "demo/shop/export"])
async def test_a_job_is_known_by_its_name_its_app_and_its_environment(plane, name):
    await plane.release(EXPORT)
    assert (await why(plane, name)).because == "it was never invoked"
    row = await plane.ended(await plane.run("export", parameters={"fail": "down"}))
    found = await why(plane, name)
    assert (found.state, found.because[:16]) == ("idle", f"0 wait, 0 run; {row.id[0]}")
    assert f"{row.id} is failed: " in found.because
    assert found.next == ("headway runs ls -e demo --job shop/export",)


async def test_a_job_of_which_something_waits_says_why(plane):
    await plane.release(EXPORT)
    await nodes.cordon(plane.world, "ana", "here")
    run = await plane.run("export")
    found = await why(plane, "export", environment="demo", app="shop")
    assert found.state == "waiting"
    assert f"1 wait, 0 run; {run.id} is queued: " in found.because


@pytest.mark.parametrize("name", ["exprt", "demo/exprt", "other/export"])
async def test_what_nobody_has_is_not_known(plane, name):
    await plane.release(EXPORT)
    with pytest.raises(NotFound, match=f"nothing is known as {name}"):
        await explain(plane.world, plane.dispatch, name)


async def test_a_large_run_says_whether_others_go_before_it(plane):
    """Before room is reserved for it, which is after a minute."""
    half, most, few = (
        msgspec.structs.replace(EXPORT, name=name, resources=Resources(cpu=cpu, memory_mib=64))
        for name, cpu in (("half", 2), ("most", 3), ("few", 0.5))
    )
    await plane.release(half, most, few)
    await plane.until(await plane.run("half", parameters={"sleep_s": 60}), "running")
    large = await plane.run("most")
    async with asyncio.timeout(10):
        while "cores needed" not in (found := await why(plane, large.id)).because:
            await asyncio.sleep(0.01)
    assert "nothing of its priority or a lower one has gone before it" in found.because
    await plane.ended(await plane.run("few"))
    found = await why(plane, large.id)
    assert "others have gone before it since " in found.because
    assert "room is reserved for it before another would" in found.because
    assert "nothing of its priority" not in found.because


NIGHTLY = Schedule(name="nightly", job="export", cron="0 2 * * *", parameters={"fail": "down"})


async def adopted(plane, schedule: str, *, live: bool = True) -> None:
    async with asyncio.timeout(10):
        while True:
            rows = await plane.store.read(lambda reader: reader.find(ScheduleState))
            if [row.name for row in rows if row.live is live] == [schedule]:
                return
            plane.schedules.look()
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("name", ["nightly", "shop/nightly", "demo/shop/nightly"])
async def test_a_schedule_says_when_its_next_time_comes_and_how_its_last_run_ended(plane, name):
    await plane.release(EXPORT, schedules=(NIGHTLY,))
    await adopted(plane, "nightly")
    found = await why(plane, name)
    assert found.state == "on"
    assert found.because.startswith("its next time is ")
    assert found.because.endswith(" 02:00:00 UTC")

    row = await plane.ended(await plane.run("export", parameters={"fail": "down"}))

    def ran(tx) -> None:
        (state,) = tx.find(ScheduleState)
        tx.put(msgspec.structs.replace(state, last_run=row.id))

    await plane.store.write(ran)
    found = await why(plane, name)
    assert f"; its last run {row.id} is failed: " in found.because
    assert found.happened[-1].event.kind == "run.failed"


async def test_what_several_have_is_not_taken_for_that_of_one(plane):
    """Neither of two apps of one environment, nor of one app in two."""
    await plane.release(EXPORT, schedules=(NIGHTLY,))
    await adopted(plane, "nightly")

    def more(tx) -> None:
        (state,) = tx.find(ScheduleState)
        tx.put(msgspec.structs.replace(state, app="mail", version=0))
        owner = tx.get(Environment, ENVIRONMENT)
        tx.put(msgspec.structs.replace(owner, id="live~1", version=0))
        release, member = tx.get(Release, ENVIRONMENT, APP, 1), tx.get(Member, ENVIRONMENT, APP)
        tx.put(msgspec.structs.replace(release, environment="live~1"))
        tx.put(msgspec.structs.replace(member, environment="live~1", version=0))

    await plane.store.write(more)
    with pytest.raises(Conflict, match="schedule nightly: say demo/mail/nightly, demo/shop/nig"):
        await why(plane, "nightly")
    await why(plane, "demo/mail/nightly")
    with pytest.raises(Conflict, match="have a job export: say demo/shop/export, live/shop/export"):
        await why(plane, "export")
    assert (await why(plane, "export", environment="live")).state == "idle"

    pause = partial(schedules.pause, plane.world, plane.schedules, "ana", "demo")
    with pytest.raises(Conflict, match="nightly in demo: say mail/nightly, shop/nightly"):
        await pause("nightly")
    assert (await pause("mail/nightly")).state.app == "mail"
    rows = await plane.store.read(lambda reader: reader.find(ScheduleState, app="mail"))
    assert [row.paused for row in rows] == [True]


async def test_a_schedule_that_makes_no_runs_says_why(plane):
    await plane.release(EXPORT, schedules=(NIGHTLY,))
    await adopted(plane, "nightly")
    await schedules.pause(plane.world, plane.schedules, "ana", "demo", "nightly")
    found = await why(plane, "nightly")
    assert found.state == "paused"
    assert found.because == "paused by ana: no time of it makes a run until it is resumed"
    await schedules.resume(plane.world, plane.schedules, "ana", "demo", "nightly")
    await plane.release(EXPORT, number=2)
    await adopted(plane, "nightly", live=False)
    found = await why(plane, "nightly")
    assert (found.state, found.because.partition(":")[0]) == (
        "off",
        "no release that serves declares it",
    )


async def test_a_container_or_app_that_several_have_is_not_taken_for_that_of_the_first(plane):
    await plane.release(EXPORT)

    def more(tx) -> None:
        owner = tx.get(Environment, ENVIRONMENT)
        tx.put(msgspec.structs.replace(owner, id="live~1", version=0))
        for environment, app in ((ENVIRONMENT, "mail"), ("live~1", APP)):
            tx.put(Member(environment=environment, app=app))
        for environment, app in ((ENVIRONMENT, APP), (ENVIRONMENT, "mail"), ("live~1", APP)):
            tx.put(copy_of(plane, environment, app))

    await plane.store.write(more)
    with pytest.raises(Conflict) as said:
        await why(plane, "web.1")
    names = ["demo/mail/web.1", "demo/shop/web.1", "live/shop/web.1"]
    assert said.value.because == f"3 have a container web.1: say {', '.join(names)}"
    assert said.value.next == tuple(f"headway why {name}" for name in names)
    for name, identity in (
        (names[0], "demo-mail"),
        (names[2], "live-shop"),
        ("mail/web.1", "demo-mail"),
    ):
        assert f"serves {identity}" in (await why(plane, name)).because
    assert "serves live-shop" in (await why(plane, "web.1", environment="live")).because
    assert "serves demo-mail" in (await why(plane, "web.1", environment="demo", app="mail")).because
    with pytest.raises(Conflict, match="2 have an app shop: say demo/shop, live/shop"):
        await why(plane, "shop")
    assert (await why(plane, "shop", environment="live")).state
    assert (await why(plane, "mail")).state


async def test_of_copies_of_one_name_that_which_stays_is_meant(plane):
    await plane.release(EXPORT)

    def more(tx) -> None:
        new = copy_of(plane, ENVIRONMENT, APP)
        tx.put(
            msgspec.structs.replace(
                new, id="old", state=ContainerState.STOPPING, because="it leaves"
            )
        )
        tx.put(new)

    await plane.store.write(more)
    assert "serves demo-shop" in (await why(plane, "web.1")).because


def copy_of(plane, environment: str, app: str) -> Container:
    return Container(
        id=f"{environment.partition('~')[0]}-{app}",
        environment=environment,
        app=app,
        process="web",
        slot=1,
        kind=ContainerKind.SERVICE,
        release=1,
        deployment="d",
        node="here",
        resources=SMALL,
        state=ContainerState.HEALTHY,
        because=f"it serves {environment.partition('~')[0]}-{app}",
        created_at=plane.world.clock.now(),
    )


async def test_what_led_to_how_an_app_is_is_bounded_and_says_how_often(plane):
    await plane.release(EXPORT)
    now = plane.world.clock.now()

    def more(tx) -> None:
        for number in range(100):
            tx.record(crash(now))
            tx.record(msgspec.structs.replace(crash(now), kind=f"deployment.{number}"))

    await plane.store.write(more)
    found = await why(plane, "shop")
    assert len(found.happened) == 30
    crashes = next(one for one in found.happened if one.event.kind == "container.exited")
    assert crashes.times == 100
    assert found.happened[-1].event.kind == "deployment.99"


def crash(now) -> Event:
    return Event(
        at=now,
        actor="headway",
        kind="container.exited",
        subject="c",
        environment=ENVIRONMENT,
        app=APP,
        because="exit status 1",
    )
