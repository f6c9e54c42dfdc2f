"""The cleaner: what a provider lists beside what was asked of it, and what is to be done."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from headway.model.ids import NodeId
from headway.model.machine import Machine, MachineState
from headway.model.node import Node, NodeState
from headway.model.pool_node import PoolNode, PoolNodeState
from headway.model.value import Value

SETTLES_S = 60.0
"""A list may be so much older than what was just asked for."""
AGAIN_S = 30.0
"""What was told and is not so is told again after so long."""
STRANGE_S = 600.0
"""What nobody asked for is given back after so long, if nothing runs there."""


class CleanVerb(StrEnum):
    """What is to be done about one machine."""

    REQUEST = "request"
    """Ask its provider for it, again with the same id."""
    UPDATE = "update"
    """Its row says more now."""
    RELEASE = "release"
    """Have its provider take it back."""
    FORGET = "forget"
    """It is gone."""


class CleanChange(Value, kw_only=True):
    """One machine put right."""

    verb: CleanVerb
    node: NodeId
    row: PoolNode | None = None
    """As it should be. None where it is forgotten, or never was."""
    because: str = ""
    """Empty where nothing went wrong."""


class Cleaning(Value, kw_only=True):
    """Both lists side by side."""

    rows: tuple[PoolNode, ...]
    machines: tuple[Machine, ...] | None
    """None: the provider does not say."""
    nodes: Mapping[NodeId, Node]
    strange: Mapping[NodeId, datetime]
    """Since when machines are listed that nobody asked for."""
    used: frozenset[NodeId]
    """Nodes on which something runs."""
    lost_s: float
    """A node that nobody hears from for so long is given up."""
    away: Mapping[NodeId, datetime]
    """Since when nodes are not heard from."""
    is_told: bool = True
    """Whether the engine tells of nodes now; while it does not, none can be missed."""


def clean(state: Cleaning, now: datetime) -> tuple[CleanChange, ...]:
    """Compare both lists, and say what puts them right."""
    machines = state.machines
    listed = None if machines is None else {row.id: row for row in machines}
    changes = [change for row in state.rows for change in _row(state, row, listed, now)]
    if machines is not None:
        ours = {row.id for row in state.rows}
        changes += [
            change
            for machine in machines
            if machine.id not in ours
            for change in _strange(state, machine, now)
        ]
    return tuple(changes)


def _row(
    state: Cleaning, row: PoolNode, listed: Mapping[NodeId, Machine] | None, now: datetime
) -> Iterator[CleanChange]:
    if row.state is PoolNodeState.WANTED:
        if _may_tell(row, now):
            yield CleanChange(verb=CleanVerb.REQUEST, node=row.id, row=row)
        return
    if listed is None:
        return
    machine = listed.get(row.id)
    if machine is None:
        if row.state is PoolNodeState.RELEASED or _passed(row.lent_at, now, SETTLES_S):
            released = row.state is PoolNodeState.RELEASED
            because = "" if released else "its provider lists it no more"
            yield CleanChange(verb=CleanVerb.FORGET, node=row.id, because=because)
        return
    if row.state is PoolNodeState.RELEASED:
        if machine.state is not MachineState.ENDING and _may_tell(row, now):
            yield CleanChange(verb=CleanVerb.RELEASE, node=row.id, row=row)
        return
    dead = _dead(state, row, now)
    if dead:
        yield CleanChange(verb=CleanVerb.RELEASE, node=row.id, row=row, because=dead)
        return
    seen = _seen(state, row, machine, now)
    if seen != row:
        news = machine.ends_at is not None and row.ends_at is None
        because = f"its provider takes it back at {machine.ends_at:%H:%M:%S} UTC" if news else ""
        yield CleanChange(verb=CleanVerb.UPDATE, node=row.id, row=seen, because=because)


def _dead(state: Cleaning, row: PoolNode, now: datetime) -> str:
    """Say why a machine that is paid for is of no use."""
    away_at = state.away.get(row.id)
    if away_at is not None and _passed(away_at, now, state.lost_s):
        return f"nobody has heard from it since {away_at:%H:%M:%S} UTC"
    if state.is_told and row.ready_at is None and row.lent_at is not None:
        patience_s = 3 * row.kind.start_s + SETTLES_S
        if _passed(row.lent_at, now, patience_s) and row.id not in state.nodes:
            return f"it was not there as a node after {patience_s:.0f} s"
    return ""


def _seen(state: Cleaning, row: PoolNode, machine: Machine, now: datetime) -> PoolNode:
    node = state.nodes.get(row.id)
    ready = node is not None and node.state is not NodeState.LOST
    return msgspec.structs.replace(
        row,
        ready_at=row.ready_at or (now if ready else None),
        ends_at=machine.ends_at or row.ends_at,
    )


def _strange(state: Cleaning, machine: Machine, now: datetime) -> Iterator[CleanChange]:
    """Give back what nobody asked for, after a while, unless something of ours runs there."""
    since = state.strange.get(machine.id)
    if machine.state is MachineState.ENDING or since is None or machine.id in state.used:
        return
    if _passed(since, now, STRANGE_S):
        because = "its provider lists it, and nobody asked for it"
        yield CleanChange(verb=CleanVerb.RELEASE, node=machine.id, because=because)


def _may_tell(row: PoolNode, now: datetime) -> bool:
    return row.told_at is None or _passed(row.told_at, now, AGAIN_S)


def _passed(since: datetime | None, now: datetime, after_s: float) -> bool:
    return since is not None and now - since >= timedelta(seconds=after_s)
