"""Nodes: how full they are, and which are in trouble."""

from collections.abc import Sequence

from headway.control import nodes
from headway.control.queries.fullness import Fullness, fullness
from headway.model.node import NodeState
from headway.model.view.amount import Amount
from headway.model.view.node import NodeView
from headway.web import links
from headway.web.page import Ask, Page, View
from headway.web.pictures.crowd import NODES_MAX, Crowd
from headway.web.pictures.packing import Packed
from headway.web.tone import tone

_SHOWN_MAX = 100
_MIB_A_GIB = 1024


class NodesPage(View, kw_only=True):
    """Nodes, those in trouble first."""

    rows: tuple[NodeView, ...]
    more: int = 0
    """So many are not listed."""
    full: Fullness
    """All of them together."""

    @property
    def title(self) -> str:
        """Its name."""
        return "Nodes"

    @property
    def packed(self) -> tuple[Packed, ...]:
        """They, as they are drawn where they are few."""
        return tuple(packed(view) for view in self.rows)

    @property
    def crowd(self) -> Crowd | None:
        """They, as they are drawn where they are many."""
        if len(self.rows) + self.more <= NODES_MAX:
            return None
        odd = [view for view in self.rows if view.node.state is not NodeState.READY]
        counts = self.full.states
        return Crowd(
            counts=counts,
            amounts=self.full.sums,
            reserved=self.full.reserved,
            used=self.full.used,
            odd=tuple(packed(view) for view in odd[:NODES_MAX]),
            odd_count=sum(counts.values()) - counts.get(NodeState.READY.value, 0),
        )


def nodes_page(rows: Sequence[NodeView], full: Fullness) -> NodesPage:
    """Make the page of all nodes, of which it lists some."""
    return NodesPage(
        rows=tuple(rows), more=max(0, sum(full.states.values()) - len(rows)), full=full
    )


def packed(view: NodeView) -> Packed:
    """Give a node as it is drawn."""
    node = view.node
    free = (view.reserved.cpu < node.cpu) and (view.reserved.memory_mib < node.memory_mib)
    note = node_note(view) if node.state is not NodeState.READY else "" if free else "full"
    return Packed(
        name=node.id,
        word=node.state.value,
        tone=tone(node.state),
        amounts=amounts(view),
        note=note,
        to=links.node(node.id),
    )


def amounts(view: NodeView) -> tuple[Amount, ...]:
    """Give what a node has, resource by resource."""
    node, reserved, used = view.node, view.reserved, view.used
    found = [
        Amount(
            name="cpu",
            unit="cores",
            there=node.cpu,
            reserved=round(reserved.cpu, 3),
            used=None if used is None or used.cpu is None else round(used.cpu, 3),
        ),
        Amount(
            name="memory",
            unit="GiB",
            there=round(node.memory_mib / _MIB_A_GIB, 2),
            reserved=round(reserved.memory_mib / _MIB_A_GIB, 2),
            used=None if used is None else round(used.memory_mib / _MIB_A_GIB, 2),
        ),
    ]
    if node.disk_mib is not None:
        found.append(
            Amount(
                name="disk",
                unit="GiB",
                there=round(node.disk_mib / _MIB_A_GIB, 2),
                reserved=round(reserved.disk_mib / _MIB_A_GIB, 2),
            )
        )
    if node.gpus:
        found.append(Amount(name="gpus", unit="GPUs", there=node.gpus, reserved=reserved.gpus))
    found += [
        Amount(name=name, unit="", there=there, reserved=reserved.custom.get(name, 0.0))
        for name, there in sorted(node.custom.items())
    ]
    return tuple(found)


def node_note(view: NodeView) -> str:
    """Say why a node takes nothing."""
    if view.away_at is not None:
        return f"silent since {view.away_at:%Y-%m-%d %H:%M:%S} UTC"
    hold = view.hold
    if hold is None:
        return ""
    said = f"by {hold.by}" + (f": {hold.because}" if hold.because else "")
    if hold.empty_at is not None:
        return f"empty, {said}"
    return f"{said}, until {hold.until:%H:%M} UTC" if hold.until else said


async def _see(ask: Ask) -> NodesPage:
    return nodes_page(nodes.first(ask.world, _SHOWN_MAX), fullness(ask.world))


OFFERS = (Page("/nodes", "nodes.html", _see),)
