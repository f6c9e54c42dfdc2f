"""Tenures: how long environments last, from their beginning on."""

from datetime import datetime

import msgspec

from headway.control import lookup
from headway.control.errors import Conflict
from headway.control.leases.under import refuse_own_length
from headway.control.subjects import event_of
from headway.model.environment import Environment
from headway.model.lease import Tenure
from headway.ports.store import Writer


def extend(
    tx: Writer,
    name: str,
    until: datetime | None,
    now: datetime,
    actor: str,
    *,
    shorten: bool = False,
) -> Environment:
    """Have an environment last until a time; None: without end.

    Raises:
        NotFound: There is none of this name.
        Conflict: It would end earlier than it does, and `shorten` does not say so; or it lasts as
            long as the lease it was started under.
    """
    row = lookup.environment(tx, name)
    refuse_own_length(row)
    if until and not shorten and (row.lease.until is None or until < row.lease.until):
        ends = f"at {row.lease.until:%Y-%m-%d %H:%M} UTC" if row.lease.until else "never"
        raise Conflict(
            "lease-longer",
            f"the lease of {name} ends {ends}, which is later",
            hint="a lease is renewed from now on",
            next=(f"headway extend -e {name} LENGTH --shorten",),
        )
    lasts = f"until {until:%Y-%m-%d %H:%M} UTC" if until else "without end"
    tx.record(event_of(row, "lease.extended", now, f"{actor} renewed it, {lasts}", actor))
    lease = Tenure(holder=row.lease.holder, until=until)
    return tx.put(msgspec.structs.replace(row, lease=lease))
