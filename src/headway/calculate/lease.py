"""Who holds a lease, who is next in line, when a holder is warned, and when it ends."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from headway.model.environment import PRODUCTION, Environment, EnvironmentState
from headway.model.ids import EnvironmentName
from headway.model.lease import ClaimKind, Lease, LeaseState, Tenure
from headway.model.plan import Change, Plan, Verb
from headway.model.value import Value
from headway.model.words import and_more

DEFAULT_S = 8 * 3600.0
WARNING_S = 30 * 60.0
_SHOWN = 3
SILENCE_S = 15.0
"""Who waits in a line leaves it when nothing was heard from them for so long."""


def first_lease(
    name: EnvironmentName, holder: str, now: datetime, length_s: float | None
) -> Tenure:
    """Give the lease of a new environment: as asked, or without end for production, or 8 hours."""
    if length_s is None and name == PRODUCTION:
        return Tenure(holder=holder, until=None)
    return Tenure(holder=holder, until=now + timedelta(seconds=length_s or DEFAULT_S))


def warning_at(lease: Tenure, since: datetime) -> datetime | None:
    """Say when the holder is warned: 30 minutes before the end, or at half of a shorter lease."""
    if lease.until is None:
        return None
    lead = min(timedelta(seconds=WARNING_S), (lease.until - since) / 2)
    return lease.until - lead


def plan_lease(environment: Environment, now: datetime) -> Plan:
    """Warn before a lease ends, and end what it holds when it has ended."""
    lease = environment.lease
    warn_at = warning_at(lease, environment.created_at)
    if environment.state is not EnvironmentState.ACTIVE or lease.until is None or warn_at is None:
        return Plan()
    if now >= lease.until:
        because = f"the lease of {lease.holder} ended at {_minute(lease.until)}"
        change = end_environment(environment, because)
        return Plan(changes=(change,))
    if now >= warn_at and lease.warned_at is None:
        warned = msgspec.structs.replace(
            environment, lease=msgspec.structs.replace(lease, warned_at=now)
        )
        because = f"its lease ends at {_minute(lease.until)}"
        what = f"warn {lease.holder} that {environment.name} ends soon"
        change = Change(verb=Verb.WARN_LEASE, row=warned, what=what, because=because)
        return Plan(changes=(change,), wake_at=lease.until)
    return Plan(wake_at=lease.until if lease.warned_at else warn_at)


def end_environment(environment: Environment, because: str) -> Change:
    """End an environment and everything in it."""
    ending = msgspec.structs.replace(environment, state=EnvironmentState.ENDING, because=because)
    what = f"end {environment.name} and everything in it"
    return Change(verb=Verb.END_ENVIRONMENT, row=ending, what=what, because=because)


class Turnover(Value, kw_only=True):
    """One lease as it becomes."""

    row: Lease
    kind: str
    """Of the event: `lease.held`, `lease.warning` or `lease.ended`."""

    @property
    def because(self) -> str:
        """Why."""
        return self.row.because


class Settled(Value, kw_only=True):
    """What time has made of all leases on one thing."""

    changes: tuple[Turnover, ...] = ()
    fence: int
    """The last that was given."""


def settle(line: Sequence[Lease], now: datetime, fence: int) -> Settled:
    """End what has run out, and give what is free to who has waited longest.

    Nobody overtakes: who came first is served first. Fences rise with every grant. What is free is
    kept for a run that is next, which takes it as it starts.

    Args:
        line: All leases on one thing that are not over, in the order in which they were asked for.
        now: Aware.
        fence: The last that was given, to anyone.
    """
    changes: list[Turnover] = []
    staying: list[Lease] = []
    for lease in line:
        gone = _gone(lease, now)
        if gone:
            changes.append(_changed(ended(lease, gone, now), "lease.ended"))
        else:
            staying.append(lease)
    free = places(staying) - sum(lease.state is LeaseState.HELD for lease in staying)
    for lease in staying:
        waits = lease.state is LeaseState.WAITING
        if waits and lease.run is not None:
            free -= 1
        elif _begins(lease, now) or (waits and free > 0):
            free -= waits
            fence += 1
            changes.append(_changed(_granted(lease, fence, now), "lease.held"))
        elif _is_to_warn(lease, now):
            row = msgspec.structs.replace(lease, warned_at=now, because=_ends(lease))
            changes.append(_changed(row, "lease.warning"))
    return Settled(changes=tuple(changes), fence=fence)


def entered(lease: Lease, line: Sequence[Lease], now: datetime) -> Lease:
    """Give a new lease at the end of its line, with what it waits for."""
    return renewed(msgspec.structs.replace(lease, because=waits(line)), now)


def waits(line: Sequence[Lease]) -> str:
    """Say what somebody waits for who comes behind these: who holds it, until when."""
    if not line:
        return ""
    held = [lease for lease in line if lease.state is LeaseState.HELD]
    ahead = ahead_of(line)
    claim = line[0].claim
    what = f"the {claim.kind.value} {claim.name}"
    if not held:
        return (
            f"{what} is kept for {_first(line)}, who takes it next" if ahead else f"{what} is free"
        )
    queue = f", and {ahead} wait ahead" if ahead else ""
    return f"{what} is held by {by_whom(held)}{queue}"


def ahead_of(line: Sequence[Lease]) -> int:
    """Count who is served before somebody who comes behind these."""
    return sum(lease.state is LeaseState.WAITING for lease in line)


def _first(line: Sequence[Lease]) -> str:
    return next(lease.holder for lease in line if lease.state is LeaseState.WAITING)


def stands(lease: Lease, before: Sequence[Lease]) -> str:
    """Say what somebody waits for who stands in a line behind these."""
    return waits(before) or lease.because


def by_whom(held: Sequence[Lease]) -> str:
    """Say who holds something: until when, or since when where that is not known ahead."""
    return and_more([_holder(row) for row in held[:_SHOWN]], len(held))


def _holder(lease: Lease) -> str:
    if lease.until is not None:
        return f"{lease.holder} until {_second(lease.until)}"
    return f"{lease.holder} since {_second(lease.since)}" if lease.since else lease.holder


def _changed(row: Lease, kind: str) -> Turnover:
    return Turnover(row=timed(row), kind=kind)


def places(line: Sequence[Lease]) -> int:
    """Say how many may hold what these leases are on; they all say the same."""
    return line[0].claim.places if line else 1


def _gone(lease: Lease, now: datetime) -> str:
    """Say why a lease is over, or nothing."""
    if lease.until is not None and now >= lease.until:
        return f"the lease of {lease.holder} ran out at {_second(lease.until)}"
    if lease.waits_until is not None and now >= lease.waits_until:
        return f"{lease.holder} left the line: nothing was heard for {SILENCE_S:g} s"
    return ""


def _begins(lease: Lease, now: datetime) -> bool:
    return lease.state is LeaseState.BOOKED and lease.from_at is not None and now >= lease.from_at


def _is_to_warn(lease: Lease, now: datetime) -> bool:
    return (
        lease.state is LeaseState.HELD
        and lease.warned_at is None
        and (warn_at := _warned_at(lease)) is not None
        and now >= warn_at
    )


def _warned_at(lease: Lease) -> datetime | None:
    """Say when a person is to be warned; locks are held by programs, which renew them."""
    if lease.claim.kind is ClaimKind.LOCK or lease.until is None:
        return None
    return lease.until - timedelta(seconds=min(WARNING_S, lease.length_s / 2))


def _granted(lease: Lease, fence: int, now: datetime) -> Lease:
    until = lease.until if lease.state is LeaseState.BOOKED else _after(now, lease.length_s)
    return msgspec.structs.replace(
        lease,
        state=LeaseState.HELD,
        since=now,
        until=until,
        waits_until=None,
        fence=fence,
        because=f"held by {lease.holder}, fence {fence}",
    )


def renewed(lease: Lease, now: datetime, length_s: float | None = None) -> Lease:
    """Give a lease whose holder was heard from: it lasts its length from now, or stays in line.

    Without a length it never ends earlier than it would have.
    """
    if lease.state is LeaseState.WAITING:
        return timed(msgspec.structs.replace(lease, waits_until=_after(now, SILENCE_S)))
    length = lease.length_s if length_s is None else length_s
    until = _after(now, length)
    if length_s is None and lease.until is not None:
        until = max(until, lease.until)
    return timed(
        msgspec.structs.replace(
            lease, until=until, length_s=length, renewals=lease.renewals + 1, warned_at=None
        )
    )


def ended(lease: Lease, because: str, now: datetime) -> Lease:
    """Give a lease that is over."""
    return timed(
        msgspec.structs.replace(
            lease, state=LeaseState.ENDED, ended_at=now, waits_until=None, because=because
        )
    )


def timed(lease: Lease) -> Lease:
    """Note when time alone makes something of a lease next."""
    due_at: datetime | None = None
    if lease.state is LeaseState.BOOKED:
        due_at = lease.from_at
    elif lease.state is LeaseState.WAITING:
        due_at = lease.waits_until
    elif lease.state is LeaseState.HELD:
        due_at = lease.until if lease.warned_at else _warned_at(lease) or lease.until
    return msgspec.structs.replace(lease, due_at=due_at)


def _ends(lease: Lease) -> str:
    return f"it ends at {_minute(lease.until)}" if lease.until else "it has no end"


def _after(now: datetime, length_s: float) -> datetime:
    return now + timedelta(seconds=length_s)


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _second(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
