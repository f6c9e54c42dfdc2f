"""Invariants of a simulated installation, and what is measured of it.

Told what really happens by the engine, and compared with what the control plane has written down.
What can be checked when it happens is; the rest is looked at every made-up minute.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from headway.model.container import Container, ContainerKind, ContainerState
from headway.model.deployment import Deployment
from headway.model.environment import NOT_ENDED, Environment
from headway.model.ids import ContainerId, NodeId, RunId
from headway.model.job import Delivery, Job
from headway.model.node import Node
from headway.model.order import Observed, Order
from headway.model.resources import Resources, cores
from headway.model.run import Run, RunFact, RunState, Task
from headway.model.scenario import Broken
from headway.ports.store import Reader
from headway.sim.gang_checks import GangChecks
from headway.sim.lock_checks import LockChecks
from headway.sim.machines import Machines
from headway.sim.outside import SimulatedRouter
from headway.sim.store import MemoryStore

Odd = tuple[str, tuple[str, str]]
"""What is out of order: by a key that stays the same; the invariant, and what does not hold."""
_PATIENCE_S = 300.0
"""How long something may be out of order while the control plane is there to see it."""


@dataclass(slots=True)
class Used:
    """What runs on a node needs together."""

    cpu_millionths: int = 0
    """Of a core: whole numbers add up to what they were taken from."""
    memory_mib: int = 0
    things: int = 0

    @property
    def cpu(self) -> float:
        """In cores."""
        return self.cpu_millionths / 1_000_000


@dataclass(slots=True)
class Checks:
    """Watches an engine."""

    time: Callable[[], float]
    store: MemoryStore
    router: SimulatedRouter
    nodes: dict[NodeId, Node]
    used: dict[NodeId, Used] = field(default_factory=dict)
    machines: Machines = field(default_factory=Machines)
    live: dict[ContainerId, Order] = field(default_factory=dict)
    place: dict[ContainerId, NodeId] = field(default_factory=dict)
    once: set[RunId] = field(default_factory=set)
    """Runs that may begin once, and did."""
    jobs: dict[ContainerId, dict[str, Job]] = field(default_factory=dict)
    declared: dict[str, Job] = field(default_factory=dict)
    """By name, as runners were told."""
    doing: dict[tuple[RunId, int], Job] = field(default_factory=dict)
    attempts: dict[RunId, int] = field(default_factory=dict)
    """Run to the attempt under way."""
    odd_since: dict[str, float] = field(default_factory=dict)
    listens: dict[int, tuple[Order, float]] = field(default_factory=dict)
    """Port to who listens there, and since when."""
    on_use: Callable[[float, int, int], None] = lambda _cpu, _memory, _nodes: None
    """Told of each change: cores, MiB, and nodes on which something is."""
    on_begin: Callable[[Task], None] = lambda _task: None
    more_odd: Callable[[], Iterable[tuple[Odd, float]]] = tuple
    """Gives what else is out of order, and how much longer than most it may be."""
    locks: LockChecks = field(init=False)
    gangs: GangChecks = field(init=False)
    begun: int = 0
    broken: Broken | None = None

    def __post_init__(self) -> None:
        self.locks = LockChecks(self.store, self.fail)
        self.gangs = GangChecks(self.store, self.fail)

    def fail(self, invariant: str, what: str) -> None:
        """Note that an invariant does not hold; the first is kept."""
        if self.broken is None:
            self.broken = Broken(at_s=round(self.time(), 6), invariant=invariant, what=what)

    def is_well(self, port: int) -> bool | None:
        """Say how who listens on a port answers; None when nobody does."""
        found = self.listens.get(port)
        if found is None:
            return None
        order, since = found
        after_s = float(order.variables.get("HEALTHY_AFTER_S", "0"))
        return "BROKEN" not in order.variables and self.time() >= since + after_s

    # --- as it happens ---------------------------------------------------------------------------

    def started(self, order: Order, fact: Observed) -> None:
        """A container began to run."""
        if order.id in self.live:
            self.fail("nothing is doubled", f"container {order.id} was started twice")
        if fact.node not in self.nodes:
            self.fail("nodes", f"{order.id} was started on {fact.node}, which is not there")
            return
        self.live[order.id] = order
        self.place[order.id] = fact.node
        self.jobs[order.id] = {job.name: job for job in order.jobs}
        self.declared |= self.jobs[order.id]
        for port in fact.ports.values():
            self.listens[port] = (order, self.time())
        self._use(fact.node, order.resources, 1)
        self._note(self.machines.has_ports(self.nodes[fact.node], order))

    def stopping(self, container: ContainerId) -> None:
        """A container was told to stop."""
        if container in self.live and self.router.leads_to(container):
            self.fail(
                "routes end before containers", f"{container} was told to stop, and is in the table"
            )

    def ended(self, fact: Observed) -> None:
        """A container runs no more."""
        order = self.live.pop(fact.id, None)
        if order is not None:
            node = self.place.pop(fact.id)
            self.jobs.pop(fact.id, None)
            for port in fact.ports.values():
                self.listens.pop(port, None)
            self.machines.let_go(order.id)
            self._use(node, order.resources, -1)

    def began(self, runner: ContainerId, task: Task) -> None:
        """An attempt began."""
        self.begun += 1
        job = self.jobs.get(runner, {}).get(task.job)
        if job is None:
            self.fail("runners know their jobs", f"{runner} was handed {task.job} of {task.run}")
            return
        attempt = (task.run, task.attempt)
        if attempt in self.doing:
            self.fail("nothing is doubled", f"attempt {task.attempt} of {task.run} began twice")
        if job.delivery is Delivery.AT_MOST_ONCE:
            if task.run in self.once:
                self.fail("at_most_once", f"{task.run} began again: attempt {task.attempt}")
            self.once.add(task.run)
        under_way = self.attempts.setdefault(task.run, task.attempt)
        if under_way != task.attempt:
            what = f"attempts {under_way} and {task.attempt} of {task.run} run at the same time"
            self.fail("nothing is doubled", what)
        self.doing[attempt] = job
        self._use(self.place[runner], job.resources, 1)
        self.locks.began(task)
        self.gangs.began(task)
        self.on_begin(task)

    def finished(self, runner: ContainerId, fact: RunFact) -> None:
        """An attempt is over."""
        job = self.doing.pop((fact.run, fact.attempt), None)
        if job is not None:
            self.attempts.pop(fact.run, None)
            self.locks.finished(fact)
            self._use(self.place[runner], job.resources, -1)

    def _note(self, wrong: tuple[str, str] | None) -> None:
        if wrong is not None:
            self.fail(*wrong)

    def _use(self, node: NodeId, resources: Resources, things: int) -> None:
        cpu, memory_mib = things * resources.cpu, things * resources.memory_mib
        used = self.used.get(node)
        if used is None:
            used = self.used[node] = Used()
        before = used.things > 0
        used.cpu_millionths += round(1_000_000 * cpu)
        used.memory_mib += memory_mib
        used.things += things
        self.on_use(cpu, memory_mib, (used.things > 0) - before)
        if disk_mib := things * resources.disk_reserved_mib:
            self._note(self.machines.use(node, self.nodes.get(node), disk_mib))
        if things < 0:
            return
        there = self.nodes[node]
        if used.cpu > there.cpu + 1e-6 or used.memory_mib > there.memory_mib:
            self.fail(
                "never over capacity",
                f"{node} has {cores(there.cpu)} and {there.memory_mib} MiB, and "
                f"{used.cpu:g} and {used.memory_mib} are in use",
            )

    # --- every minute ----------------------------------------------------------------------------

    def look(self, watched_s: float) -> None:
        """Compare the world with the rows; `watched_s` is how long the control plane has seen it.

        What is odd must be put right while somebody is there to do it.
        """
        self.locks.look()
        self.gangs.look()
        odd, longer_s = dict(self._odd()), {}
        for (key, found), more_s in self.more_odd():
            odd[key], longer_s[key] = found, more_s
        now = self.time()
        since = {key: self.odd_since.get(key, now) for key in odd}
        self.odd_since = since
        for key, (invariant, what) in odd.items():
            length_s = min(now - since[key], watched_s)
            if length_s > _PATIENCE_S + longer_s.get(key, 0.0):
                self.fail(invariant, f"{what}, for {length_s:.0f} s")

    @property
    def is_odd(self) -> bool:
        """Whether anything was out of order at the last look, or is now."""
        return bool(self.odd_since or self._odd())

    def _odd(self) -> list[Odd]:
        return self.store.ask(self._read_odd)

    def _read_odd(self, reader: Reader) -> list[Odd]:
        found: list[Odd] = []
        copies: dict[tuple[object, ...], list[ContainerId]] = {}
        for identity, order in self.live.items():
            row = reader.get(Container, identity)
            if row is None or row.is_ended or row.retired:
                state = row.state.value if row else "not there"
                what = f"{order.name} ({identity}) runs, and its row is {state}"
                found.append((f"orphan {identity}", ("what runs is wanted", what)))
            elif row.kind is ContainerKind.SERVICE and row.state is not ContainerState.STOPPING:
                copy = (row.environment, row.app, row.process, row.slot, row.release)
                copies.setdefault(copy, []).append(identity)
            elif row.state is ContainerState.STOPPING:
                what = f"{order.name} ({identity}) is to stop, and runs"
                found.append((f"stopping {identity}", ("what is to stop stops", what)))
        for key, same in copies.items():
            if len(same) > 1:
                what = f"{', '.join(same)} are copies of {key}"
                found.append((f"double {key}", ("nothing is doubled", what)))
        found += self._missing(reader)
        found += self._routes()
        return found

    def _missing(self, reader: Reader) -> list[Odd]:
        found: list[Odd] = []
        for row in reader.find(Container, retired=False):
            if not row.is_ended and row.id not in self.live:
                what = f"{row.label} ({row.id}) is {row.state.value}, and does not run"
                found.append((f"missing {row.id}", ("rows agree with the world", what)))
        return found

    def _routes(self) -> list[Odd]:
        return [
            (
                f"route {target.container}",
                ("routes lead to what runs", f"{route.key} leads to {target.container}"),
            )
            for route in self.router.table.routes
            for target in route.targets
            if target.container not in self.live
        ]

    def leases(self, now_s: Callable[[Environment], float | None], watched_s: float) -> None:
        """Check that what a lease held is gone; `now_s` says how long ago it ended."""
        for row in self.store.ask(lambda reader: reader.find(Environment, state=NOT_ENDED)):
            over_s = now_s(row)
            if over_s is not None and min(over_s, watched_s) > 2 * _PATIENCE_S:
                self.fail("leases end", f"{row.id} is {row.state.value} {over_s:.0f} s after its")

    # --- at the end ------------------------------------------------------------------------------

    def settled(self, reserved: dict[NodeId, tuple[float, int]], why: Callable[[Run], str]) -> None:
        """Check that everything has come to its end.

        Pools go on: a node may be given back in this very moment. That theirs was in order is
        known, as whoever calls this waited for a look that found nothing out of order.
        """
        for key, (invariant, what) in self._odd():
            self.fail(invariant, f"at the end: {what} ({key})")
        for run in self.store.ask(lambda reader: reader.find(Run)):
            if not run.is_ended:
                self.fail(
                    "every run ends", f"{run.id} of {run.job} is {run.state.value}: {why(run)}"
                )
            self._told_to_end(run)
        for row in self.store.ask(lambda reader: reader.find(Deployment, is_ended=False)):
            self.fail("every deployment ends", f"{row.id} of {row.app} is {row.phase.value}")
        self._leaks(reserved)

    def _told_to_end(self, run: Run) -> None:
        """Check that attempts were only ended by who may, and that it cost the run nothing."""
        job = self.declared.get(run.job)
        for attempt in run.attempts:
            what = f"attempt {attempt.number} of {run.id} of {run.job}"
            if attempt.outcome is RunState.CANCELLED and not run.cancelling:
                self.fail("only people cancel", f"{what} was cancelled, and nobody asked for it")
            if not attempt.preempted or job is None:
                continue
            allowed = job.placement is not None and job.placement.preemptible
            if not allowed or job.delivery is Delivery.AT_MOST_ONCE:
                self.fail("who may not be preempted is not", f"{what}: {attempt.preempted}")
            if attempt.outcome is RunState.LOST and not attempt.is_handed_back:
                self.fail("who gives way uses up no retry", f"{what}: {attempt.because}")

    def _leaks(self, reserved: dict[NodeId, tuple[float, int]]) -> None:
        for node in self.nodes:
            used = self.used.get(node, Used())
            cpu, memory_mib = reserved.get(node, (0.0, 0))
            if abs(cpu - used.cpu) > 1e-4 or memory_mib != used.memory_mib:
                self.fail(
                    "no reservation leaks",
                    f"{node}: {cores(cpu)} and {memory_mib} MiB are reserved, "
                    f"{used.cpu:g} and {used.memory_mib} are in use",
                )
