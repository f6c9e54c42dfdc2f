"""When a lease ends, and when its holder is warned."""

from datetime import datetime, timedelta

import msgspec

from headway.model.environment import PRODUCTION, Environment, EnvironmentState, Lease
from headway.model.ids import EnvironmentName
from headway.model.plan import Change, Plan, Verb

DEFAULT_S = 8 * 3600.0
WARNING_S = 30 * 60.0


def first_lease(name: EnvironmentName, holder: str, now: datetime, length_s: float | None) -> Lease:
    """Give the lease of a new environment: as asked, or without end for production, or 8 hours."""
    if length_s is None and name == PRODUCTION:
        return Lease(holder=holder, until=None)
    return Lease(holder=holder, until=now + timedelta(seconds=length_s or DEFAULT_S))


def warning_at(lease: Lease, created_at: datetime) -> datetime | None:
    """Say when the holder is warned: 30 minutes before the end, or at half of a shorter lease."""
    if lease.until is None:
        return None
    lead = min(timedelta(seconds=WARNING_S), (lease.until - created_at) / 2)
    return lease.until - lead


def plan_lease(environment: Environment, now: datetime) -> Plan:
    """Warn before a lease ends, and end what it holds when it has ended."""
    lease = environment.lease
    warn_at = warning_at(lease, environment.created_at)
    if environment.state is not EnvironmentState.ACTIVE or lease.until is None or warn_at is None:
        return Plan()
    if now >= lease.until:
        because = f"the lease of {lease.holder} ended at {lease.until:%Y-%m-%d %H:%M} UTC"
        ending = msgspec.structs.replace(
            environment, state=EnvironmentState.ENDING, because=because
        )
        what = f"end {environment.name} and everything in it"
        return Plan(
            changes=(Change(verb=Verb.END_ENVIRONMENT, row=ending, what=what, because=because),)
        )
    if now >= warn_at and lease.warned_at is None:
        warned = msgspec.structs.replace(
            environment, lease=msgspec.structs.replace(lease, warned_at=now)
        )
        because = f"its lease ends at {lease.until:%Y-%m-%d %H:%M} UTC"
        what = f"warn {lease.holder} that {environment.name} ends soon"
        change = Change(verb=Verb.WARN_LEASE, row=warned, what=what, because=because)
        return Plan(changes=(change,), wake_at=lease.until)
    return Plan(wake_at=lease.until if lease.warned_at else warn_at)
