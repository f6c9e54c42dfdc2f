"""The snapshot of a pool as the simulation wants it: numbers, and times from now."""

from collections.abc import Sequence
from datetime import datetime

from headway.calculate.autoscale.line import Group, Item
from headway.calculate.autoscale.site import Need, Site, Suits
from headway.calculate.billing import billed_s
from headway.calculate.node import new_node
from headway.model.demand import Demand
from headway.model.node import Node
from headway.model.pool import NodeType
from headway.model.pool_snapshot import Host, HostState, Patience, PoolSnapshot, Waiting
from headway.model.resources import Resources

_PLAIN = ("cpu", "memory_mib", "disk_mib", "gpus")
_SOONER = 1.15
"""A new node helps what would otherwise start later than this share of its own start: ordered for
less, it would be paid for and save nobody anything."""
_UNSURE = 0.1
"""So much less where it is not known how long things run: what is foreseen may not come. Not where
all nodes are paid by the hour."""
_OVERDUE_LEAST_S = 20.0
_OVERDUE_SHARE = 0.25
"""What runs longer than was thought goes on for so much of its age: the longer it has run, the
longer it will (durations have long tails)."""
_OVERDUE_SHARE_BY_HOUR = 0.04
"""The same on nodes that are paid by the hour. Whoever waits for it a little longer saves an hour,
when it ends after all: of a node that is opened instead, most of the first hour is for nothing."""


class Scene:
    """Makes sites and groups of one snapshot."""

    def __init__(self, snapshot: PoolSnapshot, now: datetime, suits: Suits) -> None:
        self.pool = snapshot.pool
        self._overhead = snapshot.overhead
        self.now = now
        self._suits = suits
        self._needs: dict[object, Need] = {}
        self._fresh: dict[str, Node] = {}
        starts = [kind.start_s for kind in snapshot.pool.types if kind.name not in snapshot.scarce]
        self._soonest_s = min(starts, default=0.0)
        """What starts before a new node would be there is not helped by one."""
        self._axes = [*_PLAIN, *_custom(snapshot)]
        self._unsure = 0.0 if all(map(self.is_coarse, snapshot.pool.types)) else _UNSURE
        self._is_mixed = any(host.node.pool != self.pool.name for host in snapshot.standing)

    # --- what waits ---------------------------------------------------------------------------

    def groups(self, waiting: Sequence[Waiting]) -> list[Group]:
        """Gather what waits by what it asks for; the order of the first of each stays.

        What no room can ever come for is left out: no node is added for it, and none kept.
        """
        found: dict[tuple[int, Patience], Group] = {}
        for row in (row for row in waiting if not row.never):
            need = self.need(row.demand)
            group = found.get((need.number, row.patience))
            if group is None:
                group = found[need.number, row.patience] = Group(need=need, label=row.label)
            waited_s = (self.now - row.since).total_seconds()
            sooner = _SOONER - self._unsure * min(1.0, row.spread)
            latest_s = max(self._soonest_s * sooner, self._due_s(row, waited_s))
            group.items.append(Item(latest_s, max(1.0, row.expected_s), row.count, row.whom))
        return list(found.values())

    def need(self, demand: Demand) -> Need:
        """Give a demand as numbers, the same object for equal ones."""
        key = _key(demand)
        known = self._needs.get(key)
        if known is None:
            vector = self._vector(demand.resources)
            amounts = tuple((axis, value) for axis, value in enumerate(vector) if value > 0)
            picky = bool(
                demand.where
                or demand.alone
                or demand.apart
                or demand.ports
                or demand.strict
                or demand.lease
                or demand.price_hour_max is not None
                or self.pool.dedicated
                or demand.pool not in (None, self.pool.name)
                or (self._is_mixed and demand.pool is not None)
            )
            known = self._needs[key] = Need(len(self._needs), demand, amounts, picky)
        return known

    def _due_s(self, row: Waiting, waited_s: float) -> float:
        """Give when something should start at the latest, from now.

        What has waited for half of what it may is late already, or, where it may wait long, when
        there is just time for a node to start twice: how long things run is only estimated, and the
        simulation that said it would start in time was wrong before.
        """
        if row.patience is Patience.LAZY:
            return float("inf")
        scaling = self.pool.scaling
        urgent = row.patience is Patience.URGENT
        late_s = scaling.late_s if urgent else scaling.patient_late_s
        hedged = waited_s > max(late_s / 2, late_s - 2 * self._soonest_s)
        return 0.0 if hedged else late_s - waited_s

    # --- nodes --------------------------------------------------------------------------------

    def site(self, host: Host) -> Site:
        """Give a node that is there, or starting."""
        site = Site(host.node, host.kind, self._capacity(host.node), self._suits)
        site.opens_s = max(0.0, (host.ready_at - self.now).total_seconds())
        if host.state not in (HostState.STARTING, HostState.SILENT):
            site.opens_s = 0.0
        elif site.opens_s == 0.0:  # it is overdue: nobody knows
            site.opens_s = max(_OVERDUE_LEAST_S, host.kind.start_s / 4)
        site.paid_s = self.paid_s(host)
        overdue = _OVERDUE_SHARE_BY_HOUR if self.is_coarse(host.kind) else _OVERDUE_SHARE
        for load in host.loads:
            need = self.need(load.demand)
            site.take(need)
            if load.is_daemon:
                continue
            if load.ends_at is None:
                site.busy_until_s = site.ends_by_s = float("inf")
                continue
            left_s = (load.ends_at - self.now).total_seconds()
            ends_s = max(left_s, _OVERDUE_LEAST_S, -left_s * overdue)
            site.ends.append((ends_s, need))
            site.busy_until_s = max(site.busy_until_s, ends_s)
            by_s = ends_s if load.ends_by is None else (load.ends_by - self.now).total_seconds()
            site.ends_by_s = max(site.ends_by_s, ends_s, by_s)
        site.loaded_until_s = site.busy_until_s
        return site

    def fresh(self, kind: NodeType) -> Site:
        """Give a node of a type that is requested now."""
        node = self._fresh.get(kind.name)
        if node is None:
            node = self._fresh[kind.name] = new_node(self.pool, kind, self._overhead)
        site = Site(node, kind, self._capacity(node), self._suits)
        site.opens_s = kind.start_s
        site.paid_s = billed_s(kind, 0.0)
        return site

    def is_coarse(self, kind: NodeType) -> bool:
        """Say whether billing is so coarse that what is paid decides, not how long a node idles."""
        return kind.billing_s > 2 * self.pool.scaling.idle_s

    def paid_s(self, host: Host) -> float:
        """Give how long from now a node is paid for already."""
        lived_s = (self.now - host.since).total_seconds()
        return billed_s(host.kind, lived_s) - lived_s

    def share(self, need: Need, kind: NodeType) -> float:
        """Give the largest share that a demand takes of any of a type's resources."""
        whole = self._capacity(new_node(self.pool, kind, self._overhead))
        return max(
            (amount / whole[axis] if whole[axis] else float("inf")) for axis, amount in need.amounts
        )

    def _vector(self, resources: Resources) -> list[float]:
        disk_mib = float(resources.disk_reserved_mib)
        plain = [resources.cpu, float(resources.memory_mib), disk_mib, float(resources.gpus)]
        return plain + [resources.custom.get(name, 0.0) for name in self._axes[len(_PLAIN) :]]

    def _capacity(self, node: Node) -> list[float]:
        disk_mib = float("inf") if node.disk_mib is None else float(node.disk_mib)
        plain = [node.cpu, float(node.memory_mib), disk_mib, float(node.gpus)]
        return plain + [node.custom.get(name, 0.0) for name in self._axes[len(_PLAIN) :]]


def _key(demand: Demand) -> object:
    """Tell demands apart by what matters for whether they fit."""
    resources = demand.resources
    return (
        resources.cpu,
        resources.memory_mib,
        resources.disk_reserved_mib,
        resources.gpus,
        tuple(sorted(resources.custom.items())),
        demand.where,
        demand.pool,
        demand.crowd if demand.alone else "",
        demand.alone,
        demand.apart,
        demand.ports,
        demand.strict,
        demand.lease,
        demand.price_hour_max,
    )


def _custom(snapshot: PoolSnapshot) -> list[str]:
    names: set[str] = set()
    for row in snapshot.waiting:
        names.update(row.demand.resources.custom)
    for host in (*snapshot.hosts, *snapshot.standing):
        for load in host.loads:
            names.update(load.demand.resources.custom)
    return sorted(names)
