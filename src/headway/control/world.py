"""Everything the control room can reach."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from headway.calculate.coming import Coming
from headway.calculate.demand import of_container
from headway.calculate.keeping import Kept, placed_under
from headway.calculate.placement import Fleet
from headway.calculate.rollout.container import is_leaving
from headway.control.bell import Bell
from headway.control.figures import Figures
from headway.control.mirrors import Mirrors
from headway.control.permits import PermittedStore
from headway.control.probes import Probes
from headway.control.roster import Roster
from headway.machine.chance import chance
from headway.machine.run_ids import RunIds
from headway.model.container import Container
from headway.model.demand import Demand
from headway.model.ids import AppName, ContainerId, EnvironmentId, LeaseId, MemberKey, NodeId
from headway.model.lease import Lease
from headway.model.node import Node
from headway.model.settings import Settings
from headway.ports.builder import Builder, Sources
from headway.ports.clock import Clock
from headway.ports.engine import Engine
from headway.ports.provider import Provider
from headway.ports.router import Router
from headway.ports.store import Store
from headway.ports.vault import Vault

_NODES_KNOWN = timedelta(seconds=30)
"""Nodes are heard of one by one; until then none is missed."""
_ENDED_MAX = 10_000
"""Ended containers whose version is known: many more than end while a question is answered."""


def whom_of(key: MemberKey) -> str:
    """Name an app in an environment as one that room is promised to, or that offers its own."""
    return f"{key[0]}/{key[1]}"


class Outlook(NamedTuple):
    """What pools do about what fits nowhere."""

    comes: bool
    """Whether room is about to come for it."""
    because: str = ""


class CopyOf(NamedTuple):
    """What a container is a copy of."""

    environment: EnvironmentId
    app: AppName
    release: int


@dataclass(kw_only=True, slots=True)
class World:
    """The ports, and what is known of the world in this moment only."""

    clock: Clock
    store: Store
    engine: Engine
    router: Router
    sources: Sources
    builder: Builder
    vault: Vault
    settings: Settings
    started_at: datetime
    version: str
    provider: Provider | None = None
    """Where nodes come from; None: those that are there are all."""
    url: str = ""
    """Where containers reach the API."""
    bell: Bell = field(default_factory=Bell)
    run_ids: RunIds = field(default_factory=lambda: RunIds(lambda bits: chance().getrandbits(bits)))
    fleet: Fleet = field(default_factory=Fleet)
    """What is placed where. Decided upon and changed in the event loop only, never in a deed."""
    probes: Probes = field(default_factory=Probes)
    roster: Roster = field(init=False)
    keeping: tuple[Lease, ...] = ()
    """The leases of nodes and of capacity that are booked or held."""
    kept: Kept = field(default_factory=Kept)
    """What placement keeps for them."""
    under: dict[EnvironmentId, Lease] = field(default_factory=dict)
    """Environments that were started under one of these."""
    awaited: dict[LeaseId, asyncio.Event] = field(default_factory=dict)
    """Leases whose next state somebody waits for."""
    pending: dict[MemberKey, str] = field(default_factory=dict)
    """Why something wanted cannot be done now, by member."""
    lacking: dict[MemberKey, tuple[datetime, tuple[Demand, ...]]] = field(default_factory=dict)
    """What of a member fits on no node, and since when."""
    outlooks: dict[str, Outlook] = field(default_factory=dict)
    """What pools do about that, by whom it is of, and about builds that no node takes, by id."""
    answering: dict[str, asyncio.Lock] = field(default_factory=dict)
    """Requests under way that came with an Idempotency-Key, by that key."""
    troubles: dict[str, tuple[datetime, str]] = field(default_factory=dict)
    """Loop name to the last error that it has not recovered from."""
    figures: Figures = field(init=False)
    mirrors: Mirrors = field(init=False)
    """What pages look at again and again."""
    copies: dict[ContainerId, CopyOf] = field(default_factory=dict)
    """Containers that have not ended, by what they are copies of."""
    leaving: dict[ContainerId, datetime] = field(default_factory=dict)
    """Those of them that were asked to leave, to when they were."""
    versions: dict[ContainerId, int] = field(default_factory=dict)
    """Of their rows, as far as they are known."""
    ended: OrderedDict[ContainerId, int] = field(default_factory=OrderedDict)
    """The same of those that ended last: what was read before they did may be told afterwards."""

    def __post_init__(self) -> None:
        self.store = PermittedStore(self.store, self.clock)
        self.roster = Roster(self.fleet)
        self.mirrors = Mirrors(self.store)
        self.figures = Figures(self.settings.figures_step_s, self.settings.figures_series_max)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes in the states that count, sorted by id."""
        return self.roster.nodes()

    @property
    def knows_nodes(self) -> bool:
        """Whether a node that was not heard of since headway's start is not there."""
        return self.clock.now() >= self.started_at + _NODES_KNOWN

    def note(self, row: Container) -> None:
        """Count what a container's row holds of its node; one older than is known says nothing."""
        known = self.versions.get(row.id, self.ended.get(row.id, row.version))
        if row.version < known:
            return
        if is_leaving(row):
            self._leaves(row)
        else:
            self.leaving.pop(row.id, None)
        if row.is_ended:
            self.give_up(row)
            self.ended[row.id] = row.version
            self.ended.move_to_end(row.id)
            if len(self.ended) > _ENDED_MAX:
                self.ended.popitem(last=False)
        else:
            self.fleet.hold(row.id, row.node, of_container(row))
            self.copies[row.id] = CopyOf(row.environment, row.app, row.release)
            self.versions[row.id] = row.version
            if row.preempted:
                self.fleet.yielding.leaves(row.id)
            else:
                self.fleet.yielding.stays(row.id)

    def _leaves(self, row: Container) -> None:
        """Keep that what it holds is about to be free; who lacks room is to hear of it."""
        if row.id not in self.leaving:
            self.leaving[row.id] = row.stopping_at or row.draining_at or self.clock.now()
            if self.lacking:
                self.bell.pool()

    def coming(self) -> Coming:
        """Give what makes room though no node is added, or may."""
        roster, lost = self.roster, timedelta(seconds=self.settings.node_lost_after_s)
        silent = {
            node: since + lost
            for node, since in roster.away.items()
            if node not in roster.lost and node not in roster.holds
        }
        return Coming(leaving=self.leaving.copy(), silent=silent)

    def where_leased(self, demand: Demand, environment: EnvironmentId) -> Demand:
        """Have what an environment places go where the lease holds that it was started under."""
        lease = self.under.get(environment)
        return demand if lease is None else placed_under(demand, lease)

    def give_up(self, row: Container) -> None:
        """Count no more what was noted of a container: it has ended, or did not come to be."""
        self.fleet.free(row.id)
        self.copies.pop(row.id, None)
        self.leaving.pop(row.id, None)
        self.versions.pop(row.id, None)

    def containers_on(self, node: NodeId) -> tuple[ContainerId, ...]:
        """List the containers on a node that have not ended."""
        return tuple(ContainerId(what) for what in self.fleet.on(node) if what in self.copies)

    def attempts_on(self, node: NodeId) -> int:
        """Count the attempts of runs on a node."""
        return sum(what not in self.copies and ":" not in what for what in self.fleet.on(node))
