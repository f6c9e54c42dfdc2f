"""The loop over schedules: each time that comes makes its run, once."""

import asyncio
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import NamedTuple

import msgspec

from headway.calculate.schedule import Due, adopt, plan_schedule
from headway.control import lookup, runs
from headway.control.dispatch import Dispatch
from headway.control.errors import HeadwayError
from headway.control.invoking import made, named, put_all
from headway.control.requests import Invocation
from headway.control.targets import Target
from headway.control.waiting import rung
from headway.control.world import MemberKey, World
from headway.model.environment import Environment, EnvironmentState, Member
from headway.model.run import After, Run
from headway.model.schedule import ScheduleState
from headway.ports.store import Reader, Writer

_AT_ONCE = 200
_ACTOR = "headway"


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
        world.bell.on_member(self._ring)

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
        changed, self._changed = self._changed, {}
        for key in changed:
            standing = await self._dispatch.book.standing(key)
            number = 0 if standing.shut or standing.release is None else standing.release.number
            if self._adopted.get(key) == number:
                continue
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
    due = tx.lowest(ScheduleState, "due_us", up_to=round(now.timestamp() * 1e6), limit=_AT_ONCE)
    fired = [_fire_one(tx, world, state, now) for state in due]
    following = tx.lowest(ScheduleState, "due_us")
    return fired, following[0].next_at if following else None


def _fire_one(tx: Writer, world: World, state: ScheduleState, now: datetime) -> Fired:
    last = tx.get(Run, state.last_run) if state.last_run else None
    running = last is not None and not last.is_ended
    plan = plan_schedule(state, now, running=running)
    after = plan.state
    target = _target(tx, state)
    rows: list[Run] = []
    if target is None:
        after = msgspec.structs.replace(after, because=f"there is no job {state.schedule.job}")
    else:
        behind = last
        for due in plan.runs:
            wish = named(world, _invocation(state, due, behind), now)
            ((row, is_new),) = put_all(tx, [made(target, wish, _ACTOR, now)], _ACTOR, now)
            rows += [row] if is_new else []
            behind = row
        if behind is not None:
            after = msgspec.structs.replace(after, last_run=behind.id)
    tx.put(after)
    return Fired(rows, last.id if last is not None and plan.cancel_running else None)


def _target(reader: Reader, state: ScheduleState) -> Target | None:
    owner = reader.get(Environment, state.environment)
    member = reader.get(Member, state.environment, state.app)
    live = lookup.live(reader, member)
    job = live.manifest.job(state.schedule.job) if live else None
    return Target(owner, live, job) if owner and live and job else None


def _invocation(state: ScheduleState, due: Due, behind: Run | None) -> Invocation:
    at = f"{due.nominal_at:%Y-%m-%dT%H:%M:%SZ}"
    return Invocation(
        parameters=msgspec.Raw(msgspec.json.encode(state.schedule.parameters)),
        at=due.start_at,
        key=f"{state.name}@{at}",
        tags={"schedule": state.name, "scheduled_at": at},
        after=(After(run=behind.id, any_end=True),) if due.behind and behind else (),
        schedule=state.name,
    )
