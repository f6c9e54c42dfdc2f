"""A plan in the making: rows as they will be, so that each step sees the steps before it."""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import msgspec

from headway.calculate.demand import of_build, of_command, of_process
from headway.calculate.keeping import placed_under
from headway.calculate.placement import (
    Ask,
    Fleet,
    Placed,
    awaited_for,
    doubted,
    give_way,
    preempt,
)
from headway.calculate.rollout.check import check_of, first_healthy, good_at
from headway.calculate.rollout.container import is_staying
from headway.calculate.rollout.pending import Pending, Unplaced
from headway.calculate.rollout.services import Services
from headway.model.container import Container, ContainerKind, ContainerState
from headway.model.demand import Demand
from headway.model.deployment import MOVING, Deployment, Phase, advanced
from headway.model.environment import Environment, Member
from headway.model.failure import Failure
from headway.model.ids import ContainerId, NodeId
from headway.model.manifest import Process
from headway.model.node import NodeState
from headway.model.plan import Change, MachinePort, Plan, Verb
from headway.model.preempting import Offer, Preempting
from headway.model.release import Release
from headway.model.snapshot import MemberSnapshot
from headway.model.value import Value


class Launch(Value, kw_only=True):
    """A container that is wanted."""

    release: Release
    process: str
    slot: int
    because: str
    deployment: Deployment | None = None
    before: Container | None = None
    """The container whose place it takes."""
    restarts: int = 0
    node: NodeId | None = None
    """None: any node that fits."""
    kind: ContainerKind = ContainerKind.SERVICE
    command: str = ""


class Draft:
    """Collects changes to one member and keeps the rows they lead to."""

    def __init__(self, snapshot: MemberSnapshot, now: datetime, fleet: Fleet) -> None:
        self.snapshot = snapshot
        self.now = now
        self.environment = snapshot.environment
        self.member = snapshot.member
        self.deployments = {row.id: row for row in snapshot.deployments}
        self.containers = {row.id: row for row in snapshot.containers}
        self._services = Services(snapshot.containers)
        self._first_healthy = first_healthy(snapshot.containers)
        self.fleet = fleet
        self._changes: list[Change] = []
        self._wake_at: datetime | None = None
        self._pending = Pending()
        self._preempting: list[Preempting] = []
        self._lacks: list[Demand] = []
        self._ports: dict[MachinePort, None] = {}
        self._doubted: list[Demand] = []

    def plan(self, offers: tuple[Offer, ...] = ()) -> Plan:
        """Give what was collected."""
        return Plan(
            changes=tuple(self._changes),
            wake_at=self._wake_at,
            pending=self._pending.sentence,
            lacks=tuple(self._lacks),
            preempting=tuple(self._preempting),
            offers=offers,
            ports=tuple(self._ports),
        )

    # --- reading -------------------------------------------------------------------------

    def release(self, number: int | None) -> Release | None:
        """Give a release by number."""
        return None if number is None else self.snapshot.releases.get(number)

    def services(self, release: int | None = None) -> Sequence[Container]:
        """List service containers, of one release or of all, by process and slot."""
        return self._services.of(release)

    def in_slot(self, release: int, process: str, slot: int) -> Sequence[Container]:
        """List the service containers of a slot, the oldest first."""
        return self._services.at(release, process, slot)

    def staying(self, release: int, process: str) -> list[Container]:
        """List the containers of a process type that run and were not asked to leave."""
        return [row for row in self.services(release) if row.process == process and is_staying(row)]

    def is_good(self, container: Container, release: Release) -> bool:
        """Say whether a container has been healthy for long enough; if not, wake when it may be."""
        if container.state is not ContainerState.HEALTHY or container.healthy_at is None:
            return False
        since = container.healthy_at
        first = self._first_healthy.get((container.release, container.process), since)
        at = good_at(release, check_of(release, container), since, first)
        if self.now < at:
            self.wake(at)
            return False
        return True

    def is_leaving(self, node: NodeId) -> bool:
        """Say whether what is on a node is to leave."""
        return self._state(node) is NodeState.DRAINING

    @property
    def is_moving(self) -> bool:
        """Whether a deployment decides which containers run."""
        return any(row.phase in MOVING for row in self.deployments.values())

    def is_vacated(self, node: NodeId) -> bool:
        """Say whether daemons are to leave a node, too: they are of no use there any more."""
        state = self._state(node)
        if state is NodeState.DRAINING:
            return node in self.snapshot.vacated
        return state is NodeState.READY  # it does not match any more

    def _state(self, node: NodeId) -> NodeState | None:
        known = self.fleet.node(node)
        return known.state if known is not None else None

    def eligible(self, release: Release, process: Process) -> tuple[NodeId, ...]:
        """List the nodes on which a daemon runs."""
        demand = self.where_leased(of_process(release, process))
        self.doubt(demand)
        return self.fleet.eligible(demand, self.now)

    def takes_builds(self) -> bool:
        """Say whether builds may run anywhere; when not, why is said."""
        demand = of_build()
        if self.fleet.eligible(demand, self.now):
            return True
        self.pend(f"its build waits: {self.fleet.place(demand, self.now).because}")
        return False

    def finds_room(self, launch: Launch) -> bool:
        """Say whether a container could be started now; when not, why is said."""
        return self._place(launch, self._demand(launch)).node is not None

    def finds_room_after(self, leaving: Iterable[Container], launches: Iterable[Launch]) -> bool:
        """Say whether containers could all be started once others have left; when not, why."""
        with self.fleet.trial():
            for row in leaving:
                self.fleet.free(row.id)
            for number, launch in enumerate(launches):
                demand = self._demand(launch)
                placed = self._place(launch, demand)
                if placed.node is None:
                    return False
                self.fleet.hold(f"successor:{number}", placed.node, demand)
        return True

    def fits_elsewhere(self, launch: Launch, node: NodeId) -> bool:
        """Say whether a container could be started now on another node than this one."""
        demand = self._demand(launch)
        self.doubt(demand)
        return self.fleet.place(demand, self.now, but=(node,)).node is not None

    def is_in_the_way(self, container: Container, launch: Launch) -> bool:
        """Say whether one fits only once another has left the port that both need."""
        demand = self._demand(launch)
        if not demand.ports or self.fleet.place(demand, self.now).node is not None:
            return False
        with self.fleet.trial():
            self.fleet.free(container.id)
            return self.fleet.place(demand, self.now).node is not None

    def _place(self, launch: Launch, demand: Demand) -> Placed:
        among = None if launch.node is None else (launch.node,)
        before = launch.before
        taken = before is not None and before.preempted
        but = (before.node,) if before is not None and taken and not before.is_ended else ()
        placed = self.fleet.place(demand, self.now, among=among, but=but)
        if placed.node is not None:
            self._ports |= {MachinePort(placed.node, port): None for port in demand.ports}
        else:
            self.doubt(demand, among)
            what = f"{launch.process}.{launch.slot} ({launch.release.label})"
            if taken:
                what += f" gave way ({taken}), is back as soon as there is room, and"
            crowded = self.fleet.crowded_out(demand)
            if crowded is not None:
                waits = "it waits until one of the others is stopped or moved to other nodes"
                self.pend(f"{crowded.because}: {waits}; else {crowded.hint}")
            because = self._room_made(demand, among) or placed.because
            if taken or among is not None:
                self.pend(f"{what} does not fit: {because}")
            else:
                self._pending.add_copy(self._unplaced(launch, because), launch.slot)
            if among is None:
                self._lacks.append(demand)
        return placed

    def doubt(self, demand: Demand, among: Collection[NodeId] | None = None) -> None:
        """Have nodes asked whether ports that keep a demand away from them are taken still."""
        if among is None:
            if demand in self._doubted:
                return
            self._doubted.append(demand)
        self._ports |= dict.fromkeys(doubted(self.fleet, demand, self.now, among))

    def _unplaced(self, launch: Launch, because: str) -> Unplaced:
        process = launch.release.manifest.process(launch.process)
        wanted = self.scale(process) if process is not None else 1
        return Unplaced(launch.process, launch.release.label, wanted, because)

    def _room_made(self, demand: Demand, among: Collection[NodeId] | None) -> str:
        """Have runs of lower priority give way; says which do, or did already."""
        whom = f"{self.member.environment}/{self.member.app}"
        made = [one for one in self.fleet.promises() if one.whom == whom and demand in one.demands]
        if self._lacks.count(demand) < len(made):
            return awaited_for(made[:1])
        if not self.fleet.yielding.to(demand):
            return ""
        found = preempt(self.fleet, [Ask(demand, among)], self.now)
        if found is None:
            return ""
        give_way(self.fleet, found, self.now)
        number = len(self._preempting)
        self.fleet.hold(f"preempting:{number}", found.node, demand)
        self._preempting.append(found)
        return f"{found.because}: {found.what}"

    def _demand(self, launch: Launch) -> Demand:
        manifest = launch.release.manifest
        process = manifest.process(launch.process) or manifest.processes[0]
        if launch.kind is not ContainerKind.SERVICE:
            return self.where_leased(of_command(launch.release, process))
        return self.where_leased(of_process(launch.release, process))

    def where_leased(self, demand: Demand) -> Demand:
        """Have what is placed go where the lease holds that its environment was started under."""
        lease = self.snapshot.lease
        return demand if lease is None else placed_under(demand, lease)

    def scale(self, process: Process) -> int:
        """Say how many copies of a process type are wanted."""
        if self.member.stopped:
            return 0
        return self.member.scale.get(process.name, process.scale)

    # --- writing -------------------------------------------------------------------------

    def wake(self, at: datetime) -> None:
        """Decide again at this time, or earlier."""
        if self._wake_at is None or at < self._wake_at:
            self._wake_at = at

    def pend(self, because: str) -> None:
        """Say why something wanted cannot be done now."""
        self._pending.add(because)

    def set_member(self, what: str, because: str, **fields: object) -> None:
        """Change fields of the member, if any of them differ."""
        row = msgspec.structs.replace(self.member, **fields)
        if row == self.member:
            return
        verb = Verb.SHARE_TRAFFIC if "split" in fields else Verb.SET_MEMBER
        self.member = row
        self._add(verb, row, what, because)

    def set_deployment(self, row: Deployment, what: str, because: str) -> Deployment:
        """Change a deployment without moving it to another phase."""
        self.deployments[row.id] = row
        self._add(Verb.ADVANCE_DEPLOYMENT, row, what, because)
        return row

    def advance(
        self,
        deployment: Deployment,
        phase: Phase,
        what: str,
        because: str = "",
        failure: Failure | None = None,
    ) -> Deployment:
        """Move a deployment to a phase."""
        row = advanced(deployment, phase, self.now, what, because)
        if failure is not None:
            row = msgspec.structs.replace(row, failure=failure)
        verb = (
            Verb.CREATE_RELEASE
            if deployment.release is None and phase is Phase.WAITING
            else Verb.ADVANCE_DEPLOYMENT
        )
        self.deployments[row.id] = row
        self._add(verb, row, what, because or what)
        return row

    def start(self, launch: Launch) -> Container | None:
        """Start a container, or say why none can be placed."""
        release, identity = launch.release, self._identity(launch)
        demand = self._demand(launch)
        placed = self._place(launch, demand)
        if placed.node is None:
            return None
        spec = release.manifest.process(launch.process)
        self.fleet.hold(identity, placed.node, demand)
        because = launch.because
        if launch.node is None:
            because += f"; on {placed.node}: {placed.because}"
        row = Container(
            id=identity,
            environment=self.member.environment,
            app=self.member.app,
            kind=launch.kind,
            process=launch.process,
            release=release.number,
            slot=launch.slot,
            daemon=launch.kind is ContainerKind.SERVICE and bool(spec and spec.daemon),
            deployment=launch.deployment.id if launch.deployment else None,
            command=launch.command,
            node=placed.node,
            because=because,
            restarts=launch.restarts,
            resources=demand.resources,
            demand=demand,
            created_at=self.now,
        )
        self._put(Verb.START_CONTAINER, row, f"start {_name(row)}", row.because)
        return row

    def drain(self, container: Container, because: str) -> None:
        """Take a container out of the route table; it is stopped when its requests have ended."""
        row = msgspec.structs.replace(
            container, state=ContainerState.DRAINING, draining_at=self.now, because=because
        )
        self._put(Verb.DRAIN_CONTAINER, row, f"drain {_name(row)}", because)

    def stop(self, container: Container, because: str) -> None:
        """Tell a container to end."""
        row = msgspec.structs.replace(
            container, state=ContainerState.STOPPING, stopping_at=self.now, because=because
        )
        self._put(Verb.STOP_CONTAINER, row, f"stop {_name(row)}", because)

    def stay(self, container: Container, because: str) -> None:
        """Have a container that was to give way stay."""
        row = msgspec.structs.replace(container, preempted="")
        self._put(Verb.KEEP_CONTAINER, row, f"keep {_name(row)}", because)

    def retire(self, container: Container) -> None:
        """Look no more at a container that ended."""
        row = msgspec.structs.replace(container, retired=True)
        self._put(Verb.RETIRE_CONTAINER, row, f"forget {_name(row)}", "it ended")

    def _put(self, verb: Verb, row: Container, what: str, because: str) -> None:
        self.containers[row.id] = row
        self._services.put(row)
        self._add(verb, row, what, because)

    def _add(
        self,
        verb: Verb,
        row: Environment | Member | Deployment | Container,
        what: str,
        because: str,
    ) -> None:
        self._changes.append(Change(verb=verb, row=row, what=what, because=because))

    def _identity(self, launch: Launch) -> ContainerId:
        """Derive an id from what is decided, so that the same decision names the same container."""
        origin = (
            self.member.environment,
            self.member.app,
            launch.release.label,
            launch.process,
            str(launch.slot),
            launch.kind.value,
            launch.before.id if launch.before else "",
            self.now.isoformat(),
        )
        word = hashlib.sha256("\0".join(origin).encode()).hexdigest()[:10]
        return ContainerId(f"{self.member.app}-{launch.process}-{launch.slot}-{word}")


def _name(container: Container) -> str:
    return f"{container.label} (v{container.release})"
