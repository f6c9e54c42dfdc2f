"""Writes a plan down: every row and its event in one transaction."""

from datetime import datetime

import msgspec

from headway.control.rollout import releases
from headway.control.subjects import event_of
from headway.model.container import Container
from headway.model.deployment import Deployment, Phase
from headway.model.environment import Environment, Member
from headway.model.plan import Change, Verb
from headway.model.settings import Settings
from headway.ports.store import Writer

Row = Environment | Member | Deployment | Container

_KINDS = {
    Verb.START_CONTAINER: "container.requested",
    Verb.DRAIN_CONTAINER: "container.draining",
    Verb.STOP_CONTAINER: "container.stopping",
    Verb.LOSE_CONTAINER: "container.lost",
    Verb.KEEP_CONTAINER: "container.kept",
    Verb.CREATE_RELEASE: "deployment.advanced",
    Verb.ADVANCE_DEPLOYMENT: "deployment.advanced",
    Verb.SHARE_TRAFFIC: "member.traffic",
    Verb.SET_MEMBER: "member.changed",
    Verb.WARN_LEASE: "lease.warning",
    Verb.END_ENVIRONMENT: "environment.ending",
}


def transcribe(
    tx: Writer, changes: tuple[Change, ...], settings: Settings, now: datetime
) -> list[Row]:
    """Write all changes of a plan, in order.

    Several changes of one row build on one another; the first must build on the row as it is in
    the store, or nothing is written.

    Raises:
        Stale: A row was changed since the plan was calculated.
    """
    versions: dict[tuple[str, ...], int] = {}
    written: dict[tuple[str, ...], Row] = {}
    for change in changes:
        row = change.row
        key = _key(row)
        if key in versions:
            row = msgspec.structs.replace(row, version=versions[key])
        if change.verb is Verb.CREATE_RELEASE and isinstance(row, Deployment):
            row = releases.made(tx, row, settings, now)
            change = msgspec.structs.replace(change, what=row.steps[-1].what, because=row.because)  # noqa: PLW2901
        stored = tx.put(row)
        versions[key] = stored.version
        written[key] = stored
        if change.verb in _KINDS:
            details = _details(change, stored)
            tx.record(event_of(stored, _KINDS[change.verb], now, change.because, **details))
    return list(written.values())


def _key(row: Row) -> tuple[str, ...]:
    if isinstance(row, Member):
        return ("member", row.environment, row.app)
    return (type(row).__name__, row.id)


def _details(change: Change, row: Row) -> dict[str, object]:
    details: dict[str, object] = {"what": change.what}
    if isinstance(row, Deployment):
        details |= {"phase": row.phase.value, "release": row.release, "kind": row.kind.value}
        if row.phase in (Phase.FAILED, Phase.ROLLED_BACK) and row.failure:
            details["failure"] = row.failure.because
    elif isinstance(row, Container):
        details["state"] = row.state.value
    elif isinstance(row, Member):
        details |= {"live": row.live, "split": row.split}
    return details
