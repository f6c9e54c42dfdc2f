"""Copies that must be on different nodes, and for which there can never be enough of them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from headway.calculate.placement.never import Never, Search, nodes_max_of, types_of
from headway.calculate.placement.wanted import names_of
from headway.model.demand import Demand
from headway.model.ids import NodeId, PoolName
from headway.model.node import Node
from headway.model.pool import Pool


class Copies(NamedTuple):
    """Copies that are wanted of something."""

    name: str
    demand: Demand
    wanted: int

    @property
    def nodes(self) -> int:
        """On how many nodes they are at least."""
        return self.wanted if self.demand.alone or self.demand.ports else 1

    def is_apart(self, other: "Copies") -> bool:
        """Say whether the two are never on one node."""
        if not {*self.demand.ports}.isdisjoint(other.demand.ports):
            return True
        return any(name in other.demand.apart for name in names_of(self.demand.crowd)) or any(
            name in self.demand.apart for name in names_of(other.demand.crowd)
        )


def too_few(
    wanted: Sequence[Copies],
    nodes: Sequence[Node | None],
    pools: Mapping[PoolName, Pool],
    given_up: Collection[NodeId] = (),
) -> Never | None:
    """Say why copies can never all be placed, though each can; None where they may be.

    What is apart from each other needs a node for each. Larger sets of such copies may be
    overlooked where the choice among them is wide, never the other way round: then they wait.

    Args:
        wanted: Everything that is to be there at once.
        nodes: Those that there are; None is one that was not heard of yet.
        pools: All that were declared.
        given_up: Nodes on which nobody counts any more.
    """
    for apart in _apart(wanted):
        needed = sum(copies.nodes for copies in apart)
        if needed < 2:
            continue
        most = _most(apart, nodes, pools, given_up)
        if most and needed > most:
            return _said(apart, needed, most)
    return None


def _apart(wanted: Sequence[Copies]) -> Iterable[list[Copies]]:
    """Give, around each of them, what is apart from it and from each other."""
    by_size = sorted(wanted, key=lambda copies: -copies.nodes)
    for first in by_size:
        found = [first]
        for other in by_size:
            if other is not first and all(other.is_apart(one) for one in found):
                found.append(other)
        yield found


def _most(
    apart: Sequence[Copies],
    nodes: Sequence[Node | None],
    pools: Mapping[PoolName, Pool],
    given_up: Collection[NodeId],
) -> int:
    """Count the nodes that may ever take any of them, at the most; 0 where none is known."""
    searches = [Search(copies.demand, pools) for copies in apart]

    def takes(name: str, node: Node) -> bool:
        return any(search.fits(name, node) for search in searches)

    there = [node for node in nodes if node is None or node.id not in given_up]
    takers = [node for node in there if node is None or takes(node.id, node)]
    most = len(takers)
    if set.intersection(*({*copies.demand.ports} for copies in apart)):
        machines = {node.machine_name for node in takers if node is not None}
        most = len(machines) + takers.count(None)
    for pool in pools.values():
        has = sum(node is not None and node.pool == pool.name and node.type != "" for node in there)
        more = nodes_max_of(pool) - has
        if more > 0 and any(takes(name, node) for name, node in types_of(pool)):
            most += more
    return most


def _said(apart: Sequence[Copies], needed: int, most: int) -> Never:
    what = "it" if len(apart) == 1 else "any of them"
    port = min(set.intersection(*({*copies.demand.ports} for copies in apart)), default=None)
    places = "nodes" if port is None else "machines"
    few = f"on {needed} {places}; {most} can ever take {what}, those of all pools counted"
    if port is not None:
        names = " and ".join(copies.name for copies in apart)
        return Never(
            because=f"copies of {names} are to be {few}, as each has port {port} of its machine",
            hint=f"have at most {most} of them, take `host_port` out of `expose`, or have "
            f"{needed} machines",
        )
    if len(apart) == 1:
        name = apart[0].name
        return Never(
            because=f"{needed} copies of {name} are to be {few}, as each is alone on its node",
            hint=f"scale {name} to at most {most}, take `alone` out of its placement, or have "
            f"{needed} nodes",
        )
    names = ", ".join(copies.name for copies in apart)
    return Never(
        because=f"{names} are to be {few}, as they must be apart from each other",
        hint=f"take one out of another's `apart`, or have {needed} nodes",
    )
