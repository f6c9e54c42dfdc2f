"""What a pool should do next: which nodes it adds, empties, keeps and gives back.

The whole decision is a simulation. What waits is scheduled over the room that is foreseen, by the
durations that were seen before; a node is added only for what would otherwise start too late, and
only if it would be there sooner. What the simulation does not need for a while is given back.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from headway.calculate.autoscale.age import Aged, aged, leaves_at
from headway.calculate.autoscale.bounds import bounds_at
from headway.calculate.autoscale.grow import Growth, Limits, Opener
from headway.calculate.autoscale.line import Group, Line
from headway.calculate.autoscale.scene import Scene
from headway.calculate.autoscale.shrink import Shrinkage, Shrinking
from headway.calculate.autoscale.site import Site, Suits
from headway.model.ids import NodeId
from headway.model.pool_plan import PoolChange, PoolPlan, PoolVerb
from headway.model.pool_snapshot import Host, HostState, Patience, PoolSnapshot

_RUNNING_OUT_S = 400.0
LOOK_S = 15.0
"""While something waits the pool is looked at so often: time alone makes it late."""
_STAY = (HostState.READY, HostState.STARTING)


def plan_pool(snapshot: PoolSnapshot, now: datetime, suits: Suits) -> PoolPlan:
    """Decide about a pool.

    Args:
        snapshot: The pool, its nodes, and what waits for it.
        now: Of the snapshot.
        suits: Whether a demand's rules let it go to a node.
    """
    return _Decision(snapshot, now, suits).plan()


class _Decision:
    def __init__(self, snapshot: PoolSnapshot, now: datetime, suits: Suits) -> None:
        self._snapshot = snapshot
        self._now = now
        self._scene = Scene(snapshot, now, suits)
        self._scaling = snapshot.pool.scaling
        self._bounds = bounds_at(self._scaling, now)
        self._aged = self._find_aged()
        self._ending = tuple(self._endings())
        ending = {change.node for change in self._ending}
        self._hosts = [
            host for host in snapshot.hosts if host.state in _STAY and host.id not in ending
        ]
        self._silent = [host for host in snapshot.hosts if host.state is HostState.SILENT]
        self._sites: dict[NodeId, Site] = {}

    def plan(self) -> PoolPlan:
        groups = self._scene.groups(self._snapshot.waiting)
        growth = self._grow(groups)
        changes = [*self._ending, *self._released(growth), *self._added(growth, groups)]
        shrinking = Shrinking(
            self._scene, self._scaling, self._bounds, self._sites, self._snapshot.standing
        )
        found = shrinking.shrink(self._hosts, warm=self._scaling.warm)
        if not (growth.sites or growth.kept or growth.short or growth.missing):
            changes += found.changes
            changes += self._running_out(found)
        count, price = self._size()
        added = [row for row in changes if row.verb is PoolVerb.ADD]
        return PoolPlan(
            changes=tuple(changes),
            wake_at=self._wake_at(groups, found.wake_at),
            pending=tuple(self._pending(growth, found.stuck)),
            left_out=growth.left_out,
            spare=tuple(found.spare),
            nodes=count + len(added),
            price_hour=round(price + sum(row.price_hour for row in added), 6),
        )

    def _size(self) -> tuple[int, float]:
        """Count the nodes that are the pool's, and add their prices up."""
        rows = [host for host in self._snapshot.hosts if host.state is not HostState.DOOMED]
        return len(rows), sum(host.kind.price_hour for host in rows)

    # --- nodes whose time is over -----------------------------------------------------------------

    def _find_aged(self) -> Aged:
        taken_back = {host.id for host in self._snapshot.hosts if host.ends_at is not None}
        return aged(self._snapshot, self._scene, self._limits(), taken_back, self._now)

    def _limits(self) -> Limits:
        """Give how much the pool may grow."""
        count, price = self._size()
        ceiling = self._scaling.cost_hour_max
        return Limits(
            nodes=self._bounds.nodes_max - count,
            price_hour=float("inf") if ceiling is None else ceiling - price,
        )

    def _endings(self) -> Iterator[PoolChange]:
        """Empty what its provider takes back, or what is about to be too old, in time."""
        for host in self._snapshot.hosts:
            if host.state is not HostState.READY:
                continue
            if host.ends_at is not None:
                left_s = (host.ends_at - self._now).total_seconds()
                because = f"its provider takes it back at {host.ends_at:%H:%M:%S} UTC"
                yield self._empty(host, because, within_s=max(0.0, left_s - LOOK_S))
            elif host.id in self._aged.leaving:
                hours = (host.kind.life_max_s or 0.0) / 3600
                because = f"a {host.kind.name} may live for {hours:g} h"
                yield self._empty(host, because, within_s=self._scaling.drain_s)

    def _empty(self, host: Host, because: str, within_s: float) -> PoolChange:
        return PoolChange(
            verb=PoolVerb.DRAIN,
            type=host.kind.name,
            node=host.id,
            because=because,
            price_hour=-host.kind.price_hour,
            within_s=within_s,
        )

    def _released(self, growth: Growth) -> Iterator[PoolChange]:
        kept = {site.node.id for site in growth.kept}
        for host in self._snapshot.hosts:
            if host.state is HostState.LEAVING and not host.loads and host.id not in kept:
                yield PoolChange(
                    verb=PoolVerb.RELEASE,
                    type=host.kind.name,
                    node=host.id,
                    because="it is empty",
                    price_hour=-host.kind.price_hour,
                )

    # --- what lacks -------------------------------------------------------------------------------

    def _grow(self, groups: Sequence[Group]) -> Growth:
        self._sites = {host.id: self._scene.site(host) for host in self._hosts}
        leaving = [  # one that is called back although it is too old would be emptied again at once
            host
            for host in self._snapshot.hosts
            if host.state is HostState.LEAVING and host.id not in self._aged.leaving
        ]
        leaving.sort(key=lambda host: (-self._scene.paid_s(host), host.id))
        opener = Opener(
            self._scene,
            self._limits(),
            groups,
            leaving=[self._scene.site(host) for host in leaving],
            scarce=self._snapshot.scarce,
        )
        sites = [*self._sites.values(), *map(self._scene.site, self._silent)]
        Line([*self._standing(), *sorted(sites, key=_fill_order)], groups).run(opener.open)
        self._round_up(opener)
        return opener.growth

    def _standing(self) -> list[Site]:
        """Give what costs nothing, and so is filled first."""
        return [self._scene.site(host) for host in self._snapshot.standing]

    def _round_up(self, opener: Opener) -> None:
        """Add what is missing to the minimum and to the warm spares.

        What never adds a node takes spares too, and does not have more made in their place.
        """
        growth = opener.growth
        used = len(self._hosts) + len(self._silent) + len(growth.sites) + len(growth.kept)
        empty = sum(
            not site.needed and not site.ends and site.loaded_until_s == 0
            for site in (*self._sites.values(), *growth.sites, *growth.kept)
        )
        missing = max(self._bounds.nodes_min - used, self._scaling.warm - empty, 0)
        while missing:
            kind = opener.cheapest()
            if kind is None:
                why = "more for the minimum or as warm spares may not be added"
                growth.missing = f"{missing} {why}: {opener.obstacle}"
                return
            opener.take(kind)
            missing -= 1

    def _added(self, growth: Growth, groups: Sequence[Group]) -> Iterator[PoolChange]:
        for site in growth.kept:
            yield PoolChange(
                verb=PoolVerb.KEEP,
                type=site.kind.name,
                node=site.node.id,
                because=f"{self._late_words(groups)}, and it is still there",
            )
        for site in growth.sites:
            yield PoolChange(
                verb=PoolVerb.ADD,
                type=site.kind.name,
                because=self._late_words(groups) if site.used else self._floor_words(),
                price_hour=site.kind.price_hour,
            )

    def _late_words(self, groups: Sequence[Group]) -> str:
        late = [group for group in groups if group.late]
        starting = sum(host.state is HostState.STARTING for host in self._hosts)
        first = f", such as {late[0].label}" if late and late[0].label else ""
        coming = f"; {starting} starting already count" if starting else ""
        waits = sum(group.started + group.left_out for group in late)
        return f"of {waits} that wait{first}, some would otherwise start too late{coming}"

    def _floor_words(self) -> str:
        if len(self._hosts) < self._bounds.nodes_min:
            return f"its minimum is {self._bounds.nodes_min}"
        return f"{self._scaling.warm} are kept warm"

    # --- what runs out ----------------------------------------------------------------------------

    def _running_out(self, found: Shrinkage) -> Iterator[PoolChange]:
        """Empty nodes that bill by the hour as their paid hour runs out, if all is in time without.

        Otherwise a job that starts in its last minutes would have another hour begun. What runs
        there must end within the hour though it may take long, or that is begun and of no use.
        """
        gone = {change.node for change in found.changes}
        rows = [
            host
            for host in self._hosts
            if host.id not in gone
            and host.state is HostState.READY
            and host.work
            and self._scene.is_coarse(host.kind)
            and self._scene.paid_s(host) <= _RUNNING_OUT_S
            and self._sites[host.id].ends_by_s <= self._scene.paid_s(host)
        ]
        rows.sort(key=lambda host: (self._scene.paid_s(host), host.id))
        left = len(self._hosts) - len(gone) - max(self._bounds.nodes_min, self._scaling.warm)
        for host in rows[: max(0, min(left, 3))]:
            if not self._enough_without({*gone, host.id}):
                return
            gone.add(host.id)
            because = "what is paid of it is almost over, and all is in time without it"
            yield self._empty(host, because, within_s=self._scaling.drain_s)

    def _enough_without(self, gone: set[NodeId | None]) -> bool:
        """Say whether nothing would be late if these took nothing more."""
        late: list[Group] = []
        there = (*self._hosts, *self._silent)
        sites = [self._scene.site(host) for host in there if host.id not in gone]
        groups = self._scene.groups(self._snapshot.waiting)
        Line([*self._standing(), *sorted(sites, key=_fill_order)], groups).run(late.append)
        return not late

    # --- what comes next --------------------------------------------------------------------------

    def _pending(self, growth: Growth, stuck: int) -> Iterator[str]:
        if growth.missing:
            yield growth.missing
        nevers: Counter[str] = Counter()
        for row in self._snapshot.waiting:
            nevers[row.never] += row.count if row.never else 0
        for why, count in (*growth.short.items(), *(+nevers).items()):
            yield f"{count} wait for a node that is not added: {why}"
        if stuck:
            yield f"{stuck} nodes beyond the maximum run what fits nowhere else"
        if old := sum(host.state is HostState.READY for host in self._aged.kept):
            yield f"{old} nodes that are too old run what fits nowhere else"

    def _wake_at(self, groups: Sequence[Group], spare_at: datetime | None) -> datetime | None:
        times = [at for at in (spare_at, self._bounds.until) if at is not None]
        waits = any(row.patience is not Patience.LAZY for row in self._snapshot.waiting)
        starting = any(host.state is HostState.STARTING for host in self._hosts)
        if (waits and groups) or starting or self._silent:
            times.append(self._now + timedelta(seconds=LOOK_S))
        look_at = self._now + timedelta(seconds=LOOK_S)
        leave = (leaves_at(host, self._scaling.drain_s) for host in self._hosts)
        times += [at if at > self._now else look_at for at in leave if at is not None]
        return min(times, default=None)


def _fill_order(site: Site) -> tuple[float, float, str]:
    """Fill the node whose paid time ends last, then the one that is busy longest."""
    return -(site.paid_s // 60), -site.busy_until_s, site.node.id
