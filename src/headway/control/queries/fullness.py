"""How full the nodes are at a glance: however many there are, none is looked at by itself."""

from collections import Counter
from collections.abc import Iterable

from headway.calculate.placement.wanted import CORES, DISK, GPUS, MEMORY
from headway.control.world import World
from headway.model.node import NodeState
from headway.model.value import Value
from headway.model.view.amount import Amount

_MIB_A_GIB = 1024
_NAMES = {
    CORES: ("cpu", "cores", 1),
    MEMORY: ("memory", "GiB", _MIB_A_GIB),
    DISK: ("disk", "GiB", _MIB_A_GIB),
    GPUS: ("gpus", "GPUs", 1),
}
_STEPS = 10


class Fullness(Value, kw_only=True):
    """All nodes together."""

    states: dict[str, int]
    """How many there are of each."""
    sums: tuple[Amount, ...] = ()
    """Each resource over all nodes that take containers."""
    reserved: tuple[int, ...] = (0,) * _STEPS
    """Of how many nodes up to a tenth is reserved, up to two tenths, and so on."""
    used: tuple[int, ...] = (0,) * _STEPS
    """The same of what is used, where it was measured."""


def fullness(world: World) -> Fullness:
    """Say how full the nodes are."""
    found, measured = world.fleet.fullness(), world.figures.nodes
    ready = [node.id for node in world.nodes if node.state is NodeState.READY]
    uses = [measured[identity] for identity in ready if identity in measured]
    cores = [use.cpu for use in uses if use.cpu is not None]
    used = {
        CORES: sum(cores) if cores else None,
        MEMORY: sum(use.memory_bytes for use in uses) / 2**20 if uses else None,
    }
    order = {name: place for place, name in enumerate(_NAMES)}
    sums = sorted(found.sums, key=lambda row: (order.get(row.name, len(order)), row.name))
    shares = (
        max((use.cpu or 0.0) / node.cpu, use.memory_bytes / 2**20 / node.memory_mib)
        for node in world.nodes
        if (use := measured.get(node.id)) is not None
    )
    return Fullness(
        states=dict(sorted(Counter(node.state.value for node in world.nodes).items())),
        sums=tuple(_sum(row.name, row.there, row.reserved, used.get(row.name)) for row in sums),
        reserved=tenths(found.shares.values()),
        used=tenths(shares),
    )


def tenths(shares: Iterable[float]) -> tuple[int, ...]:
    """Count shares by how large they are; what is more than the whole is the whole.

    >>> tenths([0.0, 0.05, 0.25, 1.0, 1.3])
    (2, 0, 1, 0, 0, 0, 0, 0, 0, 2)
    """
    counts = Counter(min(_STEPS - 1, max(0, int(share * _STEPS))) for share in shares)
    return tuple(counts[step] for step in range(_STEPS))


def _sum(name: str, there: float, reserved: float, used: float | None) -> Amount:
    called, unit, size = _NAMES.get(name, (name, "", 1))
    return Amount(
        name=called,
        unit=unit,
        there=round(there / size, 2),
        reserved=round(reserved / size, 2),
        used=None if used is None else round(used / size, 2),
    )
