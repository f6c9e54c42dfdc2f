"""What belongs to whole machines, whichever of their nodes uses it: checked as it happens."""

from dataclasses import dataclass, field

from headway.model.ids import ContainerId, NodeId
from headway.model.node import Node
from headway.model.order import Order

Wrong = tuple[str, str]
"""The invariant, and what does not hold."""


@dataclass(slots=True)
class Machines:
    """Disk and ports in use."""

    names: dict[NodeId, str] = field(default_factory=dict)
    """Machine of each node on which anything ever was."""
    disk_mib: dict[str, int] = field(default_factory=dict)
    ports: dict[tuple[str, int], ContainerId] = field(default_factory=dict)

    def use(self, node: NodeId, there: Node | None, disk_mib: int) -> Wrong | None:
        """Count disk that is taken, or with less than nothing given back."""
        if there is not None:
            self.names[node] = there.machine_name
        machine = self.names.get(node, node)
        used = self.disk_mib[machine] = self.disk_mib.get(machine, 0) + disk_mib
        if there is None or there.disk_mib is None or disk_mib <= 0 or used <= there.disk_mib:
            return None
        what = f"{machine} has {there.disk_mib} MiB of disk, and {used} are in use"
        return "never over the disk", what

    def has_ports(self, node: Node, order: Order) -> Wrong | None:
        """Note who has which port."""
        for port in order.host_ports.values():
            holder = self.ports.setdefault((node.machine_name, port), order.id)
            if holder != order.id:
                what = f"{holder} and {order.id} have port {port} of {node.machine_name}"
                return "a port is one container's", what
        return None

    def let_go(self, container: ContainerId) -> None:
        """Note that a container has no port any more."""
        for key in [key for key, holder in self.ports.items() if holder == container]:
            del self.ports[key]
