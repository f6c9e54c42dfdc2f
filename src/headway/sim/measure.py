"""What is measured while a world goes on: how full it was, and how long runs waited."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec

from headway.model.event import Event
from headway.model.ids import RunId
from headway.model.node import Node
from headway.model.run import ENDED, Task
from headway.model.scenario import Broken, Report, Sample, Scenario, Waits

_HOUR_S = 3600.0
_DIGITS = re.compile(r"\w*\d[\w.,:]*")
"""Reasons that differ in their figures alone are one."""
_REASONS_MAX = 10
_LEAST_S = 1.0
"""Between two samples."""
_ENDS = frozenset(f"run.{state.value}" for state in ENDED)
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Measure:
    """Sums over time, kept up to date with each change."""

    scenario: Scenario
    time: Callable[[], float]
    bill: Callable[[], float]
    """Of the provider, so far."""
    cpu_there: float = 0.0
    """Cores of all nodes together."""
    memory_there_mib: int = 0
    nodes: int = 0
    cpu: float = 0.0
    memory_mib: int = 0
    nodes_used: int = 0
    cpu_s: float = 0.0
    memory_mib_s: float = 0.0
    nodes_used_s: float = 0.0
    bound_s: float = 0.0
    cpu_there_s: float = 0.0
    memory_there_mib_s: float = 0.0
    nodes_s: float = 0.0
    at_s: float = 0.0
    launches: int = 0
    waited_s: float = 0.0
    """The longest that a run waited which began since the last sample."""
    sampled: tuple[float, float] = (0.0, 0.0)
    """When that was, and what had been spent."""
    pending_s: dict[str, float] = field(default_factory=dict)
    """Why runs waited, to how long they did together."""
    asked: dict[RunId, float] = field(default_factory=dict)
    """Runs that nobody has begun yet, and when they were asked for."""
    waits: list[float] = field(default_factory=list)
    ends: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    series: list[Sample] = field(default_factory=list)
    preemptions: int = 0
    copies_preempted: int = 0
    events: int = 0
    begun: int = 0
    _log: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def use(self, cpu: float, memory_mib: int, nodes: int) -> None:
        """Take over that more, or less, is in use from now on."""
        self.pass_time()
        self.cpu += cpu
        self.memory_mib += memory_mib
        self.nodes_used += nodes

    def there(self, node: Node, count: int = 1) -> None:
        """Take over that a node is there from now on, or, with -1, that it is not."""
        self.pass_time()
        self.cpu_there += count * node.cpu
        self.memory_there_mib += count * node.memory_mib
        self.nodes += count

    def pass_time(self) -> None:
        """Add up to now."""
        now = self.time()
        length_s = now - self.at_s
        if length_s <= 0:
            return
        self.at_s = now
        self.cpu_s += self.cpu * length_s
        self.memory_mib_s += self.memory_mib * length_s
        self.nodes_used_s += self.nodes_used * length_s
        self.bound_s += max(self._shares()) * self.nodes * length_s
        self.cpu_there_s += self.cpu_there * length_s
        self.memory_there_mib_s += self.memory_there_mib * length_s
        self.nodes_s += self.nodes * length_s

    def _shares(self) -> tuple[float, float]:
        if not self.nodes:
            return 0.0, 0.0
        return self.cpu / self.cpu_there, self.memory_mib / self.memory_there_mib

    def _spent(self) -> float:
        fixed = sum(row.type.price_hour * row.count for row in self.scenario.machines)
        return self.bill() + fixed * self.time() / _HOUR_S

    def sample(self, pending: Mapping[str, int]) -> None:
        """Note how it is now; `pending` says why how many wait."""
        cpu, memory = self._shares()
        now, spent = self.time(), self._spent()
        before_s, before = self.sampled
        length_s = now - before_s
        if length_s < _LEAST_S:
            return
        self.sampled = now, spent
        for why, count in pending.items():
            reason = _DIGITS.sub("…", why)
            self.pending_s[reason] = self.pending_s.get(reason, 0.0) + count * length_s
        self.series.append(
            Sample(
                at_s=round(now, 3),
                cpu=round(cpu, 4),
                memory=round(memory, 4),
                waiting=len(self.asked),
                wait_s=round(self.waited_s, 3),
                nodes=self.nodes,
                cost_hour=round((spent - before) / length_s * _HOUR_S, 4),
            )
        )
        self.waited_s = 0.0

    def began(self, task: Task) -> None:
        """An attempt began."""
        self.begun += 1
        asked_s = self.asked.pop(task.run, None)
        if asked_s is not None:
            waited_s = self.time() - asked_s
            self.waits.append(waited_s)
            self.waited_s = max(self.waited_s, waited_s)

    def happened(self, event: Event) -> None:
        """Take over an event."""
        self.events += 1
        self._log.update(_encode(event))
        if event.kind in _ENDS:
            self.ends[event.kind.removeprefix("run.")] += 1
            self.asked.pop(RunId(event.subject), None)
        elif event.kind == "run.preempted":
            self.preemptions += 1
        elif event.kind == "container.preempted":
            self.preemptions += 1
            self.copies_preempted += 1
        elif event.kind == "node.wanted":
            self.launches += 1

    def report(self, broken: Broken | None) -> Report:
        """Sum up."""
        self.pass_time()
        scenario, length_s = self.scenario, max(self.at_s, 1e-9)
        pending = sorted(self.pending_s.items(), key=lambda row: (-row[1], row[0]))
        return Report(
            scenario=scenario.name,
            seed=scenario.seed,
            hours=round(length_s / _HOUR_S, 4),
            policy=scenario.policy.value,
            runs=dict(sorted(self.ends.items())),
            waits=_quantiles(sorted(self.waits)),
            missed_deadlines=self.ends["expired"],
            preemptions=self.preemptions,
            copies_preempted=self.copies_preempted,
            attempts=self.begun,
            node_hours=round(self.nodes_s / _HOUR_S, 3),
            node_hours_used=round(self.nodes_used_s / _HOUR_S, 3),
            node_hours_bound=round(self.bound_s / _HOUR_S, 3),
            cost=round(self._spent(), 4),
            launches=self.launches,
            pending={why: round(length / _HOUR_S, 3) for why, length in pending[:_REASONS_MAX]},
            cpu_used=round(self.cpu_s / max(self.cpu_there_s, 1e-9), 4),
            memory_used=round(self.memory_mib_s / max(self.memory_there_mib_s, 1e-9), 4),
            faults=dict(sorted(self.faults.items())),
            broken=broken,
            events=self.events,
            digest=self._log.hexdigest(),
            series=tuple(self.series),
        )


def _quantiles(waits: list[float]) -> Waits:
    if not waits:
        return Waits()

    def at(share: float) -> float:
        return round(waits[min(len(waits) - 1, int(share * len(waits)))], 3)

    return Waits(p50=at(0.5), p95=at(0.95), p99=at(0.99), most=round(waits[-1], 3))
