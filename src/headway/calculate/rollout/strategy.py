"""How many containers of the old and of the new release a deployment wants at a moment.

Each strategy is a function from what runs to a `Stage`. Carrying it out is not its business.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from math import ceil

import msgspec

from headway.calculate.rollout.canary import Verdict, judge, step_began
from headway.calculate.rollout.container import is_staying
from headway.calculate.rollout.draft import Draft, Launch
from headway.model.deployment import Ask, CanaryProgress, Deployment
from headway.model.manifest import Canary, Process, Strategy
from headway.model.release import Release
from headway.model.value import Value


class Stage(Value, kw_only=True):
    """What should be, as of now."""

    new: Mapping[str, int]
    """Process type to copies of the new release."""
    old: Mapping[str, int]
    split: Mapping[str, int] | None
    """Release number to percent; empty: equal parts for all; None: as it is."""
    because: str
    ready: bool = False
    """All of the new release is good: requests may be switched, or the deployment may end."""
    paused: bool = False
    failed: str = ""
    """Why the new release is not good enough."""
    canary: CanaryProgress | None = None


class Move(Value, kw_only=True):
    """A move from an old to a new release; old is None when nothing served before."""

    draft: Draft
    deployment: Deployment
    new: Release
    old: Release | None

    @property
    def wanted(self) -> dict[str, int]:
        """Copies of each process type of the new release when all is done."""
        return {row.name: self.count(self.new, row) for row in self.new.manifest.processes}

    @property
    def before(self) -> dict[str, int]:
        """Copies of each process type of the old release before the deployment."""
        if self.old is None:
            return {}
        return {row.name: self.count(self.old, row) for row in self.old.manifest.processes}

    def count(self, release: Release, process: Process) -> int:
        """Copies of a process type: one a node for a daemon."""
        wanted = self.draft.scale(process)
        if not process.daemon or not wanted:
            return wanted
        return len(self.draft.eligible(release, process))

    def good(self, process: str) -> int:
        """Copies of the new release that have been healthy long enough.

        One that moves to another node is there twice for a while, and is one.
        """
        staying = self.draft.staying(self.new.number, process)
        return len({row.slot for row in staying if self.draft.is_good(row, self.new)})

    def all_good(self, wanted: Mapping[str, int]) -> bool:
        """Whether as many as wanted of each process type are good."""
        good = {process: self.good(process) for process in wanted}  # each may wake the plan
        return all(good[process] >= count for process, count in wanted.items())

    def has_host_ports(self, process: str) -> bool:
        """Whether a copy of either release may be in the way of one of the other."""
        return any(row.host_ports for row in self._either(process))

    def is_daemon(self, process: str) -> bool:
        """Whether either release has one copy of a process type on each node."""
        return any(row.daemon for row in self._either(process))

    def _either(self, name: str) -> list[Process]:
        """Give a process type as each release has it."""
        found = (row.manifest.process(name) for row in (self.new, self.old) if row is not None)
        return [row for row in found if row is not None]

    def has_room(self, new: Mapping[str, int], old: Mapping[str, int]) -> bool:
        """Whether so many copies of the new release fit once no more of the old one are there.

        Where none is told to leave for it, nothing is asked.
        """
        rows = self.draft.services(self.old.number) if self.old is not None else []
        leaving = [
            row
            for row in rows
            if row.process in old
            and not row.is_ended
            and (row.slot > old[row.process] or not is_staying(row))
        ]
        if not any(is_staying(row) for row in leaving):
            return True
        launches = [launch for name, count in new.items() for launch in self._lacking(name, count)]
        return self.draft.finds_room_after(leaving, launches)

    def _lacking(self, name: str, count: int) -> Iterator[Launch]:
        """Give what is to start of a process type of the new release until it has so many."""
        process = self.new.manifest.process(name)
        if process is None or not count:
            return
        there = self.draft.staying(self.new.number, name)
        launch = partial(Launch, release=self.new, process=name, because="")
        if process.daemon:
            nodes = {row.node for row in there}
            for slot, node in enumerate(self.draft.eligible(self.new, process), 1):
                if node not in nodes:
                    yield launch(slot=slot, node=node)
            return
        for slot in sorted({*range(1, count + 1)} - {row.slot for row in there}):
            yield launch(slot=slot)

    def labels(self) -> str:
        """Both releases, such as `v1 → v2`."""
        return f"{self.old.label} → {self.new.label}" if self.old else self.new.label


def rolling(move: Move) -> Stage:
    """Replace container by container, never fewer serving than wanted."""
    surge = move.new.manifest.deploy.surge
    new: dict[str, int] = {}
    old: dict[str, int] = dict(move.before)
    for process, count in move.wanted.items():
        good = move.good(process)
        if move.has_host_ports(process):
            # Daemons leave all at once: which of them stays cannot be said by how many do.
            first = count if move.is_daemon(process) else min(count, good + max(1, surge))
            new[process], old[process] = _in_turn(move, process, first)
            continue
        new[process] = min(count, good + max(1, surge)) if move.before.get(process) else count
        old[process] = max(0, min(old.get(process, 0), count - good))
    for process in set(old) - set(move.wanted):
        old[process] = 0 if move.all_good(move.wanted) else old[process]
    ready = move.all_good(move.wanted)
    return Stage(new=new, old=old, split={}, ready=ready, because=f"rolling {move.labels()}")


def _in_turn(move: Move, process: str, wanted: int) -> tuple[int, int]:
    """Say how many new and old copies are to be there where one leaves before its successor starts.

    None leaves for a successor that would not have the port even then.
    """
    count, before = move.wanted[process], move.before.get(process, 0)
    left = max(0, min(before, count - wanted))
    if move.has_room({process: wanted}, {process: left}):
        return wanted, left
    there = min(wanted, len(move.draft.staying(move.new.number, process)))
    return there, max(0, min(before, count - there))


def blue_green(move: Move) -> Stage:
    """Start all of the new release beside the old, then move all requests in one step."""
    old = move.old
    split = {str(old.number): 100} if old else {}
    ready = move.all_good(move.wanted)
    because = f"{move.labels()}: all of {move.new.label} must be good before it takes requests"
    return Stage(new=move.wanted, old=move.before, split=split, ready=ready, because=because)


def recreate(move: Move) -> Stage:
    """Stop all of the old release, then start the new: never two at a time.

    The old one stays for as long as the new would have no room once it has ended.
    """
    running = move.old is not None and any(
        not row.is_ended for row in move.draft.services(move.old.number)
    )
    none = dict.fromkeys(move.wanted, 0)
    if running and not move.has_room(move.wanted, dict.fromkeys(move.before, 0)):
        because = f"{move.labels()}: the old release stays until there is room for the new"
        return Stage(new=none, old=move.before, split={}, because=because)
    if running:
        because = f"{move.labels()}: the old release ends before the new starts"
        return Stage(new=none, old=dict.fromkeys(move.before, 0), split={}, because=because)
    ready = move.all_good(move.wanted)
    because = f"{move.labels()}: the old release has ended"
    return Stage(
        new=move.wanted, old=dict.fromkeys(move.before, 0), split={}, ready=ready, because=because
    )


def canary(move: Move) -> Stage:
    """Give the new release a small share, and more as it proves no worse than the old."""
    if move.old is None:
        return blue_green(move)
    policy = move.deployment.policy or move.new.manifest.deploy.canary
    progress = move.deployment.canary
    if move.deployment.asked is Ask.PROMOTE or progress.step >= len(policy.steps):
        return msgspec.structs.replace(
            blue_green(move), split=_shares(move.old, move.new, _weight(policy, progress))
        )
    step = policy.steps[progress.step]
    few = {
        process: max(1, ceil(count * step.weight_percent / 100)) if count else 0
        for process, count in move.wanted.items()
    }
    label = f"step {progress.step + 1} of {len(policy.steps)}"
    if progress.since is None:
        if not move.all_good(few):
            because = f"{label}: {move.new.label} starts, before it takes requests"
            split = _shares(move.old, move.new, _weight(policy, progress))
            return Stage(new=few, old=move.before, split=split, because=because)
        progress = step_began(move.draft, move.old, move.new, progress)
    verdict = judge(move.draft, move.old, move.new, policy, progress)
    because = f"{label}, {step.weight_percent} % to {move.new.label}: {verdict.because}"
    if verdict.verdict is Verdict.WORSE:
        return Stage(new=few, old=move.before, split=None, because=because, failed=verdict.because)
    if verdict.verdict is Verdict.GOOD:
        progress = CanaryProgress(step=progress.step + 1)
    split = _shares(move.old, move.new, step.weight_percent)
    return Stage(
        new=few,
        old=move.before,
        split=split,
        because=because,
        paused=True,
        canary=progress,
    )


def _weight(policy: Canary, progress: CanaryProgress) -> int:
    """Say which share the new release has: that of the last step that began."""
    step = progress.step if progress.since else progress.step - 1
    return policy.steps[step].weight_percent if step >= 0 else 0


def _shares(old: Release, new: Release, percent: int) -> dict[str, int]:
    return {str(old.number): 100 - percent, str(new.number): percent}


STRATEGIES: Mapping[Strategy, Callable[[Move], Stage]] = {
    Strategy.ROLLING: rolling,
    Strategy.BLUE_GREEN: blue_green,
    Strategy.CANARY: canary,
    Strategy.RECREATE: recreate,
}
