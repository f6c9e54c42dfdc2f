"""Queues: listed, paused, drained, resumed."""

from collections.abc import Sequence
from datetime import datetime
from heapq import nsmallest
from typing import NamedTuple

import msgspec

from headway.calculate.queueing import Line
from headway.control import lookup, standings
from headway.control.errors import Invalid, NotFound
from headway.control.idempotency import answered
from headway.control.requests import HoldRequest
from headway.control.runs.dispatch import Dispatch
from headway.control.subjects import event_of
from headway.control.world import World
from headway.machine.run_ids import age_s
from headway.model.ids import MemberKey, environment_name, is_name
from headway.model.queue import QueueHold
from headway.model.release import Release
from headway.model.run import Run
from headway.model.view.queue import QueueView
from headway.ports.store import Reader, Writer


class QueueLine(NamedTuple):
    """A queue, as far as it costs nothing to know."""

    release: Release
    """The one that serves, of its app."""
    line: Line
    is_held: bool
    age_s: float
    """For about how long its first run has waited; 0 where none does."""

    @property
    def rank(self) -> tuple[bool, float, Line]:
        """What is held comes first, then what has waited longest."""
        return not self.is_held, -self.age_s, self.line


async def listing(world: World, dispatch: Dispatch, environment: str | None) -> list[QueueView]:
    """List queues, of one environment or of all: that jobs name, that hold runs, that are held.

    Raises:
        NotFound: The environment is not there.
    """
    return await _shown(world, dispatch, await _lines(world, dispatch, environment))


async def first(
    world: World, dispatch: Dispatch, environment: str | None, most: int
) -> tuple[list[QueueView], int]:
    """List the queues that need a look most, and count how many there are.

    Raises:
        NotFound: The environment is not there.
    """
    lines = await _lines(world, dispatch, environment)
    chosen = nsmallest(most, lines, key=lambda row: row.rank)
    return await _shown(world, dispatch, chosen), len(lines)


async def _lines(world: World, dispatch: Dispatch, environment: str | None) -> list[QueueLine]:
    """Give the queues, by environment, app and name."""
    serving = await standings.live(world, environment)
    ages: dict[Line, float] = {}
    for lane, entries in dispatch.lanes.lanes().items():
        age = age_s(entries[0].run, world.clock.now()) if entries else 0.0
        ages[lane.line] = max(age, ages.get(lane.line, 0.0))
    held = set(dispatch.held_lines())
    extra: dict[MemberKey, set[str]] = {}
    for owner, app, name in (*ages, *held):
        extra.setdefault((owner, app), set()).add(name)
    return [
        QueueLine(release, line, line in held, ages.get(line, 0.0))
        for _, release in serving
        for name in sorted(_names(release) | extra.get((release.environment, release.app), set()))
        for line in ((release.environment, release.app, name),)
    ]


def _names(release: Release) -> set[str]:
    manifest = release.manifest
    return {job.queue for job in manifest.jobs} | {queue.name for queue in manifest.queues}


async def _shown(world: World, dispatch: Dispatch, lines: Sequence[QueueLine]) -> list[QueueView]:
    """Show queues, of whose lanes the first runs are read."""
    now, wanted = world.clock.now(), {row.line for row in lines}
    lanes = [lane for lane in dispatch.lanes.lanes() if lane.line in wanted]

    def question(reader: Reader) -> dict[Line, datetime]:
        began: dict[Line, datetime] = {}
        for lane in lanes:
            for row in reader.find(Run, lane=lane.name, limit=1):
                began[lane.line] = min(row.created_at, began.get(lane.line, row.created_at))
        return began

    began = await world.store.read(question) if lanes else {}
    return [_view(dispatch, row, began.get(row.line), now) for row in lines]


def _view(dispatch: Dispatch, row: QueueLine, began: datetime | None, now: datetime) -> QueueView:
    environment, app, name = row.line
    return QueueView(
        environment=environment_name(environment),
        app=app,
        queue=row.release.manifest.queue(name),
        waiting=dispatch.lanes.depth(row.line),
        running=dispatch.running(row.line),
        oldest_s=None if began is None else (now - began).total_seconds(),
        hold=dispatch.hold_of(row.line),
    )


async def hold(world: World, dispatch: Dispatch, actor: str, request: HoldRequest) -> QueueHold:
    """Pause a queue, have it drain, or let it go on. The same again changes nothing.

    Raises:
        NotFound: The environment or the app is not there.
        Invalid: This can be no queue's name.
    """
    name = request.queue
    if not is_name(name):
        raise Invalid("name-invalid", f"{name!r} cannot be a queue's name")
    now = world.clock.now()

    def deed(tx: Writer) -> QueueHold:
        owner = lookup.environment(tx, request.environment)
        member = lookup.member(tx, owner, request.app)
        if member.live is None:
            what = f"{member.app} has no live release in {owner.name}"
            raise NotFound("nothing-live", what)
        known = tx.get(QueueHold, owner.id, member.app, name)
        wanted = msgspec.structs.replace(
            known or QueueHold(environment=owner.id, app=member.app, name=name),
            paused=request.paused,
            draining=request.draining,
            because=request.reason,
        )
        if wanted == known:
            return wanted
        verb = "paused" if request.paused else "drained" if request.draining else "resumed"
        tx.record(event_of(wanted, f"queue.{verb}", now, request.reason, actor))
        return tx.put(msgspec.structs.replace(wanted, by=actor))

    row = await world.store.write(answered(deed))
    dispatch.held(row)
    return row
