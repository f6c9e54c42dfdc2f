"""Rebalancing: what could move so that nodes can be given back, approved, shown and cancelled."""

from collections.abc import Mapping, Sequence

import msgspec

from headway.calculate.demand import of_container
from headway.calculate.rebalance import Standing, plan_rebalance
from headway.control.errors import Conflict, NotFound
from headway.control.idempotency import answered
from headway.control.pool.rebalance_steps import event, take_back, written
from headway.control.world import World
from headway.machine.chance import drawn_hex
from headway.model.container import Container, ContainerKind
from headway.model.ids import NodeId, RebalancingId, environment_name
from headway.model.rebalance import (
    Rebalance,
    RebalanceStep,
    Rebalancing,
    RebalancingState,
    StepState,
)
from headway.ports.store import Writer

CHURN = 0.1
_KEPT = 100
"""So many that are over are remembered."""


async def proposed(world: World, churn: float = CHURN) -> Rebalance:
    """List the nodes that could be emptied, the best first, with every move."""
    rows = await world.store.read(lambda tx: tx.find(Container, retired=False))
    there = [row for row in rows if not row.is_ended]
    left_out = {row.id for row in there if row.daemon or row.kind is ContainerKind.RUNNER}
    standing = [_standing(row) for row in there if row.id not in left_out]
    known = {row.id for row in there}
    whom = {promise.name: promise.whom for promise in world.fleet.promises()}
    for node in world.nodes:
        standing += [
            Standing(
                id=what, label=_label(what, node.id, whom), node=node.id, demand=held, movable=False
            )
            for what, held in world.fleet.held_on(node.id)
            if what not in known
        ]
    return plan_rebalance(world.fleet, standing, world.clock.now(), churn=churn)


def _label(what: str, node: NodeId, whom: Mapping[str, str]) -> str:
    """Say what holds a part of a node and is no container."""
    if what in whom:
        return f"room kept for {whom[what]}"
    if what.startswith("kept:"):
        return f"room kept under {what.removeprefix('kept:').removesuffix(f':{node}')}"
    return f"run {what}"


async def approve(
    world: World, actor: str, nodes: Sequence[str], churn: float = CHURN
) -> Rebalancing:
    """Have nodes emptied as it was proposed, one after another; the loop carries it out.

    Raises:
        Conflict: None of them would be proposed any more, or another one is under way.
    """
    plan = await proposed(world, churn)
    now = world.clock.now()
    wanted = set(nodes)
    steps = tuple(
        RebalanceStep(node=row.node, moves=row.moves, saves_hour=row.saves_hour)
        for row in plan.nodes
        if row.node in wanted
    )
    if not steps:
        raise _outdated(plan, nodes)
    row = Rebalancing(
        id=RebalancingId(f"reb-{drawn_hex(4)}"),
        churn=churn,
        steps=steps,
        approved_by=actor,
        approved_at=now,
    )

    def deed(tx: Writer) -> Rebalancing:
        running = tx.find(Rebalancing, state=RebalancingState.RUNNING)
        if running:
            raise _under_way(running[0])
        over = tx.find(Rebalancing, newest_first=True)[_KEPT - 1 :]
        for old in over:
            tx.delete(Rebalancing, old.id)
        saves = sum(step.saves_hour for step in steps)
        data: dict[str, object] = {
            "nodes": [step.node for step in steps],
            "moves": [f"{m.what}: {m.source} → {m.target}" for s in steps for m in s.moves],
            "saves_hour": round(saves, 6),
        }
        because = f"{actor} approved it: it saves {saves:g} an hour"
        tx.record(event(row.id, "approved", now, because, actor=actor, data=data))
        return tx.put(row)

    stored = await world.store.write(answered(deed))
    world.bell.node()
    return stored


async def cancel(world: World, actor: str, rebalancing: str) -> Rebalancing:
    """Have nothing more moved, and the node that is being emptied taken back.

    One that is over stays as it is.

    Raises:
        NotFound: There is none with this id.
    """
    now = world.clock.now()
    back: list[NodeId] = []

    def deed(tx: Writer) -> Rebalancing:
        back.clear()
        row = tx.get(Rebalancing, rebalancing)
        if row is None:
            raise _unknown(rebalancing)
        if row.state is not RebalancingState.RUNNING:
            return row
        because = f"cancelled by {actor}"
        for step in row.steps:
            if step.state is StepState.EMPTYING and take_back(tx, row.id, step.node, because, now):
                back.append(step.node)
            if step.state in (StepState.WAITING, StepState.EMPTYING):
                row = written(tx, row, step, StepState.SKIPPED, because, now)
        row = msgspec.structs.replace(row, state=RebalancingState.CANCELLED, ended_at=now)
        tx.record(event(row.id, "cancelled", now, because, actor=actor))
        return tx.put(row)

    row = await world.store.write(answered(deed))
    for node in back:
        world.roster.released(node)
    world.bell.node()
    return row


async def listing(world: World) -> list[Rebalancing]:
    """List those that were approved, the newest first."""
    return await world.store.read(lambda tx: tx.find(Rebalancing, newest_first=True))


async def one(world: World, rebalancing: str) -> Rebalancing:
    """Give one that was approved.

    Raises:
        NotFound: There is none with this id.
    """
    row = await world.store.read(lambda tx: tx.get(Rebalancing, rebalancing))
    if row is None:
        raise _unknown(rebalancing)
    return row


def _standing(row: Container) -> Standing:
    return Standing(
        id=row.id,
        label=f"{row.app}/{row.label} in {environment_name(row.environment)}",
        node=row.node,
        demand=of_container(row),
        movable=row.kind is ContainerKind.SERVICE,
    )


def _outdated(plan: Rebalance, nodes: Sequence[str]) -> Conflict:
    what = ", ".join(nodes) if nodes else "any node"
    said = [text for text in plan.left for node in nodes if text.startswith(f"{node}: ")]
    return Conflict(
        "rebalance-outdated",
        f"emptying {what} is not worth it any more, or never was",
        hint="; ".join(said),
        next=("headway rebalance --plan",),
    )


def _under_way(row: Rebalancing) -> Conflict:
    return Conflict(
        "rebalance-under-way",
        f"{row.id}, approved by {row.approved_by}, is under way",
        hint="one at a time: what moves by one is not proposed by another",
        next=(f"headway rebalance show {row.id}", f"headway rebalance cancel {row.id}"),
    )


def _unknown(rebalancing: str) -> NotFound:
    return NotFound(
        "rebalance-unknown",
        f"there is no rebalancing {rebalancing}",
        next=("headway rebalance ls",),
    )
