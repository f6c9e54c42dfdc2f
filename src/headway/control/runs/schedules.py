"""Schedules: listed, paused, resumed, run now."""

from collections.abc import Callable
from datetime import datetime
from difflib import get_close_matches

import msgspec

from headway.calculate.runs.schedule import pause as paused
from headway.calculate.runs.schedule import resume as resumed
from headway.calculate.runs.schedule import upcoming
from headway.control import lookup
from headway.control.errors import Conflict, NotFound
from headway.control.idempotency import answered
from headway.control.requests import Invocation
from headway.control.runs.admission import check, check_room
from headway.control.runs.dispatch import Dispatch
from headway.control.runs.invoking import made, named, put_all
from headway.control.runs.scheduling import Schedules
from headway.control.subjects import event_of
from headway.control.world import World
from headway.model.environment import Environment
from headway.model.run import Run, ScheduledBy
from headway.model.schedule import ScheduleState
from headway.model.view.schedule import ScheduleView
from headway.model.words import and_more
from headway.ports.store import Reader, Writer

_NEXT = 5
_NAMED = 5


async def listing(world: World, environment: str | None, count: int = _NEXT) -> list[ScheduleView]:
    """List schedules, of one environment or of all, with their next times.

    Raises:
        NotFound: The environment is not there.
    """
    now = world.clock.now()

    def question(reader: Reader) -> list[ScheduleView]:
        owners = lookup.environments(reader, environment)
        return [
            _view(owner, row, now, count)
            for owner in owners
            for row in sorted(
                reader.find(ScheduleState, environment=owner.id),
                key=lambda row: (row.app, row.name),
            )
        ]

    return await world.store.read(question)


def _view(owner: Environment, row: ScheduleState, now: datetime, count: int) -> ScheduleView:
    moves = row.live and not row.paused
    times = upcoming(row.schedule, max(now, row.seen_until), count) if moves else ()
    return ScheduleView(environment=owner.name, state=row, next=times)


async def pause(
    world: World, schedules: Schedules, actor: str, environment: str, name: str
) -> ScheduleView:
    """Have no time of a schedule make a run until it is resumed.

    Raises:
        NotFound: There is none.
        Conflict: Several apps have one of this name.
    """
    now = world.clock.now()
    return await _change(
        world, schedules, actor, environment, name, "paused", lambda row: paused(row, actor, now)
    )


async def resume(
    world: World, schedules: Schedules, actor: str, environment: str, name: str
) -> ScheduleView:
    """Have a schedule go on. Times that came meanwhile make no runs.

    Raises:
        NotFound: There is none.
        Conflict: Several apps have one of this name.
    """
    now = world.clock.now()
    return await _change(
        world, schedules, actor, environment, name, "resumed", lambda row: resumed(row, now)
    )


async def _change(
    world: World,
    schedules: Schedules,
    actor: str,
    environment: str,
    name: str,
    verb: str,
    change: Callable[[ScheduleState], ScheduleState],
) -> ScheduleView:
    now = world.clock.now()

    def deed(tx: Writer) -> ScheduleView:
        owner = lookup.environment(tx, environment)
        row = tx.put(change(of_name(tx, owner, name)))
        tx.record(event_of(row, f"schedule.{verb}", now, "", actor))
        return _view(owner, row, now, _NEXT)

    view = await world.store.write(answered(deed))
    schedules.look()
    return view


async def run(world: World, dispatch: Dispatch, actor: str, environment: str, name: str) -> Run:
    """Make a run of a schedule's job now, with its parameters. Its times stay as they are.

    Raises:
        NotFound: There is none, or its job is gone.
        Conflict: Several apps have one of this name, no release that serves declares it any more,
            or its queue takes no more.
        Invalid: The parameters are not right.
    """
    now = world.clock.now()
    row = await world.store.read(
        lambda reader: of_name(reader, lookup.environment(reader, environment), name)
    )
    if not row.live:
        raise Conflict(
            "schedule-off",
            f"no release that serves declares schedule {row.app}/{row.name} in {environment}",
            next=(f"headway jobs ls -e {environment}",),
        )
    target = await dispatch.targets.find(environment, row.schedule.job, row.app)
    wish = Invocation(
        parameters=msgspec.Raw(msgspec.json.encode(row.schedule.parameters)),
        tags={"schedule": row.name},
    )
    check(world, [(target, wish)], now)
    wanted = msgspec.structs.replace(
        made(target, named(world, wish, now), actor, now),
        schedule=row.name,
        scheduled_by=ScheduledBy.HAND,
    )
    check_room(dispatch, target, [wanted])

    def deed(tx: Writer) -> Run:
        ((stored, _),) = put_all(tx, [wanted], actor, now)
        return stored

    stored = await world.store.write(answered(deed))
    dispatch.made([stored])
    return stored


def of_name(reader: Reader, owner: Environment, name: str) -> ScheduleState:
    """Give a schedule by its name, or by `app/name`.

    Raises:
        NotFound: There is none.
        Conflict: Several apps have one of this name.
    """
    rows = reader.find(ScheduleState, environment=owner.id)
    found = [row for row in rows if name in (row.name, f"{row.app}/{row.name}")]
    if len(found) > 1:
        full = sorted(f"{row.app}/{row.name}" for row in found)
        raise Conflict(
            "schedule-ambiguous",
            f"several apps have a schedule {name} in {owner.name}: "
            f"say {and_more(full[:_NAMED], len(full))}",
            next=(f"headway schedules ls -e {owner.name}",),
        )
    if found:
        return found[0]
    near = get_close_matches(name, [row.name for row in rows], n=1)
    full = sorted(f"{row.app}/{row.name}" for row in rows)
    raise NotFound(
        "schedule-unknown",
        f"there is no schedule {name}: {owner.name} has "
        f"{and_more(full[:_NAMED], len(full)) or 'none'}",
        hint=f"did you mean {near[0]}?" if near else "",
        next=(f"headway schedules ls -e {owner.name}",),
    )
