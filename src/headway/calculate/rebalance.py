"""Which services could move so that nodes can be given back, what it saves, whom it disturbs.

A node is worth emptying when its share of what is paid is at least half of the share of all
services that would have to move: the rule of Karpenter's balanced consolidation, whose users had
asked for less churn for more saving. Only services move; a node with a run, or with what may not be
moved, stays.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from headway.calculate.placement import Fleet
from headway.model.demand import Demand
from headway.model.ids import NodeId
from headway.model.node import Node, NodeState
from headway.model.rebalance import EmptiedNode, Move, Rebalance
from headway.model.value import Value

SCORE_LEAST = 0.5
_LEFT_SHOWN = 20


class Standing(Value, kw_only=True):
    """Something that is on a node."""

    id: str
    """By which the fleet knows it."""
    label: str
    node: NodeId
    demand: Demand
    movable: bool = True
    """A service; a run, a build or room that is kept for somebody is not."""


def plan_rebalance(
    fleet: Fleet, standing: Sequence[Standing], now: datetime, *, churn: float = 0.1
) -> Rebalance:
    """Choose nodes to empty.

    Args:
        fleet: What is placed where. It is not changed.
        standing: Everything on its nodes, daemons left out.
        now: As of when.
        churn: The share of all services that may move; one node's may in any case.
    """
    ready = [node for node in fleet.nodes() if node.state is NodeState.READY]
    services = sum(row.movable for row in standing)
    paid = sum(node.price_hour for node in ready)
    budget, moved = max(1, int(churn * services)), 0
    chosen: list[EmptiedNode] = []
    left: list[str] = []
    targets: set[NodeId] = set()
    for node in sorted(ready, key=lambda node: _worth(node, standing)):
        here = [row for row in standing if row.node == node.id]
        why = _stays(node, here, targets)
        if why is None and chosen and moved + len(here) > budget:
            why = f"{moved} moves are enough for now"
        if why is None:
            tried = fleet.copy()
            moves = _emptied(tried, node, here, standing, now)
            score = _score(node, len(here), paid, services)
            if moves is None:
                why = "what runs there has no room on nodes that are in use"
            elif score < SCORE_LEAST:
                why = f"it saves too little for {len(here)} moves (score {score:.2f})"
            else:
                fleet, moved = tried, moved + len(moves)
                targets |= {move.target for move in moves}
                chosen.append(_chosen(node, moves, score))
                continue
        if why:
            left.append(f"{node.id}: {why}")
    return Rebalance(
        nodes=tuple(chosen),
        saves_hour=round(sum(row.saves_hour for row in chosen), 6),
        moves=moved,
        services=services,
        left=tuple(left[:_LEFT_SHOWN]),
    )


def _worth(node: Node, standing: Sequence[Standing]) -> tuple[float, float, str]:
    """Order nodes: whose emptying disturbs least for what it saves, then the emptiest."""
    here = [row.demand.resources.cpu for row in standing if row.node == node.id]
    disturbs = len(here) / node.price_hour if node.price_hour else float("inf")
    return disturbs, sum(here), node.id


def _stays(node: Node, here: Sequence[Standing], targets: set[NodeId]) -> str | None:
    """Say why a node is not looked at; empty where that needs no word."""
    if not node.price_hour:
        return "it costs nothing"
    if not here:
        return ""
    if node.id in targets:
        return "it takes what moves"
    fixed = next((row for row in here if not row.movable), None)
    return f"{fixed.label} cannot move" if fixed is not None else None


def _emptied(
    fleet: Fleet,
    node: Node,
    here: Sequence[Standing],
    standing: Sequence[Standing],
    now: datetime,
) -> tuple[Move, ...] | None:
    """Move everything off a node in a fleet, onto nodes that are in use; None if it has no room."""
    fleet.put(msgspec.structs.replace(node, state=NodeState.CORDONED))
    used = tuple({row.node for row in standing} - {node.id})
    moves: list[Move] = []
    for row in sorted(here, key=lambda row: (-row.demand.resources.memory_mib, row.id)):
        fleet.free(row.id)
        placed = fleet.place(row.demand, now, among=used)
        if placed.node is None:
            return None
        fleet.hold(row.id, placed.node, row.demand)
        moves.append(Move(what=row.label, source=node.id, target=placed.node))
    return tuple(moves)


def _score(node: Node, moves: int, paid: float, services: int) -> float:
    return (node.price_hour / paid) / (moves / services) if paid and services and moves else 0.0


def _chosen(node: Node, moves: tuple[Move, ...], score: float) -> EmptiedNode:
    many = f"{len(moves)} service{'s' if len(moves) > 1 else ''}"
    return EmptiedNode(
        node=node.id,
        moves=moves,
        saves_hour=node.price_hour,
        score=round(score, 3),
        because=f"{many} there fit on nodes that are in use anyhow",
    )
