"""Queues: listed, paused, drained, resumed."""

import msgspec

from headway.control import lookup
from headway.control.dispatch import Dispatch
from headway.control.errors import Invalid, NotFound
from headway.control.world import World
from headway.model.environment import Environment, EnvironmentState, Member
from headway.model.event import Event
from headway.model.ids import is_name
from headway.model.queue import QueueHold
from headway.model.release import Release
from headway.model.run import Run
from headway.model.view import QueueView
from headway.ports.store import Reader, Writer


async def listing(world: World, dispatch: Dispatch, environment: str | None) -> list[QueueView]:
    """List queues, of one environment or of all: that jobs name, that hold runs, that are held.

    Raises:
        NotFound: The environment is not there.
    """
    now = world.clock.now()

    def question(reader: Reader) -> list[QueueView]:
        owners = (
            [lookup.environment(reader, environment)]
            if environment
            else reader.find(Environment, state=EnvironmentState.ACTIVE)
        )
        return [view for owner in owners for view in _of(reader, dispatch, owner)]

    views = await world.store.read(question)
    oldest = await world.store.read(
        lambda reader: [_oldest(reader, dispatch, view) for view in views]
    )
    return [
        msgspec.structs.replace(
            view, oldest_s=(now - run.created_at).total_seconds() if run else None
        )
        for view, run in zip(views, oldest, strict=True)
    ]


def _of(reader: Reader, dispatch: Dispatch, owner: Environment) -> list[QueueView]:
    views: list[QueueView] = []
    for member in sorted(reader.find(Member, environment=owner.id), key=lambda row: row.app):
        release = reader.get(Release, owner.id, member.app, member.live) if member.live else None
        if release is None:
            continue
        names = {job.queue for job in release.manifest.jobs}
        names |= {queue.name for queue in release.manifest.queues}
        names |= {
            hold.name
            for hold in reader.find(QueueHold, environment=owner.id)
            if hold.app == member.app and (hold.paused or hold.draining)
        }
        names |= {line[2] for line in dispatch.lanes.depths() if line[:2] == (owner.id, member.app)}
        for name in sorted(names):
            line = (owner.id, member.app, name)
            views.append(
                QueueView(
                    environment=owner.name,
                    app=member.app,
                    queue=release.manifest.queue(name),
                    waiting=dispatch.lanes.depth(line),
                    running=dispatch.running(line),
                    hold=dispatch.hold_of(line),
                )
            )
    return views


def _oldest(reader: Reader, dispatch: Dispatch, view: QueueView) -> Run | None:
    firsts = [
        row
        for lane in dispatch.lanes.lanes()
        if lane.environment.partition("~")[0] == view.environment
        and (lane.app, lane.queue) == (view.app, view.queue.name)
        for row in reader.find(Run, lane=lane.name, limit=1)
    ]
    return min(firsts, key=lambda row: row.created_at, default=None)


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

    row = await world.store.write(deed)
    dispatch.held(row)
    return row
