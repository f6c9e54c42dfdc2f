"""How much of each node is reserved, kept up to date as containers come and go."""

from headway.model.container import Container
from headway.model.ids import ContainerId, NodeId, RunId
from headway.model.resources import Resources
from headway.model.snapshot import Reserved


class Reservations:
    """A running sum over the containers and the attempts that have not ended."""

    def __init__(self) -> None:
        self._held: dict[ContainerId, Container] = {}
        self._runs: dict[RunId, tuple[NodeId, Resources]] = {}
        self._sums: dict[NodeId, Reserved] = {}

    def note(self, container: Container) -> None:
        """Take over a container's row as it is now; the same row again changes nothing."""
        held = self._held.get(container.id)
        if container.is_ended:
            if held is not None:
                del self._held[container.id]
                self._add(held, -1)
        elif held is None:
            self._held[container.id] = container
            self._add(container, 1)

    def hold(self, run: RunId, node: NodeId, resources: Resources) -> None:
        """Reserve what an attempt needs; the same run again changes nothing."""
        if run not in self._runs:
            self._runs[run] = (node, resources)
            self._count(node, resources, 1)

    def free(self, run: RunId) -> None:
        """Give back what an attempt held."""
        held = self._runs.pop(run, None)
        if held is not None:
            self._count(*held, -1)

    def all(self) -> dict[NodeId, Reserved]:
        """Give what is reserved, by node."""
        return dict(self._sums)

    def on(self, node: NodeId) -> tuple[ContainerId, ...]:
        """List the containers on a node that have not ended."""
        return tuple(row.id for row in self._held.values() if row.node == node)

    def attempts(self, node: NodeId) -> int:
        """Count the attempts of runs on a node."""
        return sum(where == node for where, _ in self._runs.values())

    def count(self, node: NodeId) -> int:
        """Count the containers on a node."""
        return sum(row.node == node for row in self._held.values())

    def _add(self, container: Container, sign: int) -> None:
        self._count(container.node, container.resources, sign)

    def _count(self, node: NodeId, resources: Resources, sign: int) -> None:
        before = self._sums.get(node, Reserved())
        self._sums[node] = Reserved(
            cpu=round(before.cpu + sign * resources.cpu, 6),
            memory_mib=before.memory_mib + sign * resources.memory_mib,
        )
