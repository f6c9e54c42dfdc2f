"""Pools: declared, scaled, shown, and taken away."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from headway.control.errors import Conflict, Invalid, NotFound
from headway.control.pool.pooling import Pools
from headway.control.world import World
from headway.formats.pool_yaml import parse_pool
from headway.model.event import Event
from headway.model.ids import PoolName
from headway.model.node import DEFAULT_POOL, Node, NodeState
from headway.model.pool import Pool
from headway.model.pool_node import PoolNode, PoolNodeState
from headway.model.pool_plan import PoolPlan, PoolVerb
from headway.model.pool_snapshot import Patience, PoolSnapshot
from headway.model.view.change import PlannedChange
from headway.model.view.pool import PoolView
from headway.ports.store import Writer


async def listing(world: World, loop: Pools) -> list[PoolView]:
    """List pools: those that were declared, and those that nodes say they are of."""
    now = world.clock.now()
    declared = {pool.name: pool for pool in await world.store.read(lambda tx: tx.find(Pool))}
    names = {*declared, *(node.pool for node in world.nodes)}
    rows = await world.store.read(lambda tx: tx.find(PoolNode))
    snapshots = {row.pool.name: row for row in await loop.reading.snapshots(now)}
    return [
        _view(world, loop, declared.get(name) or Pool(name=name), snapshots.get(name), rows, now)
        for name in sorted(names)
    ]


async def one(world: World, loop: Pools, name: str) -> PoolView:
    """Give a pool.

    Raises:
        NotFound: There is none of this name.
    """
    for view in await listing(world, loop):
        if view.pool.name == name:
            return view
    raise _unknown(name)


async def upcoming(world: World, loop: Pools) -> list[PlannedChange]:
    """Say what the next decision about each pool would do, changing nothing."""
    return [change for view in await listing(world, loop) for change in view.next]


async def apply(
    world: World, loop: Pools, actor: str, document: str, *, plan: bool = False, because: str = ""
) -> PoolView:
    """Declare a pool, new or anew; with `plan` only say what would come of it.

    Raises:
        Invalid: The document has mistakes.
        Conflict: It would take the pool away from under what runs or waits there.
    """
    parsed = parse_pool(document)
    if parsed.value is None:
        raise Invalid("pool-invalid", "the pool's document has mistakes", problems=parsed.problems)
    return await _put(world, loop, actor, parsed.value, plan=plan, because=because)


async def scale(
    world: World,
    loop: Pools,
    actor: str,
    name: str,
    *,
    nodes_min: int | None = None,
    nodes_max: int | None = None,
    because: str = "",
) -> PoolView:
    """Change the bounds of a pool.

    Raises:
        NotFound: It was not declared.
        Invalid: The minimum is more than the maximum.
        Conflict: It would take the pool away from under what runs or waits there.
        Stale: The pool was declared anew meanwhile.
    """
    pool = await world.store.read(lambda tx: tx.get(Pool, name))
    if pool is None:
        raise _unknown(name)
    scaling = pool.scaling
    least = scaling.nodes_min if nodes_min is None else nodes_min
    most = scaling.nodes_max if nodes_max is None else nodes_max
    if least > most or scaling.warm > most:
        raise Invalid(
            "pool-bounds-invalid",
            f"the minimum {least} and {scaling.warm} warm spares do not go with at most {most}",
            next=(f"headway pools scale {name} --min N --max M",),
        )
    bounds = msgspec.structs.replace(scaling, nodes_min=least, nodes_max=most)
    pool = msgspec.structs.replace(pool, scaling=bounds)
    return await _put(world, loop, actor, pool, because=because)


async def remove(world: World, loop: Pools, actor: str, name: str) -> None:
    """Take a pool's declaration away.

    Raises:
        NotFound: It was not declared.
        Conflict: It has nodes.
    """
    now = world.clock.now()

    def deed(tx: Writer) -> None:
        if tx.get(Pool, name) is None:
            raise _unknown(name)
        nodes = tx.find(PoolNode, pool=name)
        if nodes:
            raise Conflict(
                "pool-has-nodes",
                f"{name} has {len(nodes)} nodes that its provider would go on lending",
                hint="let it shrink to none first",
                next=(f"headway pools scale {name} --min 0 --max 0", f"headway pools show {name}"),
            )
        tx.delete(Pool, name)
        tx.record(Event(at=now, actor=actor, kind="pool.removed", subject=name))

    await world.store.write(deed)
    world.fleet.remove_pool(PoolName(name))
    loop.plans.pop(name, None)
    world.bell.node()


# --- inside ---------------------------------------------------------------------------------------


async def _put(
    world: World,
    loop: Pools,
    actor: str,
    pool: Pool,
    *,
    plan: bool = False,
    because: str = "",
) -> PoolView:
    now = world.clock.now()
    snapshots = {row.pool.name: row for row in await loop.reading.snapshots(now, also=pool)}
    snapshot = snapshots.get(pool.name)
    rows = await world.store.read(lambda tx: tx.find(PoolNode))
    _refuse_cut(pool, snapshot)
    if plan:
        return _view(world, loop, pool, snapshot, rows, now)

    def deed(tx: Writer) -> Pool:
        known = tx.get(Pool, pool.name)
        row = pool  # with the version it was read in, or out of a document, which has none
        if not pool.version and known is not None:
            row = msgspec.structs.replace(pool, version=known.version)
        if known == row:
            return row
        data = {"nodes_min": pool.scaling.nodes_min, "nodes_max": pool.scaling.nodes_max}
        tx.record(
            Event(
                at=now,
                actor=actor,
                kind="pool.declared" if known is None else "pool.changed",
                subject=pool.name,
                because=because or "it may have {nodes_min} to {nodes_max} nodes".format(**data),
                data=data,
            )
        )
        return tx.put(row)

    stored = await world.store.write(deed)
    world.fleet.put_pool(stored)
    world.bell.node()  # what waits has other places to go, too
    return _view(world, loop, stored, snapshot, rows, now)


def _refuse_cut(pool: Pool, snapshot: PoolSnapshot | None) -> None:
    """Refuse to leave what runs or waits without any node.

    Raises:
        Conflict: It would.
    """
    if not pool.types or snapshot is None or pool.scaling.nodes_max > 0:
        return
    runs = sum(len(host.loads) for host in snapshot.hosts)
    waits = sum(row.count for row in snapshot.waiting if row.patience is not Patience.LAZY)
    if runs or waits:
        raise Conflict(
            "pool-under-load",
            f"{runs} run in {pool.name} and {waits} wait for it: at most 0 nodes would leave them "
            "nowhere to go",
            hint="stop them first, or let it have one node",
            next=(f"headway pools show {pool.name}",),
        )


def _view(
    world: World,
    loop: Pools,
    pool: Pool,
    snapshot: PoolSnapshot | None,
    rows: Iterable[PoolNode],
    now: datetime,
) -> PoolView:
    own = tuple(row for row in rows if row.pool == pool.name)
    plan = loop.decide(snapshot, now) if snapshot is not None else PoolPlan()
    present = [node for node in world.nodes if _is_of(node, pool, own)]
    paid = [row for row in own if row.state is not PoolNodeState.RELEASED]
    return PoolView(
        pool=pool,
        nodes=own,
        ready=sum(node.state is NodeState.READY for node in present),
        price_hour=round(sum(row.kind.price_hour for row in paid), 6),
        waiting=sum(row.count for row in snapshot.waiting) if snapshot else 0,
        pending=plan.pending,
        next=tuple(_planned(pool, plan)),
        flags=(
            *(f"type {name}: {why}" for name, why in loop.reading.refused(pool).items()),
            *(f"{row.id}: {loop.seen.flags[row.id]}" for row in own if row.id in loop.seen.flags),
        ),
    )


def _is_of(node: Node, pool: Pool, own: tuple[PoolNode, ...]) -> bool:
    return node.pool == pool.name or any(row.id == node.id for row in own)


def _planned(pool: Pool, plan: PoolPlan) -> Iterable[PlannedChange]:
    for change in plan.changes:
        price = f", {change.price_hour:+g} an hour" if change.price_hour else ""
        price = "" if change.verb is PoolVerb.KEEP else price
        yield PlannedChange(
            app=None,
            verb=f"pool.{change.verb.value}",
            what=f"pool {pool.name}: {change.what}{price}",
            because=change.because,
        )


def _unknown(name: str) -> NotFound:
    return NotFound(
        "pool-unknown",
        f"there is no pool {name}",
        hint=f"{DEFAULT_POOL} is there as long as a node is" if name == DEFAULT_POOL else "",
        next=("headway pools ls",),
    )
