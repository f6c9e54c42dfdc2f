"""Which node takes a container, and why not another."""

from collections.abc import Mapping, Sequence

from headway.model.ids import NodeId
from headway.model.manifest import Placement
from headway.model.node import Node, NodeState
from headway.model.resources import Resources
from headway.model.snapshot import Reserved
from headway.model.value import Value


class Placed(Value, kw_only=True):
    """A node, or every reason there is none."""

    node: NodeId | None
    because: str


def place(
    nodes: Sequence[Node],
    reserved: Mapping[NodeId, Reserved],
    resources: Resources,
    placement: Placement,
) -> Placed:
    """Choose among the nodes that may and can take a container the one with most room left.

    Room is the smaller of the free shares of cpu and of memory once the container is there; ties
    go to the node with the smaller id.
    """
    if not nodes:
        return Placed(node=None, because="no node is known: the engine has not answered yet")
    refusals: list[str] = []
    fitting: list[tuple[float, NodeId]] = []
    for node in nodes:
        used = reserved.get(node.id, Reserved())
        refusal = _refusal(node, used, resources, placement)
        if refusal:
            refusals.append(f"{node.id}: {refusal}")
        else:
            fitting.append((-_room(node, used, resources), node.id))
    if not fitting:
        return Placed(node=None, because="; ".join(sorted(refusals)))
    return Placed(node=min(fitting)[1], because="most room left among the nodes that fit")


def eligible(nodes: Sequence[Node], placement: Placement) -> tuple[NodeId, ...]:
    """List the nodes on which a daemon runs, sorted."""
    return tuple(sorted(node.id for node in nodes if not _unwilling(node, placement)))


def _unwilling(node: Node, placement: Placement) -> str:
    if node.state is not NodeState.READY:
        return f"is {node.state.value}"
    for tag, value in sorted(placement.tags.items()):
        if node.tags.get(tag) != value:
            return f"has {tag}={node.tags.get(tag, '(none)')}, not {tag}={value}"
    return ""


def _refusal(node: Node, used: Reserved, wanted: Resources, placement: Placement) -> str:
    unwilling = _unwilling(node, placement)
    if unwilling:
        return unwilling
    free_cpu = node.cpu - used.cpu
    free_memory = node.memory_mib - used.memory_mib
    short: list[str] = []
    if wanted.cpu > free_cpu + 1e-9:
        short.append(f"{wanted.cpu:g} cores needed, {free_cpu:.2g} of {node.cpu:g} free")
    if wanted.memory_mib > free_memory:
        short.append(
            f"{wanted.memory_mib} MiB memory needed, {free_memory} of {node.memory_mib} free"
        )
    return ", ".join(short)


def _room(node: Node, used: Reserved, wanted: Resources) -> float:
    cpu = (node.cpu - used.cpu - wanted.cpu) / node.cpu
    memory = (node.memory_mib - used.memory_mib - wanted.memory_mib) / node.memory_mib
    return min(cpu, memory)
