"""The nodes of a scenario that are there from the beginning."""

from headway.model.ids import NodeId
from headway.model.node import Node
from headway.model.scenario import Machines, Scenario


def nodes_of(scenario: Scenario) -> list[Node]:
    """Give the nodes of a scenario."""
    return [
        _node(machines, number, part)
        for machines in scenario.machines
        for number in range(1, machines.count + 1)
        for part in range(1, machines.nodes_each + 1)
    ]


def _node(machines: Machines, number: int, part: int) -> Node:
    kind = machines.type
    name = f"{kind.name}-{number}"
    return Node(
        id=NodeId(name if part == 1 else f"{name}-{part}"),
        machine=name if machines.nodes_each > 1 else "",
        cpu=kind.cpu,
        memory_mib=kind.memory_mib,
        disk_mib=kind.disk_mib,
        tags=kind.tags,
        type=kind.name,
        price_hour=kind.price_hour,
    )
