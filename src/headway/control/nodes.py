"""Nodes: listed, cordoned, drained, and taken back."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from itertools import islice

import msgspec

from headway.calculate.node import is_draining
from headway.calculate.paging import page_of
from headway.calculate.rollout.container import is_staying
from headway.control.errors import Invalid, NotFound
from headway.control.world import World
from headway.formats.units import counted
from headway.model.build import Build, BuildState
from headway.model.container import Container, ContainerKind
from headway.model.event import Event
from headway.model.ids import NodeId, environment_name
from headway.model.node import Holder, NodeHold, NodeState
from headway.model.pool_node import PoolNode, PoolNodeState
from headway.model.view.node import NodeView
from headway.model.view.page import Page
from headway.model.words import and_more
from headway.ports.store import Reader, Writer

_NAMED_MAX = 20
"""Nodes that a refusal names."""
_WITHIN_MAX_S = 7 * 24 * 3600.0


def _nothing(_: Writer) -> bool:
    """Write nothing more."""
    return True


async def listing(world: World, limit: int, after: str | None = None) -> Page:
    """List nodes as their engine last reported them, by id, those behind an id."""
    return page_of(
        world.nodes, limit, lambda node: node.id, after, lambda node: view(world, node.id)
    )


def first(world: World, most: int) -> list[NodeView]:
    """Show some nodes: those first that take nothing, then by id."""
    is_ready = NodeState.READY
    rows = [node for node in world.nodes if node.state is not is_ready][:most]
    ready = (node for node in world.nodes if node.state is is_ready)
    return [view(world, node.id) for node in (*rows, *islice(ready, most - len(rows)))]


async def one(world: World, node: str) -> NodeView:
    """Give a node.

    Raises:
        NotFound: There is none with this id.
    """
    identity = known(world, node)
    there = await there_is(world, identity)
    return msgspec.structs.replace(view(world, identity), there=there)


async def there_is(world: World, node: NodeId) -> tuple[str, ...]:
    """Say what is on a node, and of one that drains why it still is."""
    held = world.containers_on(node)
    rows = await world.store.read(lambda reader: [reader.get(Container, one) for one in held])
    found = [row for row in rows if row is not None and not row.is_ended]
    lines = [_there(world, row) for row in sorted(found, key=lambda row: row.id)]
    count = world.attempts_on(node)
    hold = world.roster.holds.get(node)
    if count:
        until = f", until {hold.until:%H:%M:%S} UTC" if hold is not None and hold.until else ""
        lines.append(f"{counted(count, 'run')} under way{until}")
    builds = await world.store.read(partial(running_builds, node=node))
    return (*lines, *(f"{build.id} builds {build.app}" for build in builds))


def running_builds(reader: Reader, *, node: NodeId) -> list[Build]:
    """List the builds that run on a node."""
    return [row for row in reader.find(Build, state=BuildState.RUNNING) if row.node == node]


def _there(world: World, row: Container) -> str:
    name = f"{environment_name(row.environment)}/{row.app}/{row.label} (v{row.release})"
    pending = world.pending.get((row.environment, row.app), "")
    waits = row.kind is ContainerKind.SERVICE and is_draining(world.roster.holds, row.node)
    why = pending if waits and is_staying(row) else ""
    return f"{name} {row.state.value}{f': {why}' if why else ''}"


def view(world: World, identity: NodeId) -> NodeView:
    """Show a node that is there.

    Raises:
        NotFound: It has gone meanwhile.
    """
    node = world.roster.node(known(world, identity))
    assert node is not None
    return NodeView(
        node=node,
        reserved=world.fleet.reserved(identity),
        containers=len(world.containers_on(identity)),
        used=world.figures.nodes.get(identity),
        hold=world.roster.holds.get(identity),
        away_at=world.roster.away.get(identity),
        leases=world.kept.on(identity),
        kept=world.kept.said(identity),
    )


async def cordon(world: World, actor: str, node: str, because: str = "") -> NodeView:
    """Have a node take nothing new. What runs there stays. Again, it changes nothing.

    Raises:
        NotFound: There is none with this id.
    """
    identity = known(world, node)

    def wanted(before: NodeHold | None, now: datetime) -> NodeHold | None:
        if before is not None and before.state is NodeState.CORDONED:
            return None
        return NodeHold(node=identity, state=NodeState.CORDONED, because=because, by=actor, at=now)

    return await _hold(world, identity, wanted)


async def drain(
    world: World,
    actor: str,
    node: str,
    within_s: float | None = None,
    because: str = "",
    *,
    holder: Holder = Holder.PERSON,
    also: Callable[[Writer], bool] = _nothing,
) -> NodeView:
    """Have a node take nothing new and what runs there leave.

    Services move at once; runs may end by themselves for `within_s` (the setting `drain_s` when
    None), then they are stopped and handed back by their delivery rule. The same again changes
    nothing; another length begins to count now. For who is no person nothing changes either where
    somebody else has taken the node out of use.

    Args:
        world: The world.
        actor: Who says so: a person's name, or that of what `holder` is.
        node: Which.
        within_s: How long runs may take.
        because: Why.
        holder: What the actor is.
        also: Is written with it; when it says that it has nothing to do, nothing is done.

    Raises:
        NotFound: There is none with this id.
        Invalid: The length cannot be.
    """
    identity = known(world, node)
    length_s = within(world, within_s)

    def wanted(before: NodeHold | None, now: datetime) -> NodeHold | None:
        if before is not None and not before.yields_to(holder, actor):
            return None
        length = timedelta(seconds=length_s)
        if before is not None and before.holder is holder and before.state is NodeState.DRAINING:
            assert before.until is not None
            if within_s is None or before.until - before.at == length:
                return None
        return NodeHold(
            node=identity,
            state=NodeState.DRAINING,
            because=because,
            holder=holder,
            by=actor,
            at=now,
            until=now + length,
        )

    return await _hold(world, identity, wanted, also)


def within(world: World, within_s: float | None) -> float:
    """Give how long a drain lasts, in seconds.

    Raises:
        Invalid: That cannot be.
    """
    if within_s is not None and not 0 <= within_s <= _WITHIN_MAX_S:
        raise Invalid("within-invalid", "a drain may take from no time to 7 days")
    return world.settings.drain_s if within_s is None else within_s


async def uncordon(
    world: World,
    actor: str,
    node: str,
    *,
    holder: Holder = Holder.PERSON,
    also: Callable[[Writer], bool] = _nothing,
) -> NodeView:
    """Have a node take containers again, also one that drains. Again, it changes nothing.

    For who is no person it stays out of use where that is what somebody else said.

    Args:
        world: The world.
        actor: Who says so: a person's name, or that of what `holder` is.
        node: Which.
        holder: What the actor is.
        also: Is written with it, whoever has taken the node out of use; when it says that it has
            nothing to do, nothing is done.

    Raises:
        NotFound: There is none with this id.
    """
    identity = known(world, node)
    now = world.clock.now()

    def deed(tx: Writer) -> bool | None:
        if not also(tx):
            return None
        row = tx.get(NodeHold, identity)
        if row is not None and not row.yields_to(holder, actor):
            return False
        if holder is Holder.PERSON:
            _keep(tx, identity, actor, now)
        if row is not None:
            tx.delete(NodeHold, identity)
            who = actor if holder is Holder.PERSON else row.owner
            tx.record(event(identity, "node.uncordoned", now, actor=who))
        return True

    done = await world.store.write(deed)
    if done:
        world.roster.released(identity)
    if done is not None:
        world.bell.node()
    return view(world, identity)


async def _hold(
    world: World,
    identity: NodeId,
    wanted: Callable[[NodeHold | None, datetime], NodeHold | None],
    also: Callable[[Writer], bool] = _nothing,
) -> NodeView:
    now = world.clock.now()

    def deed(tx: Writer) -> NodeHold | None:
        before = tx.get(NodeHold, identity)
        row = wanted(before, now)
        if row is None or not also(tx):
            return None
        if row.holder is Holder.PERSON:
            _keep(tx, identity, row.by, now)
        if before is not None:
            row = msgspec.structs.replace(row, version=before.version)
        data: dict[str, object] = {"until": row.until.isoformat()} if row.until else {}
        kind = f"node.{row.state.value}"
        tx.record(event(identity, kind, now, actor=row.owner, because=row.because, data=data))
        return tx.put(row)

    row = await world.store.write(deed)
    if row is not None:
        world.roster.held(row)
        world.bell.node()
    return view(world, identity)


def _keep(tx: Writer, node: NodeId, actor: str, now: datetime) -> None:
    """Take a node that a pool gives back out of its hands: a person has said what is to be."""
    row = tx.get(PoolNode, node)
    if row is None or row.state is not PoolNodeState.LEAVING or row.ends_at is not None:
        return
    because = f"{actor} wants it to stay"
    tx.put(msgspec.structs.replace(row, state=PoolNodeState.LENT, because=because, told_at=None))
    tx.record(event(node, "node.lent", now, actor=actor, because=because, data={"pool": row.pool}))


def known(world: World, node: str) -> NodeId:
    """Give the id of a node that is there.

    Raises:
        NotFound: There is none with this id.
    """
    identity = NodeId(node)
    if world.roster.node(identity) is None:
        names = and_more([row.id for row in world.nodes[:_NAMED_MAX]], len(world.nodes))
        raise NotFound(
            "node-unknown",
            f"there is no node {node}",
            hint=f"there are {names or 'none: the engine has not answered yet'}",
            next=("headway nodes ls",),
        )
    return identity


def event(
    node: NodeId,
    kind: str,
    at: datetime,
    *,
    actor: str = "headway",
    because: str = "",
    data: dict[str, object] | None = None,
) -> Event:
    """Make an event about a node."""
    return Event(at=at, actor=actor, kind=kind, subject=node, because=because, data=data or {})
