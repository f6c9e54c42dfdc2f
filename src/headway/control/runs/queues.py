"""Queues: listed, paused, drained, resumed."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from headway.calculate.queueing import Line
from headway.control import lookup
from headway.control.errors import Invalid, NotFound
from headway.control.idempotency import answered
from headway.control.runs.dispatch import Dispatch
from headway.control.world import World
from headway.model.environment import Environment, Member
from headway.model.event import Event
from headway.model.ids import environment_name, is_name
from headway.model.queue import QueueHold
from headway.model.release import Release
from headway.model.run import Lane, Run
from headway.model.view import QueueView
from headway.ports.store import Reader, Writer


async def listing(world: World, dispatch: Dispatch, environment: str | None) -> list[QueueView]:
    """List queues, of one environment or of all: that jobs name, that hold runs, that are held.

    Raises:
        NotFound: The environment is not there.
    """
    now = world.clock.now()
    lanes = tuple(dispatch.lanes.lanes())  # the loop goes on while the store is read

    def question(reader: Reader) -> list[QueueView]:
        return [
            _view(reader, dispatch, release, line, lanes, now)
            for owner in lookup.environments(reader, environment)
            for release, line in _lines(reader, owner, lanes)
        ]

    return await world.store.read(question)


def _lines(
    reader: Reader, owner: Environment, lanes: Sequence[Lane]
) -> Iterator[tuple[Release, Line]]:
    """Give the queues of an environment, each with the live release of its app."""
    holds = reader.find(QueueHold, environment=owner.id)
    for member in sorted(reader.find(Member, environment=owner.id), key=lambda row: row.app):
        release = lookup.live(reader, member)
        if release is None:
            continue
        names = {job.queue for job in release.manifest.jobs}
        names |= {queue.name for queue in release.manifest.queues}
        names |= {
            hold.name for hold in holds if hold.app == member.app and (hold.paused or hold.draining)
        }
        names |= {lane.queue for lane in lanes if lane.line[:2] == (owner.id, member.app)}
        for name in sorted(names):
            yield release, (owner.id, member.app, name)


def _view(
    reader: Reader,
    dispatch: Dispatch,
    release: Release,
    line: Line,
    lanes: Sequence[Lane],
    now: datetime,
) -> QueueView:
    environment, app, name = line
    firsts = [
        row.created_at
        for lane in lanes
        if lane.line == line
        for row in reader.find(Run, lane=lane.name, limit=1)
    ]
    return QueueView(
        environment=environment_name(environment),
        app=app,
        queue=release.manifest.queue(name),
        waiting=dispatch.lanes.depth(line),
        running=dispatch.running(line),
        oldest_s=(now - min(firsts)).total_seconds() if firsts else None,
        hold=dispatch.hold_of(line),
    )


async def hold(  # noqa: PLR0913 (who says what of which queue, and why)
    world: World,
    dispatch: Dispatch,
    actor: str,
    environment: str,
    app: str,
    name: str,
    *,
    paused: bool,
    draining: bool,
    because: str = "",
) -> QueueHold:
    """Pause a queue (nothing of it starts), drain it (it takes nothing new), or let it go on.

    Raises:
        NotFound: The environment or the app is not there.
        Invalid: This can be no queue's name.
    """
    if not is_name(name):
        raise Invalid("name-invalid", f"{name!r} cannot be a queue's name")
    now = world.clock.now()

    def deed(tx: Writer) -> QueueHold:
        owner = lookup.environment(tx, environment)
        member = lookup.member(tx, owner, app)
        if member.live is None:
            raise NotFound("nothing-live", f"{app} has no live release in {environment}")
        known = tx.get(QueueHold, owner.id, member.app, name)
        row = known or QueueHold(environment=owner.id, app=member.app, name=name)
        if known and (row.paused, row.draining, row.because) == (paused, draining, because):
            return row
        verb = "paused" if paused else "drained" if draining else "resumed"
        tx.record(
            Event(
                at=now,
                actor=actor,
                kind=f"queue.{verb}",
                subject=f"{owner.id}/{app}/{name}",
                environment=owner.id,
                app=member.app,
                because=because,
            )
        )
        return tx.put(
            msgspec.structs.replace(
                row, paused=paused, draining=draining, because=because, by=actor
            )
        )

    row = await world.store.write(answered(deed))
    dispatch.held(row)
    return row
