"""What those may hope for that wait for a node."""

from collections.abc import Sequence
from datetime import datetime

from headway.calculate.coming import Coming, room_comes
from headway.calculate.placement import Fleet
from headway.control.world import Outlook
from headway.formats.units import counted
from headway.model.demand import Demand
from headway.model.pool_plan import PoolPlan, PoolVerb
from headway.model.pool_snapshot import HostState, PoolSnapshot, Waiting

_COMING = (PoolVerb.ADD, PoolVerb.KEEP)


def outlooks_of(snapshot: PoolSnapshot, plan: PoolPlan) -> dict[str, Outlook]:
    """Say of each that waits for a pool with a provider whether room is about to come for it.

    For whom neither a node is added nor any left out, the plan foresees room where nodes are.
    """
    pool = f"of pool {snapshot.pool.name}"
    coming = sum(change.verb in _COMING for change in plan.changes)
    coming += sum(host.state is HostState.STARTING for host in snapshot.hosts)
    because = f"{counted(coming, 'node')} {pool} {'is' if coming == 1 else 'are'} on the way"
    common = Outlook(comes=True, because=because if coming else "")
    return {row.whom: common for row in snapshot.waiting if row.whom} | {
        whom: Outlook(comes=False, because=f"no node {pool} is added: {why}")
        for whom, why in plan.left_out.items()
    }


def outlooks_of_room(
    waiting: Sequence[Waiting], coming: Coming, fleet: Fleet, now: datetime
) -> dict[str, Outlook]:
    """Say for whom room comes, or may, though no pool adds a node: whatever the app is that leaves.

    It changes the fleet and takes that back, so it is for the event loop only.
    """
    if not (coming.leaving or coming.silent):
        return {}
    lacks: dict[str, list[Demand]] = {}
    for row in waiting:
        lacks.setdefault(row.whom, []).append(row.demand)
    said = room_comes(coming, fleet, lacks, now)
    return {whom: Outlook(comes=True, because=why) for whom, why in said.items()}
