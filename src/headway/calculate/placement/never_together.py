"""Runs that start together and can never all have room at once, though each can."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import msgspec

from headway.calculate.placement.beside import Kind, Shape, Slot, Tries, fit_beside, most_of
from headway.calculate.placement.never import Never, nodes_max_of, types_of
from headway.calculate.placement.part import Part
from headway.calculate.placement.wanted import DISK, UNCOUNTED, asked, asked_of, offered_by
from headway.calculate.placement.willing import Conditions, objection
from headway.model.ids import NodeId, PoolName
from headway.model.node import Node, NodeState
from headway.model.pool import Pool


def never_together(
    parts: Sequence[Part],
    nodes: Iterable[Node],
    pools: Mapping[PoolName, Pool],
    given_up: Collection[NodeId] = (),
) -> Never | None:
    """Say why all can never be placed at once; None where they may be.

    Each node counts as if it were ready and empty, but for one runner of theirs, and each pool as
    if it were as large as it may be.

    Args:
        parts: What each asks for; each by itself may be placed.
        nodes: All that there are.
        pools: All that were declared.
        given_up: Nodes on which nobody counts any more.
    """
    there = [node for node in nodes if node.id not in given_up]
    rooms = _Rooms(parts, there, pools)
    if fit_beside(rooms.kinds, rooms.slots()):
        return None
    return Never(because=rooms.because(), hint=f"what would have to change: {rooms.changes()}")


class _Rooms:
    """All places that there may be for those that start together."""

    def __init__(
        self, parts: Sequence[Part], nodes: Sequence[Node], pools: Mapping[PoolName, Pool]
    ) -> None:
        self._parts = parts
        self._of = [part for at, part in enumerate(parts) if part not in parts[:at]]
        self._axes = sorted({name for part in self._of for name in asked_of(part.alone.resources)})
        self._conditions = [Conditions.of(part.alone)._replace(lease="") for part in self._of]
        self._runner = self._runners()
        self.kinds = [self._kind(part, parts.count(part)) for part in self._of]
        self._fixed = [self._shape(node, pools) for node in nodes if not _is_of(node, pools)]
        self._pools = {
            pool.name: (pool, [one for one in nodes if one.type and one.pool == pool.name])
            for pool in pools.values()
            if pool.types
        }
        self._shapes = {name: self._shapes_of(*row, pools) for name, row in self._pools.items()}

    def slots(self, more: Mapping[PoolName, int] | None = None) -> list[Slot]:
        """Give the places that there may be; with so many more in some pools."""
        most = len(self._parts)
        counts = Counter(shape for shape in self._fixed if self._is_of_use(shape))
        fixed = [Slot((shape,), min(count, most)) for shape, count in counts.items()]
        return fixed + [
            Slot(shapes, min(self._most(name) + (more or {}).get(name, 0), most))
            for name, shapes in self._shapes.items()
            if shapes
        ]

    def because(self) -> str:
        """Say what does not fit: some of a kind by themselves, or all beside one another."""
        slots = self.slots()
        for at, kind in enumerate(self.kinds):
            most = most_of(at, kind, slots)
            if most < kind.wanted:
                amounts = asked_of(self._of[at].alone.resources)
                size = " and ".join(asked(name, amount) for name, amount in amounts.items())
                return (
                    f"{kind.wanted} of {self._of[at].job} ({size} each) are to be there at once, "
                    f"and at most {most} ever can{self._counted()}"
                )
        return f"they can never be there at once, beside one another{self._counted()}"

    def changes(self) -> str:
        """Say which pool would have to be larger, and how large; or of what.

        Where no more may be tried, a pool may have to be larger than is said.
        """
        tries = Tries()
        found = [
            f"`nodes_max` of pool {name} is at least {self._most(name) + more}"
            for name in self._pools
            if (more := self._lacking(name, tries)) and not self._is_too_dear(name)
        ]
        found += [
            f"`cost_hour_max` of pool {name} is higher"
            for name in self._pools
            if self._is_too_dear(name)
        ]
        larger = [
            f"pool {name} has a larger type" for name, shapes in self._shapes.items() if shapes
        ]
        return "; or ".join([*found, *larger] or ["there are more nodes, or larger ones"])

    def _counted(self) -> str:
        pools = [f"pool {name} has at most {self._most(name)}" for name in sorted(self._pools)]
        nodes = f"{len(self._fixed)} nodes are there" if self._fixed else ""
        said = ", ".join(filter(None, (nodes, *pools)))
        return f": {said}" if said else ""

    def _lacking(self, name: PoolName, tries: Tries) -> int:
        """Say how many nodes more a pool would need at least; 0 where more are of no use."""
        return _least(
            lambda more: fit_beside(self.kinds, self.slots({name: more}), tries), len(self._parts)
        )

    def _most(self, name: PoolName) -> int:
        """Say how many nodes a pool may have: those that are there may be given back for others."""
        pool, has = self._pools[name]
        return max(min(nodes_max_of(pool), self._payable(pool)), len(has))

    @staticmethod
    def _payable(pool: Pool) -> int:
        ceiling, least = pool.scaling.cost_hour_max, min(kind.price_hour for kind in pool.types)
        return 1 << 30 if ceiling is None or least <= 0 else int((ceiling + 1e-9) / least)

    def _is_too_dear(self, name: PoolName) -> bool:
        pool, _ = self._pools[name]
        return self._payable(pool) < nodes_max_of(pool)

    def _shapes_of(
        self, pool: Pool, has: Sequence[Node], pools: Mapping[PoolName, Pool]
    ) -> tuple[Shape, ...]:
        nodes = (*(node for _, node in types_of(pool)), *has)
        shapes = dict.fromkeys(self._shape(node, pools) for node in nodes)
        return tuple(shape for shape in shapes if self._is_of_use(shape))

    def _shape(self, node: Node, pools: Mapping[PoolName, Pool]) -> Shape:
        sizes = {DISK: UNCOUNTED, **offered_by(node)}
        left = tuple(sizes.get(axis, 0) - self._runner.get(axis, 0) for axis in self._axes)
        ready = msgspec.structs.replace(node, state=NodeState.READY)
        met = {each for each in set(self._conditions) if not objection(each, ready, "", pools)}
        takes = (at for at, conditions in enumerate(self._conditions) if conditions in met)
        return Shape(left, frozenset(takes))

    def _is_of_use(self, shape: Shape) -> bool:
        """Say whether any of them fits there at all."""
        place = [Slot((shape,), 1)]
        return any(
            most_of(at, kind._replace(wanted=1), place) for at, kind in enumerate(self.kinds)
        )

    def _kind(self, part: Part, count: int) -> Kind:
        amounts, demand = asked_of(part.alone.resources), part.alone
        is_single = bool((demand.alone and demand.crowd) or demand.ports)
        return Kind(tuple(amounts.get(axis, 0) for axis in self._axes), count, is_single)

    def _runners(self) -> dict[str, int]:
        """Give what the runner on each node takes."""
        part = self._of[0]
        alone, both = asked_of(part.alone.resources), asked_of(part.with_runner.resources)
        return {name: amount - alone.get(name, 0) for name, amount in both.items()}


def _is_of(node: Node, pools: Mapping[PoolName, Pool]) -> bool:
    """Say whether a node is one that its pool may give back for another."""
    return node.type != "" and node.pool in pools and bool(pools[node.pool].types)


def _least(is_enough: Callable[[int], bool], most: int) -> int:
    """Find the least number that is enough, where all above it are; 0 where none is."""
    if not is_enough(most):
        return 0
    least = 1
    while least < most:
        middle = (least + most) // 2
        least, most = (least, middle) if is_enough(middle) else (middle + 1, most)
    return least
