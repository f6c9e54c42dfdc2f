"""What can never be placed: not on a node that there is, nor on one that a pool may start."""

from collections.abc import Collection, Iterable, Mapping

import msgspec

from headway.calculate.node import new_node
from headway.calculate.placement.wanted import (
    DISK,
    UNCOUNTED,
    asked,
    asked_of,
    in_words,
    offered_by,
)
from headway.calculate.placement.willing import Conditions, Objection, objection
from headway.model.demand import Demand
from headway.model.ids import NodeId, PoolName
from headway.model.node import Node, NodeState
from headway.model.pool import Pool
from headway.model.resources import Resources
from headway.model.value import Value

_SHOWN = 3
_NOTHING = Resources(cpu=0, memory_mib=0)
_GIVEN_UP = Objection("lost, and given up", "it is heard from again")


class Never(Value, kw_only=True):
    """That a demand fits nowhere, whatever leaves."""

    because: str
    """What was asked, and the most that there is of it."""
    hint: str
    """What would have to change."""


def never(
    demand: Demand,
    nodes: Iterable[Node | None],
    pools: Mapping[PoolName, Pool],
    given_up: Collection[NodeId] = (),
    alone: Demand | None = None,
) -> Never | None:
    """Say why a demand can never be placed; None where it may be, or where too little is known.

    Each node counts as if it were ready, lent to nobody and empty, and each type of a pool that may
    have nodes as one of them. What it must be apart from is not looked at: that may leave.

    Args:
        demand: What is to be placed.
        nodes: Those that there are. None is one that was not heard of yet, on which it may fit; no
            node at all says that the engine has not answered.
        pools: All that were declared.
        given_up: Nodes that were silent for so long that nobody counts on them any more.
        alone: The part of it that is asked for; the rest is its runner's.
    """
    search = Search(demand, pools, alone)
    is_known = False
    for node in nodes:
        if node is not None and node.id in given_up:
            search.refuse(node.id, _GIVEN_UP)
        elif node is None or search.fits(node.id, node):
            return None
        else:
            is_known = True
    kinds = (kind for pool in pools.values() if nodes_max_of(pool) for kind in types_of(pool))
    if not is_known or any(search.fits(name, node) for name, node in kinds):
        return None
    return search.outcome()


def nodes_max_of(pool: Pool) -> int:
    """Say how many nodes a pool may have at any time."""
    return max(pool.scaling.nodes_max, *(row.nodes_max or 0 for row in pool.scaling.windows), 0)


def types_of(pool: Pool) -> Iterable[tuple[str, Node]]:
    """Give a node of each type of a pool, with what it is called."""
    for kind in pool.types:
        yield f"type {kind.name} of pool {pool.name}", new_node(pool, kind, _NOTHING)


class Search:
    """Looks at one node after another, and remembers why it was none of them."""

    def __init__(
        self, demand: Demand, pools: Mapping[PoolName, Pool], alone: Demand | None = None
    ) -> None:
        self._pools = pools
        self._conditions = Conditions.of(demand)._replace(lease="")
        sizes = asked_of(demand.resources)
        self._asked = {name: amount for name, amount in sizes.items() if amount > 0}
        own = sizes if alone is None else asked_of(alone.resources)
        self._runner = {what: amount - own.get(what, 0) for what, amount in self._asked.items()}
        self._sized: list[tuple[str, dict[str, int]]] = []
        """What is large or small, but may take it."""
        self._refused: dict[str, list[str]] = {}
        self._changes: dict[str, None] = {}

    def fits(self, name: str, node: Node) -> bool:
        """Say whether it fits there, were nothing else there."""
        ready = msgspec.structs.replace(node, state=NodeState.READY)
        found = objection(self._conditions, ready, "", self._pools)
        if found is not None:
            self.refuse(name, found)
            return False
        sizes = {DISK: UNCOUNTED, **offered_by(node)}
        self._sized.append((name, sizes))
        return all(sizes.get(what, 0) >= amount for what, amount in self._asked.items())

    def refuse(self, name: str, found: Objection) -> None:
        """Note that one is not looked at any further."""
        self._refused.setdefault(found.reason, []).append(name)
        self._changes[found.change] = None

    def outcome(self) -> Never:
        """Explain, when all were looked at."""
        said = self._lacks() if self._sized else []
        said += [_sentence(*row) for row in sorted(self._refused.items())]
        if len(said) > _SHOWN:
            said[_SHOWN:] = [f"and {len(said) - _SHOWN} more reasons"]
        because = f"no node and no pool type can ever take it: {'; '.join(said)}"
        if self._sized:
            most = self._most()
            hint = f"ask for {most}, or add a larger node" if most else "add a larger node"
            return Never(because=because, hint=hint)
        changes = "; ".join(list(self._changes)[:_SHOWN])
        return Never(because=because, hint=f"what would have to change: {changes}")

    def _short(self) -> dict[str, tuple[str, int]]:
        """Give what nothing has enough of, with the one that has most."""
        found: dict[str, tuple[str, int]] = {}
        for what, amount in self._asked.items():
            name, sizes = max(self._sized, key=lambda row: row[1].get(what, 0))
            if sizes.get(what, 0) < amount:
                found[what] = (name, sizes.get(what, 0))
        return found

    def _lacks(self) -> list[str]:
        short = self._short()
        if short:
            return [
                f"{self._needed(what)}, the largest ({name}) has {in_words(what, size)}"
                for what, (name, size) in short.items()
            ]
        every = (asked(what, amount) for what, amount in self._asked.items())
        return [f"{' and '.join(every)} needed, which none has together"]

    def _needed(self, what: str) -> str:
        runner = self._runner[what]
        own = f"{asked(what, self._asked[what] - runner)} needed"
        return f"{own} and {in_words(what, runner)} for its runner" if runner else own

    def _most(self) -> str:
        left = {what: size - self._runner[what] for what, (_, size) in self._short().items()}
        if any(most <= 0 for most in left.values()):
            return ""
        return " and ".join(f"at most {asked(what, most)}" for what, most in left.items()) or "less"


def _sentence(reason: str, names: list[str]) -> str:
    who = names[0] if len(names) == 1 else f"{len(names)} nodes or types"
    return f"{who}: {reason}"
