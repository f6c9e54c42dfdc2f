"""Invariants of gangs: never is a part of one started, and all end together."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from headway.model.event import Event
from headway.model.ids import RunId
from headway.model.run import Run, RunState, Task
from headway.ports.store import Reader
from headway.sim.store import MemoryStore

_WHOLE = "a gang starts together or not at all"
_TOGETHER = "a gang ends together"
_ONCE = "a gang starts where others gave way to it"
_TAKINGS_MAX = 20
"""How often others may give way to a gang before it starts: again where nodes die meanwhile, what
was to give way stays, or the control plane is killed."""


@dataclass(slots=True)
class GangChecks:
    """Watches runs that start together. A gang changes in one transaction, so this holds always."""

    store: MemoryStore
    fail: Callable[[str, str], None]
    takings: Counter[str] = field(default_factory=Counter)
    """How often others have given way to a run since it started last."""

    def happened(self, event: Event) -> None:
        """Count how often others give way to what starts only together."""
        if event.kind == "run.gang":
            del self.takings[event.subject]
        elif event.kind == "run.preempting" and "of its gang" in event.because:
            self.takings[event.subject] += 1
            if self.takings[event.subject] > _TAKINGS_MAX:
                self.fail(_ONCE, f"{event.subject} has not started: {event.because}")

    def began(self, task: Task) -> None:
        """An attempt began."""
        gang = task.gang
        if gang is not None:
            self.store.ask(lambda reader: self._whole(reader, task.run, gang.members))

    def _whole(self, reader: Reader, begun: RunId, members: tuple[RunId, ...]) -> None:
        for identity in members:
            row = reader.get(Run, identity)
            if row is None or not row.attempts or row.gang is None:
                self.fail(_WHOLE, f"{begun} runs, and {identity} of its gang was not started")

    def look(self) -> None:
        """Compare the runs of gangs with one another."""
        self.store.ask(self._compare)

    def _compare(self, reader: Reader) -> None:
        for run in reader.find(Run, active=1):
            if run.gang is None:
                continue
            self._whole(reader, run.id, run.gang.members)
            if not run.is_member:
                self._failed(reader, run)
            elif not run.cancelling and not _follows(reader, run):
                self.fail(_TOGETHER, f"{run.id} runs on without its leader {run.gang.leader}")

    def _failed(self, reader: Reader, leader: Run) -> None:
        gang, attempt = leader.gang, leader.attempt
        assert gang is not None
        assert attempt is not None
        if gang.goes_on or leader.cancelling or attempt.broken:
            return
        for identity in gang.members[1:]:
            row = reader.get(Run, identity)
            if row is not None and row.is_ended and row.state is not RunState.SUCCEEDED:
                what = f"{leader.id} runs on, and {identity} of its gang is {row.state.value}"
                self.fail(_TOGETHER, what)


def _follows(reader: Reader, member: Run) -> bool:
    """Say whether the leader that a run was started with runs still."""
    leader = reader.get(Run, member.gang.leader) if member.gang else None
    if leader is None or leader.gang is None or member.gang is None or not leader.is_active:
        return False
    return leader.gang.members == member.gang.members
