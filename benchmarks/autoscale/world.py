"""The simulated pool: jobs come, nodes start and end, and a policy is asked how many there should be.

It goes from event to event. What the policies share: who is urgent starts first, and a job goes to the
first node with room in the order of the world. What differs is only which nodes there are.
"""

import heapq
import itertools
from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

from benchmarks.autoscale.load import HOUR_S, Job
from headway.calculate.billing import billed_s
from headway.model.pool import NodeType


@dataclass(slots=True)
class Machine:
    """One node. Times in seconds."""

    number: int
    kind: NodeType
    since: float
    ready: float
    cpu: float
    memory: float
    running: dict[int, float] = field(default_factory=dict)
    """Job to when it began."""
    idle: float | None = None
    leaving: bool = False
    spare: float | None = None

    def paid(self, now: float) -> float:
        """How long from now it is paid for."""
        lived = now - self.since
        return billed_s(self.kind, lived) - lived


class Policy(Protocol):
    """Says how many nodes there should be."""

    name: str
    fills_paid: bool
    """Jobs go to the node whose paid time ends last."""

    def beat(self, world: "World") -> float:
        """Change the world's nodes, and say when to be asked again."""
        ...


@dataclass(slots=True)
class Result:
    """What a policy cost, and how long jobs waited."""

    hours: float
    urgent: list[float]
    lazy: list[float]
    launches: int
    peak: int
    price: float


class World:
    """Jobs and nodes at one time."""

    def __init__(
        self, jobs: list[Job], policy: Policy, types: list[NodeType], most: int = 1000
    ) -> None:
        self.jobs = jobs
        self.types = types
        self.most = most
        self.now = jobs[0].at
        self.urgent: deque[int] = deque()
        self.lazy: deque[int] = deque()
        self.machines: dict[int, Machine] = {}
        self.ended = 0
        self.eager = False
        """The policy is to be asked when something has changed, not only when it wanted to be."""
        self._policy = policy
        self._numbers = itertools.count(1)
        self._events: list[tuple[float, int, str, int]] = []
        self._count = itertools.count()
        self._began: list[float | None] = [None] * len(jobs)
        self._seconds = 0.0
        self._price = 0.0
        self.launches = self.peak = 0

    # --- what a policy sees and does ----------------------------------------------------------

    def ready(self) -> list[Machine]:
        return [row for row in self.machines.values() if row.ready <= self.now and not row.leaving]

    def starting(self) -> int:
        return sum(row.ready > self.now for row in self.machines.values())

    def busy(self) -> int:
        return sum(bool(row.running) for row in self.machines.values())

    def add(self, kind: NodeType) -> None:
        if len(self.machines) >= self.most:
            return
        number = next(self._numbers)
        row = Machine(
            number, kind, self.now, self.now + kind.start_s, kind.cpu, kind.memory_mib / 1024
        )
        self.machines[number] = row
        self._later(row.ready, "ready", number)
        self.launches += 1
        self.peak = max(self.peak, len(self.machines))

    def remove(self, machine: Machine) -> None:
        """Give a node back that runs nothing, or have it take nothing more until it is empty."""
        if machine.running:
            machine.leaving = True
            return
        del self.machines[machine.number]
        paid = billed_s(machine.kind, self.now - machine.since)
        self._seconds += paid
        self._price += paid / HOUR_S * machine.kind.price_hour

    # --- the run ------------------------------------------------------------------------------

    def run(self) -> Result:
        arrivals = [(job.at, number) for number, job in enumerate(self.jobs)]
        place, beat = 0, self.now
        while self.ended < len(self.jobs):
            at = arrivals[place][0] if place < len(arrivals) else float("inf")
            event = self._events[0][0] if self._events else float("inf")
            self.now = min(at, event, beat)
            if self.now == beat and beat < min(at, event):
                beat = max(self.now + 1e-3, self._policy.beat(self))
                continue
            while place < len(arrivals) and arrivals[place][0] <= self.now:
                number = arrivals[place][1]
                (self.lazy if self.jobs[number].lazy else self.urgent).append(number)
                place += 1
            while self._events and self._events[0][0] <= self.now:
                self._pass(*heapq.heappop(self._events))
            self._dispatch()
            if self.eager:
                beat = min(beat, self.now + 5.0)
        for row in list(self.machines.values()):
            self.remove(row)
        return self._result()

    def _pass(self, _at: float, _number: int, what: str, who: int) -> None:
        if what == "ready":
            row = self.machines.get(who)
            if row is not None and not row.running:
                row.idle = self.now
            return
        for row in self.machines.values():
            if who in row.running:
                del row.running[who]
                job = self.jobs[who]
                row.cpu += job.cpu
                row.memory += job.memory
                self.ended += 1
                if not row.running:
                    row.idle = self.now
                    if row.leaving:
                        self.remove(row)
                return

    def _dispatch(self) -> None:
        if not self.urgent and not self.lazy:
            return
        rows = [row for row in self.ready() if row.cpu > 0]
        if not rows:
            return
        if self._policy.fills_paid:
            rows.sort(key=lambda row: (-(row.paid(self.now) // 60), row.number))
        for queue in (self.urgent, self.lazy):
            refused: set[tuple[float, float]] = set()
            left: deque[int] = deque()
            while queue and rows:
                number = queue.popleft()
                job = self.jobs[number]
                shape = (job.cpu, job.memory)
                row = None
                if shape not in refused:
                    row = next(
                        (row for row in rows if row.cpu >= job.cpu and row.memory >= job.memory),
                        None,
                    )
                if row is None:
                    refused.add(shape)
                    left.append(number)
                    if len(refused) > 8 or len(left) > 200:
                        break
                    continue
                self._start(number, job, row)
                if row.cpu <= 0:
                    rows.remove(row)
            queue.extendleft(reversed(left))

    def _start(self, number: int, job: Job, row: Machine) -> None:
        row.running[number] = self.now
        row.idle = row.spare = None
        row.cpu -= job.cpu
        row.memory -= job.memory
        self._began[number] = self.now
        self._later(self.now + job.runs_s, "end", number)

    def _later(self, at: float, what: str, who: int) -> None:
        heapq.heappush(self._events, (at, next(self._count), what, who))

    def _result(self) -> Result:
        waits: dict[bool, list[float]] = {False: [], True: []}
        for job, began in zip(self.jobs, self._began, strict=True):
            waits[job.lazy].append((began or self.now) - job.at)
        return Result(
            self._seconds / HOUR_S, waits[False], waits[True], self.launches, self.peak, self._price
        )
