"""Nodes: how full they are, and which are in trouble."""

from collections import Counter
from collections.abc import Sequence

from headway.control import nodes
from headway.model.node import NodeState
from headway.model.value import Value
from headway.model.view import NodeView
from headway.web import links
from headway.web.page import Ask, Page, View
from headway.web.pictures.packing import Amount, Packed
from headway.web.tone import tone

_SHOWN_MAX = 100
_MIB_A_GIB = 1024


class Sum(Value, kw_only=True):
    """One resource over all nodes that take containers."""

    name: str
    unit: str
    there: float
    reserved: float
    used: float | None = None
    """None: nobody measured it."""

    @property
    def free(self) -> float:
        """What is left."""
        return max(0.0, self.there - self.reserved)


class NodesPage(View, kw_only=True):
    """All nodes, those in trouble first."""

    rows: tuple[NodeView, ...]
    states: dict[str, int]
    sums: tuple[Sum, ...]

    @property
    def title(self) -> str:
        """Its name."""
        return "Nodes"

    @property
    def shown(self) -> tuple[NodeView, ...]:
        """Those that are listed; the picture has all."""
        return self.rows[:_SHOWN_MAX]

    @property
    def more(self) -> int:
        """So many are not listed."""
        return len(self.rows) - len(self.shown)

    @property
    def packed(self) -> tuple[Packed, ...]:
        """All of them, as they are drawn."""
        return tuple(packed(view) for view in self.rows)


def nodes_page(views: Sequence[NodeView]) -> NodesPage:
    """Make the page: what is lost or leaves comes first, then by name."""
    rows = sorted(views, key=lambda view: (view.node.state is NodeState.READY, view.node.id))
    return NodesPage(
        rows=tuple(rows),
        states=dict(sorted(Counter(view.node.state.value for view in views).items())),
        sums=_sums(views),
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


def _sums(views: Sequence[NodeView]) -> tuple[Sum, ...]:
    ready = [view for view in views if view.node.state is NodeState.READY]
    there, reserved, used = Counter[str](), Counter[str](), Counter[str]()
    units: dict[str, str] = {}
    for amount in (one for view in ready for one in amounts(view)):
        units[amount.name] = amount.unit
        there[amount.name] += amount.there  # type: ignore[assignment]
        reserved[amount.name] += amount.reserved  # type: ignore[assignment]
        if amount.used is not None:
            used[amount.name] += amount.used  # type: ignore[assignment]
    return tuple(
        Sum(
            name=name,
            unit=unit,
            there=round(float(there[name]), 2),
            reserved=round(float(reserved[name]), 2),
            used=round(float(used[name]), 2) if name in used else None,
        )
        for name, unit in units.items()
    )


async def _see(ask: Ask) -> NodesPage:
    return nodes_page(await nodes.listing(ask.world))


OFFERS = (Page("/nodes", "nodes.html", _see),)
