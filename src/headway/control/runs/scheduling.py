"""The loop over schedules: each time that comes makes its run, once."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import NamedTuple

import msgspec

from headway.calculate.runs.fan_in import awaited_time
from headway.calculate.runs.schedule import Due, adopt, plan_schedule
from headway.control import lookup
from headway.control.errors import HeadwayError
from headway.control.requests import Invocation
from headway.control.runs import runs
from headway.control.runs.dispatch import Dispatch
from headway.control.runs.events import SCHEDULED_AT
from headway.control.runs.invoking import made, named, put_all
from headway.control.runs.targets import Target
from headway.control.waiting import rung
from headway.control.world import World
from headway.model.environment import Environment, EnvironmentState, Member
from headway.model.ids import AppName, EnvironmentId, MemberKey
from headway.model.instant import microseconds
from headway.model.queue import QueueHold
from headway.model.run import After, Run, ScheduledBy, key_name
from headway.model.schedule import ScheduleState
from headway.ports.store import Reader, Writer

_AT_ONCE = 200
_ACTOR = "headway"
_Key = tuple[EnvironmentId, AppName, str]


class Fired(NamedTuple):
    """What a schedule whose time came has made."""

    runs: list[Run]
    cancel: str | None
    """The run that makes room."""


class Schedules:
    """Follows what live releases declare, and the clock."""

    def __init__(self, world: World, dispatch: Dispatch) -> None:
        self._world = world
        self._dispatch = dispatch
        self._changed: dict[MemberKey, None] = {}
        self._adopted: dict[MemberKey, int] = {}
        self._next: datetime | None = None
        self._wake = asyncio.Event()
        world.bell.member.calls(self._ring)

    def look(self) -> None:
        """Look again: a schedule was changed."""
        self._next = self._world.clock.now()
        self._wake.set()

    def _ring(self, key: MemberKey) -> None:
        self._changed[key] = None
        self._wake.set()

    async def run(self) -> None:
        """Make runs as their times come, for ever."""
        await self._dispatch.opened.wait()
        self._next = self._world.clock.now()
        while True:
            self._wake.clear()
            await self._adopt_changed()
            await self._fire()
            now = self._world.clock.now()
            await rung(self._wake, self._next, now)

    async def _adopt_changed(self) -> None:
        """Take over the schedules of releases that have become live."""
        while self._changed:
            key = next(iter(self._changed))
            del self._changed[key]
            try:
                await self._adopt(key)
            except BaseException:
                self._changed[key] = None
                raise

    async def _adopt(self, key: MemberKey) -> None:
        standing = await self._dispatch.book.standing(key)
        number = 0 if standing.shut or standing.release is None else standing.release.number
        if self._adopted.get(key) == number:
            return
        now = self._world.clock.now()
        written = await self._world.store.write(partial(_adopt, key=key, now=now))
        self._adopted[key] = number
        if written:
            self._next = now

    async def _fire(self) -> None:
        now = self._world.clock.now()
        if self._next is None or now < self._next:
            return
        fired, self._next = await self._world.store.write(partial(fire, world=self._world, now=now))
        for row in fired:
            if row.cancel is not None:
                with suppress(HeadwayError):  # it has just ended
                    await runs.cancel(self._world, self._dispatch, _ACTOR, row.cancel)
            self._dispatch.made(row.runs)


def _adopt(tx: Writer, *, key: MemberKey, now: datetime) -> bool:
    """Write down which schedules an app has now; says whether any were changed."""
    environment, app = key
    owner, member = tx.get(Environment, environment), tx.get(Member, environment, app)
    is_active = owner is not None and owner.state is EnvironmentState.ACTIVE
    is_up = is_active and member is not None and not member.stopped
    live = lookup.live(tx, member) if is_up else None
    declared = {row.name: row for row in live.manifest.schedules} if live else {}
    before = {row.name: row for row in tx.find(ScheduleState, environment=environment, app=app)}
    changed = False
    for name in dict.fromkeys((*declared, *before)):
        known = before.get(name)
        if name in declared:
            after = adopt(known, declared[name], now, environment=environment, app=app)
        else:
            assert known is not None
            after = msgspec.structs.replace(known, live=False, next_at=None)
        if after != known:
            tx.put(after)
            changed = True
    return changed


def fire(tx: Writer, *, world: World, now: datetime) -> tuple[list[Fired], datetime | None]:
    """Make the runs of schedules whose time came; gives them, and when the next will come."""
    now_us = microseconds(now)
    due = {
        _key(state): state
        for state in tx.lowest(ScheduleState, "due_us", up_to=now_us, limit=_AT_ONCE)
    }
    fired: list[Fired] = []
    while due:
        _fire_in_turn(tx, world, next(iter(due)), due, fired, now)
    following = tx.lowest(ScheduleState, "due_us")
    return fired, following[0].next_at if following else None


def _key(state: ScheduleState) -> _Key:
    return state.environment, state.app, state.name


def _fire_in_turn(
    tx: Writer,
    world: World,
    key: _Key,
    due: dict[_Key, ScheduleState],
    fired: list[Fired],
    now: datetime,
) -> None:
    """Fire a schedule behind those that it waits for, as far as their times came, too."""
    state = due.pop(key)
    for name in state.schedule.after:
        before = (state.environment, state.app, name)
        other = due.get(before) or tx.get(ScheduleState, *before)
        if other is not None and other.live and other.next_at and other.next_at <= now:
            due[before] = other
            _fire_in_turn(tx, world, before, due, fired, now)
    fired.append(_fire_one(tx, world, state, now))


def _fire_one(tx: Writer, world: World, state: ScheduleState, now: datetime) -> Fired:
    last = tx.get(Run, state.last_run) if state.last_run else None
    running = last is not None and not last.is_ended
    plan = plan_schedule(state, now, running=running)
    after = plan.state
    target = _target(tx, state)
    rows: list[Run] = []
    refused = _refusal(tx, target, state)
    behind = last
    for due in plan.runs if target is not None and not refused else ():
        assert target is not None
        wish = named(world, _invocation(tx, state, due, behind), now)
        try:
            wanted = msgspec.structs.replace(
                made(target, wish, _ACTOR, now),
                schedule=state.name,
                scheduled_by=ScheduledBy.CLOCK,
            )
            ((row, is_new),) = put_all(tx, [wanted], _ACTOR, now)
        except HeadwayError as error:  # it was refused before anything of it was written down
            refused = error.because
            continue
        rows += [row] if is_new else []
        behind = row
    if refused:
        after = msgspec.structs.replace(after, because=f"left out: {refused}")
    tx.put(msgspec.structs.replace(after, last_run=behind.id) if behind is not None else after)
    makes_room = last is not None and plan.cancel_running and not refused
    return Fired(rows, last.id if last is not None and makes_room else None)


def _target(reader: Reader, state: ScheduleState) -> Target | None:
    owner = reader.get(Environment, state.environment)
    member = reader.get(Member, state.environment, state.app)
    live = lookup.live(reader, member)
    job = live.manifest.job(state.schedule.job) if live else None
    return Target(owner, live, job) if owner and live and job else None


def _refusal(reader: Reader, target: Target | None, state: ScheduleState) -> str:
    """Say why no run can be made; empty when one can."""
    if target is None:
        return f"there is no job {state.schedule.job}"
    hold = reader.get(QueueHold, state.environment, state.app, target.job.queue)
    if hold is not None and hold.draining:
        return f"queue {hold.name} was drained by {hold.by}"
    return ""


def _invocation(tx: Reader, state: ScheduleState, due: Due, behind: Run | None) -> Invocation:
    at = _written(due.nominal_at)
    after = [After(run=behind.id, any_end=True)] if due.behind and behind else []
    return Invocation(
        parameters=msgspec.Raw(msgspec.json.encode(state.schedule.parameters)),
        at=due.start_at,
        key=f"{state.name}@{at}",
        tags={"schedule": state.name, SCHEDULED_AT: at},
        after=(*after, *_fan_in(tx, state, due.nominal_at)),
    )


def _fan_in(tx: Reader, state: ScheduleState, nominal_at: datetime) -> Iterator[After]:
    """Give what a run waits for of the schedules that its own comes after.

    They were fired before it. One that has no run for its time has left it out: because it was
    paused, or because its run before goes on, which then is waited for.
    """
    for name in state.schedule.after:
        other = tx.get(ScheduleState, state.environment, state.app, name)
        at = awaited_time(state.schedule, other.schedule, nominal_at) if other else None
        if other is None or at is None:
            continue
        job, key = other.schedule.job, f"{name}@{_written(at)}"
        if tx.find(Run, key_name=key_name(state.environment, state.app, job, key), limit=1):
            yield After(job=job, key=key)
            continue
        last = tx.get(Run, other.last_run) if other.last_run else None
        if last is not None and not last.is_ended:
            yield After(run=last.id)


def _written(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
