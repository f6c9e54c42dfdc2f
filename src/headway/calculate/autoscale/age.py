"""Which nodes of a pool are left because they are about to be too old, and which cannot be yet."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple

from headway.calculate.autoscale.elsewhere import Elsewhere
from headway.calculate.autoscale.grow import Limits
from headway.calculate.autoscale.scene import Scene
from headway.model.ids import NodeId
from headway.model.pool_snapshot import Host, HostState, PoolSnapshot


class Aged(NamedTuple):
    """Nodes whose time is over."""

    leaving: set[NodeId]
    """What is there can go elsewhere: they are emptied."""
    kept: list[Host]
    """What is there has room nowhere else, and no node may be added for it."""


def leaves_at(host: Host, drain_s: float) -> datetime | None:
    """Give when a node is to be left so that another is there before it is too old."""
    kind = host.kind
    if kind.life_max_s is None:
        return None
    return host.since + timedelta(seconds=kind.life_max_s - drain_s - kind.start_s)


def is_too_old(host: Host, drain_s: float, now: datetime) -> bool:
    """Say whether a node's age is a reason to leave it now."""
    at = leaves_at(host, drain_s)
    return at is not None and now >= at


def aged(
    snapshot: PoolSnapshot, scene: Scene, limits: Limits, gone: Collection[NodeId], now: datetime
) -> Aged:
    """Find the nodes that are too old, the oldest first.

    Services leave a node only for another. One that is emptied where they have none would neither
    be empty nor take anything, and where all of a pool became too old at once, nothing would ever
    start there again.

    Args:
        snapshot: Of the pool.
        scene: The same in numbers.
        limits: How much the pool may grow; used up by nodes that are counted on.
        gone: Nodes that are emptied anyhow.
        now: Aware UTC instant.
    """
    drain_s = snapshot.pool.scaling.drain_s
    there = [
        host
        for host in snapshot.hosts
        if host.state in (HostState.READY, HostState.LEAVING) and host.id not in gone
    ]
    old = [host for host in there if is_too_old(host, drain_s, now)]
    if not old:
        return Aged(set(), [])
    old.sort(key=lambda host: (host.state is HostState.READY, host.since, host.id))
    younger = [host for host in there if not is_too_old(host, drain_s, now)]
    counted = _Counted(snapshot, scene, limits, [*snapshot.standing, *younger, *reversed(old)])
    found = Aged(set(), [])
    for host in old:
        if counted.may_leave(host, {*gone, *found.leaving, host.id}):
            found.leaving.add(host.id)
        else:
            found.kept.append(host)
    return found


class _Counted:
    """Room that is there, and nodes that may be added."""

    def __init__(
        self, snapshot: PoolSnapshot, scene: Scene, limits: Limits, hosts: list[Host]
    ) -> None:
        self._elsewhere = Elsewhere(scene, hosts)
        self._kinds = [kind for kind in snapshot.pool.types if kind.name not in snapshot.scarce]
        self._scene, self._limits = scene, limits

    def may_leave(self, host: Host, but: Collection[NodeId]) -> bool:
        """Say whether what is on a node may go elsewhere, and have it count as being there."""
        if host.id in self._elsewhere.targets:
            return False
        moving = [load for load in host.work if load.ends_at is None]
        if self._elsewhere.takes(moving, but):
            return True
        for kind in self._kinds:
            new = self._scene.fresh(kind)
            if self._limits.allow(kind) and self._elsewhere.takes(moving, but, new):
                self._limits.use(kind)
                return True
        return False
