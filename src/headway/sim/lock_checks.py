"""Invariants of locks: what really runs holds them alone, and nobody keeps one that has ended."""

from collections.abc import Callable
from dataclasses import dataclass, field

from headway.calculate.runs.locking import lock_key
from headway.model.ids import RunId
from headway.model.lease import ClaimKind, Lease, LeaseState
from headway.model.run import Run, RunFact, RunState, Task
from headway.ports.store import Reader
from headway.sim.store import MemoryStore

_ALONE = "a lock has one holder"


@dataclass(slots=True)
class LockChecks:
    """Watches runs that hold locks."""

    store: MemoryStore
    fail: Callable[[str, str], None]
    holders: dict[str, tuple[RunId, int]] = field(default_factory=dict)
    """Lock to the attempt that really runs and has it."""
    fences: dict[str, int] = field(default_factory=dict)
    """Lock to the highest fence with which an attempt began."""

    def began(self, task: Task) -> None:
        """An attempt began."""
        for name in task.locks:
            other = self.holders.setdefault(name, (task.run, task.attempt))
            if other != (task.run, task.attempt):
                self.fail(_ALONE, f"{other[0]} and {task.run} run with {name}")
            if task.fence <= self.fences.get(name, 0):
                what = f"{task.run} began with {name} and the fence {task.fence}, after "
                self.fail("fences rise", f"{what}{self.fences[name]}")
            self.fences[name] = task.fence
            self._rows(task, name)

    def _rows(self, task: Task, name: str) -> None:
        line = self.store.ask(lambda reader: reader.find(Lease, open_claim=lock_key(name)))
        held = [row for row in line if row.state is LeaseState.HELD]
        if [(row.run, row.fence) for row in held] != [(task.run, task.fence)]:
            by = ", ".join(f"{row.holder} with {row.fence}" for row in held) or "nobody"
            self.fail(_ALONE, f"{task.run} began with {name} and {task.fence}; it is held by {by}")

    def finished(self, fact: RunFact) -> None:
        """An attempt is over."""
        mine = (fact.run, fact.attempt)
        for name in [name for name, holder in self.holders.items() if holder == mine]:
            del self.holders[name]

    def look(self) -> None:
        """Compare leases with runs, which change in the same transactions."""
        self.store.ask(self._compare)

    def _compare(self, reader: Reader) -> None:
        claimed: dict[RunId, set[str]] = {}
        for row in reader.find(Lease, open_kind=ClaimKind.LOCK):
            if row.run is None:
                continue
            run = reader.get(Run, row.run)
            holds = row.state is LeaseState.HELD
            right = run is not None and (run.is_active if holds else run.state is RunState.QUEUED)
            if not right:
                state = run.state.value if run else "not there"
                self.fail(
                    "locks end with runs", f"{row.id}: {row.state.value} by {state} {row.run}"
                )
            elif holds:
                claimed.setdefault(row.run, set()).add(row.claim.name)
        for run in reader.find(Run, active=1):
            if run.locks and claimed.get(run.id) != set(run.locks):
                self.fail("runs hold their locks", f"{run.id} runs without all of {run.locks}")
