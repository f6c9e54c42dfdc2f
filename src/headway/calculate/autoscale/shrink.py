"""Which nodes a pool can do without, and when they are given back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from headway.calculate.autoscale.bounds import Bounds
from headway.calculate.autoscale.elsewhere import Elsewhere
from headway.calculate.autoscale.scene import Scene
from headway.calculate.autoscale.site import Site
from headway.model.ids import NodeId
from headway.model.pool import Scaling
from headway.model.pool_plan import PoolChange, PoolVerb
from headway.model.pool_snapshot import Host, HostState

LAST_S = 90.0
"""An empty node that bills by the hour is given back so long before its paid hour ends."""
_HALF = 0.5
"""A node that runs services is emptied when they take less of it than this, as the Kubernetes
Cluster Autoscaler does."""


@dataclass(slots=True)
class Shrinkage:
    """What may go, and what goes now."""

    changes: list[PoolChange] = field(default_factory=list)
    spare: list[NodeId] = field(default_factory=list)
    wake_at: datetime | None = None
    stuck: int = 0
    """So many beyond the maximum hold what fits nowhere else."""


class Shrinking:
    """Decides after the simulation: its sites say what is needed."""

    def __init__(
        self,
        scene: Scene,
        scaling: Scaling,
        bounds: Bounds,
        sites: Mapping[NodeId, Site],
        standing: Sequence[Host] = (),
    ) -> None:
        """Take how the simulation ended.

        Args:
            scene: Of the pool.
            scaling: Its policy.
            bounds: That hold now.
            sites: Every node of the simulation.
            standing: Nodes that are there anyhow, where what is moved finds room, too.
        """
        self._scene = scene
        self._scaling = scaling
        self._bounds = bounds
        self._sites = sites
        self._standing = standing
        self.found = Shrinkage()

    def shrink(self, hosts: Sequence[Host], *, warm: int) -> Shrinkage:
        """Look at the nodes that stay after everything else.

        Args:
            hosts: Ready ones and starting ones that nobody wants gone yet.
            warm: How many that nothing needs are kept.
        """
        there, least = len(hosts), self._bounds.nodes_min
        if not self._standing and any(host.loads for host in hosts):
            least = max(least, 1)  # the last is what daemons run on
        excess = there - self._bounds.nodes_max
        spares = sorted(filter(self._is_empty, hosts), key=self._leaving_cost)
        room = min(there - least, len(spares) - warm)
        gone = 0
        for host in spares[: max(0, room)]:
            self.found.spare.append(host.id)
            gone += self._let_go(host, excess=excess - gone)
        if excess - gone > 0:
            self._cut(hosts, excess - gone)
        elif not (gone or spares) and there > least:
            self._consolidate(hosts)
        return self.found

    def _let_go(self, host: Host, *, excess: int) -> bool:
        """Empty a spare node if its time has come, or note when it comes."""
        if excess > 0:
            self._drain(host, f"the pool may have {self._bounds.nodes_max} nodes now")
            return True
        left_s = self._left_s(host)
        if left_s <= 0:
            self._drain(host, self._spare_words(host))
            return True
        self._wake(left_s)
        return False

    def _left_s(self, host: Host) -> float:
        """Give how long a spare node is kept yet."""
        if self._scene.is_coarse(host.kind):
            return self._scene.paid_s(host) - LAST_S
        if host.spare_since is None:
            return max(0.1, self._scaling.idle_s)
        spare_s = (self._scene.now - host.spare_since).total_seconds()
        return self._scaling.idle_s - spare_s

    def _spare_words(self, host: Host) -> str:
        if self._scene.is_coarse(host.kind):
            return "nothing needs it, and what is paid of it is almost over"
        return f"nothing has needed it for {self._scaling.idle_s:.0f} s"

    # --- more than may be -----------------------------------------------------------------------

    def _cut(self, hosts: Sequence[Host], excess: int) -> None:
        """Empty nodes beyond the maximum: no run is cut short, no service is left without room."""
        because = f"the pool may have {self._bounds.nodes_max} nodes now"
        if self._bounds.because:
            because += f" ({self._bounds.because})"
        chosen = {change.node for change in self.found.changes}
        rest = sorted(
            (host for host in hosts if host.id not in chosen),
            key=lambda host: (len(host.work), host.id),
        )
        elsewhere = Elsewhere(self._scene, (*self._standing, *hosts))
        for host in rest:
            if excess <= 0:
                break
            if host.id not in elsewhere.targets and self._fits(host, elsewhere):
                self._drain(host, because)
                excess -= 1
        self.found.stuck = max(0, excess)

    # --- few services on many nodes --------------------------------------------------------------

    def _consolidate(self, hosts: Sequence[Host]) -> None:
        """Empty the one node whose leaving costs least, if what it runs fits on the others.

        Not while a node is empty and stays: copies of a service may be placed there, away from one
        another, and then another node would be missed, and added, for ever.
        """
        candidates = [
            host
            for host in hosts
            if host.state is HostState.READY
            and host.work
            and all(load.ends_at is None for load in host.work)
            and self._sites[host.id].used == 0
            and self._used_share(host) < _HALF
        ]
        if not candidates:
            return
        elsewhere = Elsewhere(self._scene, (*self._standing, *hosts))  # until something fits
        for host in sorted(candidates, key=self._leaving_cost)[:3]:
            if not self._fits(host, elsewhere):
                continue
            self.found.spare.append(host.id)
            left_s = self._left_s(host)
            if self._scene.is_coarse(host.kind):
                left_s = self._scene.paid_s(host) - self._scaling.drain_s
            if left_s <= 0 and host.spare_since is not None:
                many = len(host.work)
                self._drain(host, f"the {many} that run there have room on other nodes")
            else:
                self._wake(max(left_s, 1.0))
            return

    def _fits(self, host: Host, elsewhere: Elsewhere) -> bool:
        """Say whether what stays until it is moved has room on other nodes as of now."""
        gone = {host.id, *(change.node for change in self.found.changes)}
        moving = [load for load in host.work if load.ends_at is None]
        return elsewhere.takes(moving, gone)

    # --- small things ---------------------------------------------------------------------------

    def _is_empty(self, host: Host) -> bool:
        return host.state is HostState.READY and not host.work and self._sites[host.id].used == 0

    def _leaving_cost(self, host: Host) -> tuple[int, float, float, str]:
        """Sort by what leaving costs: who is disturbed, what is paid in vain, what is saved."""
        return len(host.work), self._scene.paid_s(host), -host.kind.price_hour, host.id

    def _used_share(self, host: Host) -> float:
        cpu = sum(load.demand.resources.cpu for load in host.work) / host.node.cpu
        memory = sum(load.demand.resources.memory_mib for load in host.work)
        return max(cpu, memory / host.node.memory_mib)

    def _drain(self, host: Host, because: str) -> None:
        self.found.changes.append(
            PoolChange(
                verb=PoolVerb.DRAIN,
                type=host.kind.name,
                node=host.id,
                because=because,
                price_hour=-host.kind.price_hour,
                within_s=self._scaling.drain_s,
            )
        )

    def _wake(self, after_s: float) -> None:
        at = self._scene.now + timedelta(seconds=after_s)
        if self.found.wake_at is None or at < self.found.wake_at:
            self.found.wake_at = at
