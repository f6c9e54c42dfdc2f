"""Why something is as it is: its state, and the recorded reasons that led there."""

import msgspec

from headway.calculate.lease import stands
from headway.calculate.lease import waits as waits_in_line
from headway.control import lookup
from headway.control.errors import NotFound
from headway.control.leases.clearing import in_the_way
from headway.control.nodes import there_is
from headway.control.queries.why_of_app import (
    of_container,
    of_copy,
    of_job,
    of_process,
    of_schedule,
    reasons,
    sole,
)
from headway.control.runs.dispatch import Dispatch
from headway.control.runs.runs import waits
from headway.control.standing import member_view
from headway.control.world import World
from headway.formats.units import counted
from headway.model.build import Build
from headway.model.container import Container
from headway.model.deployment import Deployment
from headway.model.environment import Environment, Member
from headway.model.ids import NodeId, environment_name
from headway.model.lease import Claim, ClaimKind, Lease, LeaseState
from headway.model.node import Node, NodeState
from headway.model.pool import Pool
from headway.model.pool_node import PoolNode
from headway.model.rebalance import Rebalancing
from headway.model.run import Run
from headway.model.view.why import Why
from headway.ports.store import Reader


async def explain(
    world: World,
    dispatch: Dispatch,
    thing: str,
    environment: str | None = None,
    app: str | None = None,
) -> Why:
    """Explain a THING.

    A node, pool, deployment, build, run, lease, rebalancing, container (id or label), app, job,
    process type, schedule, environment or lock.

    Raises:
        NotFound: Nothing of this name is known.
        Conflict: Several apps or environments have something of this name.
    """
    if (node := world.roster.node(NodeId(thing))) is not None:
        return await _of_node(world, node)

    if (why := await world.store.read(lambda reader: _declared(world, reader, thing))) is not None:
        return why

    def question(reader: Reader) -> Why:
        owner, name = _where(reader, thing, environment)
        for attempt in (_deployment, _build, _container, _rebalancing):
            why = attempt(reader, thing)
            if why is not None:
                return why
        lease = reader.get(Lease, thing)
        if lease is not None:
            return _of_lease(world, reader, lease)
        run = reader.get(Run, thing)
        if run is not None:
            return _of_run(reader, dispatch, run)
        why = _in_environments(world, reader, name, owner)
        why = why or of_copy(reader, name, owner, app)
        why = why or of_job(reader, dispatch, name, owner, app)
        why = why or of_process(reader, name, owner, app)
        why = why or of_schedule(world, reader, name, owner, app)
        if why is not None:
            return msgspec.structs.replace(why, thing=thing)
        last = _lock(reader, thing) or _pool(world, reader, thing) or _gone(reader, thing)
        if last is not None:
            return last
        raise NotFound(
            "thing-unknown",
            f"nothing is known as {thing}",
            hint="an app, `app/web`, `app/web.1`, a job, a schedule, an environment, a node, pool "
            "or lock, or the id of a deployment, build, container, run, lease or rebalancing; "
            "ENVIRONMENT/ and APP/ may stand before it",
            next=("headway ps", "headway history"),
        )

    return await world.store.read(question)


def _where(reader: Reader, thing: str, environment: str | None) -> tuple[str | None, str]:
    """Take the environment off a name such as `demo/shop`, where there is such an environment."""
    first, _, rest = thing.partition("/")
    if environment is None and rest and reader.find(Environment, name=first, limit=1):
        return first, rest
    return environment, thing


def _deployment(reader: Reader, thing: str) -> Why | None:
    row = reader.get(Deployment, thing)
    if row is None:
        return None
    happened = reasons(reader, subject=row.id)
    nexts = (f"headway logs -a {row.app}",) if row.failure is None else row.failure.next
    because = row.failure.because if row.failure else row.because
    return Why(thing=thing, state=row.phase.value, because=because, happened=happened, next=nexts)


def _build(reader: Reader, thing: str) -> Why | None:
    row = reader.get(Build, thing)
    if row is None:
        return None
    because = row.failure.because if row.failure else f"source {row.source}"
    happened = reasons(reader, subject=row.id)
    nexts = (f"headway logs --build {row.id}",)
    return Why(thing=thing, state=row.state.value, because=because, happened=happened, next=nexts)


def _rebalancing(reader: Reader, thing: str) -> Why | None:
    row = reader.get(Rebalancing, thing)
    if row is None:
        return None
    step = row.current
    because = f"{step.node} is {step.state.value}" if step else f"saves {row.saved_hour:g} an hour"
    happened = reasons(reader, subject=row.id)
    nexts = (f"headway rebalance show {row.id}",)
    return Why(thing=thing, state=row.state.value, because=because, happened=happened, next=nexts)


def _container(reader: Reader, thing: str) -> Why | None:
    row = reader.get(Container, thing)
    return of_container(reader, thing, row) if row else None


async def _of_node(world: World, node: Node) -> Why:
    there = await there_is(world, node.id)
    happened = await world.store.read(lambda reader: reasons(reader, subject=node.id))
    hold, away_at = world.roster.holds.get(node.id), world.roster.away.get(node.id)
    said = [f"not heard from since {away_at:%H:%M:%S} UTC"] if away_at else []
    said += world.kept.said(node.id)
    if hold is not None:
        because = f": {hold.because}" if hold.because else ""
        word = "" if hold.state is node.state else f"{hold.state.value} "
        said.append(f"{word}by {hold.owner}{because}")
        if hold.empty_at is not None:
            said.append("nothing is there any more")
        elif hold.state is NodeState.DRAINING:
            said += there
    return Why(
        thing=node.id,
        state=node.state.value,
        because="; ".join(said) or f"it takes containers; {len(there)} of them are there",
        happened=happened,
        next=(f"headway nodes show {node.id}",),
    )


def _declared(world: World, reader: Reader, thing: str) -> Why | None:
    """Explain a pool that was declared, or a node that it asked for and that is not there yet."""
    node = reader.get(PoolNode, thing)
    if node is not None:
        return Why(
            thing=thing,
            state=node.state.value,
            because=node.because,
            happened=reasons(reader, subject=thing),
            next=(f"headway pools show {node.pool}",),
        )
    return _pool(world, reader, thing) if reader.get(Pool, thing) is not None else None


def _pool(world: World, reader: Reader, thing: str) -> Why | None:
    """Explain a pool that was declared, or that nodes say they are of."""
    pool = reader.get(Pool, thing)
    nodes = {node.id for node in world.nodes if node.pool == thing}
    if pool is None and not nodes:
        return None
    nodes |= {row.id for row in reader.find(PoolNode, pool=thing)}
    happened = reasons(reader, subject=thing)
    newest = happened[-1].event.because if happened else ""
    last = f"; last: {newest}" if newest else ""
    if pool is not None and pool.types:
        because = f"it may have {pool.scaling.nodes_min} to {pool.scaling.nodes_max} nodes{last}"
    else:
        because = f"it has the nodes that are there, and no types to add others of{last}"
    return Why(
        thing=thing,
        state=counted(len(nodes), "node"),
        because=because,
        happened=happened,
        next=(f"headway pools show {thing}",),
    )


def _gone(reader: Reader, thing: str) -> Why | None:
    """Explain a node that was given back, or is gone without that."""
    happened = reasons(reader, subject=thing)
    if not happened or happened[-1].event.kind != "node.gone":
        return None
    last = happened[-1].event
    because = f"it is there no more since {last.at:%Y-%m-%d %H:%M:%S} UTC: {last.because}"
    pool = last.data.get("pool")
    nexts = (f"headway pools show {pool}",) if pool else ("headway nodes ls",)
    return Why(thing=thing, state="gone", because=because, happened=happened, next=nexts)


def _lock(reader: Reader, thing: str) -> Why | None:
    """Explain a lock that somebody has or waits for."""
    line = reader.find(Lease, open_claim=Claim(kind=ClaimKind.LOCK, name=thing).key)
    if not line:
        return None
    held = [row for row in line if row.state is LeaseState.HELD]
    return Why(
        thing=thing,
        state=line[0].state.value,
        because=f"{waits_in_line(held or line)}; {len(line) - len(held)} wait for it",
        happened=reasons(reader, subject=line[0].id),
        next=(f"headway leases ls {thing}", f"headway why {line[0].id}"),
    )


def _of_lease(world: World, reader: Reader, row: Lease) -> Why:
    hold = world.roster.holds.get(NodeId(row.claim.name))
    because = "; ".join(filter(None, (row.because or row.reason, in_the_way(row, hold))))
    if row.state is LeaseState.WAITING:
        line = reader.find(Lease, open_claim=row.claim.key)
        because = stands(row, line[: [other.id for other in line].index(row.id)])
    nexts = (f"headway leases show {row.id}", f"headway leases ls {row.claim.name}")
    return Why(
        thing=row.id,
        state=row.state.value,
        because=because,
        happened=reasons(reader, subject=row.id),
        next=nexts,
    )


def _of_run(reader: Reader, dispatch: Dispatch, run: Run) -> Why:
    because = "; ".join(filter(None, (waits(dispatch, run), run.because)))
    return Why(
        thing=run.id,
        state=run.state.value,
        because=because or f"{run.job} in {environment_name(run.environment)}",
        happened=reasons(reader, subject=run.id),
        next=(f"headway runs show {run.id}", f"headway runs logs {run.id}"),
    )


def _in_environments(
    world: World, reader: Reader, thing: str, environment: str | None
) -> Why | None:
    rows = reader.find(Environment, name=thing) if environment is None else []
    if rows:
        return _of_environment(reader, rows[-1])
    members = {
        f"{owner.name}/{thing}": (owner, member)
        for owner in lookup.environments(reader, environment)
        if (member := reader.get(Member, owner.id, thing)) is not None
    }
    only = sole(members, "an app", thing)
    return _of_member(world, reader, *only) if only is not None else None


def _of_environment(reader: Reader, row: Environment) -> Why:
    until = f"until {row.lease.until:%Y-%m-%d %H:%M} UTC" if row.lease.until else "without end"
    because = row.because or f"leased to {row.lease.holder} {until}"
    return Why(
        thing=row.name,
        state=row.state.value,
        because=because,
        happened=reasons(reader, subject=row.id),
        next=(f"headway envs show {row.name}",),
    )


def _of_member(world: World, reader: Reader, owner: Environment, member: Member) -> Why:
    view = member_view(world, reader, owner, member)
    happened = reasons(reader, environment=owner.id, app=member.app)
    nexts = (
        f"headway ps -e {owner.name}",
        f"headway logs -e {owner.name} {member.app}",
    )
    return Why(
        thing=member.app,
        state=view.state.value,
        because=view.because,
        happened=happened,
        next=nexts,
    )
