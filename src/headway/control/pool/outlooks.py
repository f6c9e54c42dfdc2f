"""What those may hope for that wait for a node."""

from headway.control.world import Outlook
from headway.formats.units import counted
from headway.model.pool_plan import PoolPlan, PoolVerb
from headway.model.pool_snapshot import HostState, PoolSnapshot

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
