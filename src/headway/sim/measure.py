"""What is measured while a world goes on: how full it was, and how long runs waited."""

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from headway.model.event import Event
from headway.model.ids import RunId
from headway.model.run import ENDED, Task
from headway.model.scenario import Broken, Report, Scenario, Waits

_HOUR_S = 3600.0
_ENDS = frozenset(f"run.{state.value}" for state in ENDED)
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Measure:
    """Sums over time, kept up to date with each change."""

    scenario: Scenario
    time: Callable[[], float]
    capacity: tuple[float, int]
    """Cores and MiB of all nodes together."""
    cpu: float = 0.0
    memory_mib: int = 0
    nodes_used: int = 0
    cpu_s: float = 0.0
    memory_mib_s: float = 0.0
    nodes_used_s: float = 0.0
    bound_s: float = 0.0
    at_s: float = 0.0
    asked: dict[RunId, float] = field(default_factory=dict)
    """Runs that nobody has begun yet, and when they were asked for."""
    waits: list[float] = field(default_factory=list)
    ends: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    series: list[tuple[float, float, float, int]] = field(default_factory=list)
    preemptions: int = 0
    events: int = 0
    begun: int = 0
    _log: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def use(self, cpu: float, memory_mib: int, nodes: int) -> None:
        """Take over that more, or less, is in use from now on."""
        self.pass_time()
        self.cpu += cpu
        self.memory_mib += memory_mib
        self.nodes_used += nodes

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
        self.bound_s += max(self._shares()) * self.scenario.nodes_count * length_s

    def _shares(self) -> tuple[float, float]:
        cpu, memory_mib = self.capacity
        return self.cpu / cpu, self.memory_mib / memory_mib

    def sample(self) -> None:
        """Note how full it is now."""
        cpu, memory = self._shares()
        row = (round(self.time(), 3), round(cpu, 4), round(memory, 4), len(self.asked))
        self.series.append(row)

    def began(self, task: Task) -> None:
        """An attempt began."""
        self.begun += 1
        asked_s = self.asked.pop(task.run, None)
        if asked_s is not None:
            self.waits.append(self.time() - asked_s)

    def happened(self, event: Event) -> None:
        """Take over an event."""
        self.events += 1
        self._log.update(_encode(event))
        if event.kind in _ENDS:
            self.ends[event.kind.removeprefix("run.")] += 1
            self.asked.pop(RunId(event.subject), None)
        elif event.kind == "run.preempted":
            self.preemptions += 1

    def report(self, broken: Broken | None) -> Report:
        """Sum up."""
        self.pass_time()
        scenario, length_s = self.scenario, max(self.at_s, 1e-9)
        cpu, memory_mib = self.capacity
        price = sum(row.type.price_hour * row.count for row in scenario.machines)
        return Report(
            scenario=scenario.name,
            seed=scenario.seed,
            hours=round(length_s / _HOUR_S, 4),
            policy=scenario.policy.value,
            runs=dict(sorted(self.ends.items())),
            waits=_quantiles(sorted(self.waits)),
            missed_deadlines=self.ends["expired"],
            preemptions=self.preemptions,
            attempts=self.begun,
            node_hours=round(scenario.nodes_count * length_s / _HOUR_S, 3),
            node_hours_used=round(self.nodes_used_s / _HOUR_S, 3),
            node_hours_bound=round(self.bound_s / _HOUR_S, 3),
            cost=round(price * length_s / _HOUR_S, 4),
            cpu_used=round(self.cpu_s / length_s / cpu, 4),
            memory_used=round(self.memory_mib_s / length_s / memory_mib, 4),
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
