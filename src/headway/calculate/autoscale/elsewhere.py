"""Whether what stays on a node until it is moved has room on others."""

from collections.abc import Container, Iterable, Sequence

from headway.calculate.autoscale.scene import Scene
from headway.calculate.autoscale.site import Site
from headway.model.ids import NodeId
from headway.model.pool_snapshot import Host, HostState, Load


class Elsewhere:
    """Room on other nodes as of now. What is said to go there takes it, so it is given once."""

    def __init__(self, scene: Scene, hosts: Iterable[Host]) -> None:
        """Take what is there; those come first that are to be filled first."""
        self._scene = scene
        ready = (scene.site(host) for host in hosts if host.state is HostState.READY)
        self._sites = {site.node.id: site for site in ready}
        self.targets: set[NodeId] = set()
        """Nodes to which something is said to go: they are not to be emptied, too."""

    def takes(
        self, loads: Sequence[Load], but: Container[NodeId | None], new: Site | None = None
    ) -> bool:
        """Have all of these go elsewhere, or none of them; says whether they do.

        Args:
            loads: Of one node.
            but: Nodes to which nothing may go.
            new: Where they may go, too: a node that could be added.
        """
        sites = [site.twin() for node, site in self._sites.items() if node not in but]
        sites += [new] if new is not None else []
        taken: dict[NodeId, Site] = {}
        for load in sorted(loads, key=lambda load: -load.demand.resources.memory_mib):
            need = self._scene.need(load.demand)
            site = next((site for site in sites if site.takes(need)), None)
            if site is None:
                return False
            site.take(need)
            taken[site.node.id] = site
        self._sites |= taken
        self.targets.update(taken)
        return True
