"""The locks of runs: which of them are free to whom, who waits in which line, who steps aside.

A run takes all of its locks as it starts, or none. It stands in the line of the first that it
cannot have, in the order of the alphabet, and in those of the ones before that, which are kept for
it. As all take them in this order, none waits for one who waits for it. For that, nobody goes
before who stands in a line: a run that could not start although its locks are free leaves all of
its lines, after a while, and comes back at the end.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from headway.calculate.lease import places, timed
from headway.model.ids import LeaseId, RunId, environment_name
from headway.model.lease import Claim, ClaimKind, Lease, LeaseState
from headway.model.run import Run
from headway.model.words import and_more

_SHOWN = 3


class Locks:
    """The lines of locks, as one decision sees them; what it takes is noted."""

    def __init__(self, lines: Mapping[str, Sequence[Lease]]) -> None:
        """Take the open leases on each lock that matters, by its name, in their order."""
        self._lines = lines
        self._taken: dict[str, int] = {}
        self._standing: dict[RunId, list[str]] = {}
        for name, line in lines.items():
            for row in line:
                if row.run is not None and row.state is LeaseState.WAITING:
                    self._standing.setdefault(row.run, []).append(name)

    def knows(self, names: Sequence[str]) -> bool:
        """Say whether the lines of all of these were read."""
        return all(name in self._lines for name in names)

    def wanted(self, run: RunId, names: Sequence[str]) -> tuple[str, ...]:
        """Give the locks for which a run has to stand in line; none when it can have all."""
        for index, name in enumerate(names):
            if not self._is_free(run, name):
                return tuple(names[: index + 1])
        return ()

    @property
    def has_runs(self) -> bool:
        """Whether any run stands in a line."""
        return bool(self._standing)

    def take(self, names: Sequence[str]) -> None:
        """Note that a run takes these."""
        for name in names:
            self._taken[name] = self._taken.get(name, 0) + 1

    def standing(self, run: RunId) -> Sequence[str]:
        """Give the locks in whose lines a run stands."""
        return self._standing.get(run, ())

    def startable(self, runs: Iterable[tuple[RunId, Sequence[str]]]) -> int:
        """Count how many of these no lock holds up, one beside the other."""
        trial = Locks(self._lines)
        count = 0
        for run, names in runs:
            if trial.knows(names) and not trial.wanted(run, names):
                trial.take(names)
                count += 1
        return count

    def because(self, run: RunId, name: str) -> str:
        """Say what a run waits for that cannot have a lock: who holds it, who is before it."""
        line = self._lines[name]
        held = [row for row in line if row.state is LeaseState.HELD]
        before = self._before(run, name)
        taken = self._taken.get(name, 0)
        said = [f"held by {_holders(held)}"] if held else []
        said += ["taken by another that starts now"] if taken else []
        if before:
            first = before[0].holder
            said.append(f"{first} is before it" if len(before) == 1 else _many(before))
        return f"lock {name}: {'; '.join(said)}"

    def _is_free(self, run: RunId, name: str) -> bool:
        line = self._lines[name]
        held = sum(row.state is LeaseState.HELD for row in line) + self._taken.get(name, 0)
        return held + len(self._before(run, name)) < places(line)

    def _before(self, run: RunId, name: str) -> list[Lease]:
        """Give those who wait and come before a run: all, where it does not stand in the line."""
        found: list[Lease] = []
        for row in self._lines[name]:
            if row.run == run:
                break
            if row.state is LeaseState.WAITING:
                found.append(row)
        return found


def _holders(held: Sequence[Lease]) -> str:
    shown = [f"{row.holder} since {row.since:%Y-%m-%d %H:%M:%S} UTC" for row in held[:_SHOWN]]
    return and_more(shown, len(held))


def _many(before: Sequence[Lease]) -> str:
    return f"{len(before)} are before it, {before[0].holder} first"


def holder_of(run: Run) -> str:
    """Name a run as one who holds a lock."""
    return f"run {run.id}"


def lock_key(name: str) -> str:
    """Give the key of all claims on a lock."""
    return Claim(kind=ClaimKind.LOCK, name=name).key


def standing(run: Run, name: str, line: Sequence[Lease], identity: LeaseId, now: datetime) -> Lease:
    """Give the lease of a run that takes its place in a line.

    Nobody needs to be heard from: it leaves the line in the transaction in which it ends.
    """
    claim = Claim(kind=ClaimKind.LOCK, name=name, places=places(line))
    return Lease(
        id=identity,
        holder=holder_of(run),
        until=None,
        claim=claim,
        reason=f"{run.app}/{run.job} in {environment_name(run.environment)}",
        length_s=0.0,
        asked_at=now,
        run=run.id,
        because="it waits to start with it",
    )


def held(lease: Lease, fence: int, now: datetime) -> Lease:
    """Give the lease of a run that starts: it lasts until the attempt ends."""
    return timed(
        msgspec.structs.replace(
            lease,
            state=LeaseState.HELD,
            since=now,
            fence=fence,
            because=f"held by {lease.holder} while it runs, fence {fence}",
        )
    )
