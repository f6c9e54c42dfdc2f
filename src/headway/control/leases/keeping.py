"""Has placement go by what leases keep: whole nodes, parts of nodes, and for whom."""

from headway.calculate.keeping import kept
from headway.control.world import World
from headway.model.environment import NOT_ENDED, Environment
from headway.model.ids import EnvironmentId
from headway.model.lease import ClaimKind, Lease
from headway.ports.store import Reader

_KINDS = (ClaimKind.NODE, ClaimKind.CAPACITY)


async def remember(world: World) -> None:
    """Read which leases keep something, and what was started under them; placement goes by it."""
    leases, under = await world.store.read(_read)
    world.keeping, world.under = leases, under
    keep(world)


def _read(reader: Reader) -> tuple[tuple[Lease, ...], dict[EnvironmentId, Lease]]:
    leases = tuple(reader.find(Lease, open_kind=_KINDS))
    under = {
        row.id: lease
        for lease in leases
        for row in reader.find(Environment, under=lease.id, state=NOT_ENDED)
    }
    return leases, under


def keep(world: World) -> None:
    """Lend nodes and set capacity aside as leases say now; what changed is looked at again."""
    now = kept(world.keeping, world.clock.now(), world.settings.booking_lead_s)
    before, world.kept = world.kept, now
    if (before.lent, before.shares) == (now.lent, now.shares):
        return
    for node in before.lent.keys() | now.lent.keys():
        world.fleet.lend(node, now.lent.get(node, ""))
    for lease in before.shares.keys() | now.shares.keys():
        world.fleet.keep(lease, now.shares.get(lease, ()))
    world.bell.node()
