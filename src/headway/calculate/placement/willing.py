"""Which nodes may take a demand, whatever is free there: state, pool, tags, limits, price."""

from collections.abc import Mapping
from functools import lru_cache
from itertools import zip_longest
from typing import NamedTuple

from headway.calculate.placement.column import Column
from headway.model.demand import Demand
from headway.model.ids import NodeId, PoolName
from headway.model.node import Node, NodeState
from headway.model.pool import Pool
from headway.model.tag import TagOperator, TagRule


class Conditions(NamedTuple):
    """What of a demand decides this: demands that agree in it are answered together."""

    where: tuple[TagRule, ...]
    pool: PoolName | None
    strict: bool
    price_hour_max: float | None
    lease: str
    ports: tuple[int, ...]

    @classmethod
    def of(cls, demand: Demand) -> "Conditions":
        """Take them from a demand."""
        return cls(
            demand.where,
            demand.pool,
            demand.strict,
            demand.price_hour_max,
            demand.lease,
            demand.ports,
        )


class Objection(NamedTuple):
    """Why a node may not take it, and what would have to change."""

    reason: str
    change: str
    is_of_node: bool = False
    """Whether the change is a command to which the node's id is added."""

    def change_of(self, node: NodeId) -> str:
        """Say what would have to change for one node that it excludes."""
        return f"{self.change} {node}" if self.is_of_node else self.change


class Willing:
    """For one set of conditions: which nodes may, and of each other the number of its objection."""

    def __init__(self, conditions: Conditions, able: Column, codes: Column) -> None:
        self.conditions = conditions
        self.able = able
        self.codes = codes
        """0 for each node that may."""
        self.objections: dict[Objection, int] = {Objection("", ""): 0}

    def look(self, row: int, node: Node | None, lease: str, pools: Mapping[PoolName, Pool]) -> None:
        """Decide again about one node; None is one that is not there."""
        found: Objection | None = Objection("not there", "it comes back")
        if node is not None:
            found = objection(self.conditions, node, lease, pools)
        self.able.cells[row] = found is None
        self.codes.cells[row] = self._code(found) if found else 0

    def copy(self) -> "Willing":
        """Give one that changes on its own."""
        twin = Willing(self.conditions, self.able.copy(), self.codes.copy())
        twin.objections = self.objections.copy()
        return twin

    def _code(self, found: Objection) -> int:
        return self.objections.setdefault(found, len(self.objections))


def objection(
    asked: Conditions, node: Node, lease: str, pools: Mapping[PoolName, Pool]
) -> Objection | None:
    """Say why a node that is lent under a lease, or to nobody, may not take it."""
    if node.state is not NodeState.READY:
        if node.state is NodeState.CORDONED:
            return Objection(node.state.value, "headway nodes uncordon", is_of_node=True)
        return Objection(node.state.value, "it is ready again")
    if asked.pool is not None and node.pool != asked.pool:
        return Objection(f"not in pool {asked.pool}", f"pool {asked.pool} grows")
    pool = pools.get(node.pool)
    if pool is not None and pool.dedicated and asked.pool != node.pool:
        change = f"it asks for pool {node.pool}"
        return Objection(f"in pool {node.pool}, which takes only what names it", change)
    if lease != asked.lease and lease:
        return Objection(f"held under {lease}", f"headway leases show {lease}")
    for rule in asked.where:
        if not holds(rule, node):
            return _unmet(rule)
    return _limits(asked, node)


@lru_cache(maxsize=1024)
def _unmet(rule: TagRule) -> Objection:
    """Say that a node does not meet a rule: mostly it is one of thousands that do not."""
    return Objection(f"not {rule.sentence}", f"a node with {rule.sentence}")


def _limits(asked: Conditions, node: Node) -> Objection | None:
    if asked.strict and node.limits:
        missing = ", ".join(node.limits)
        reason = f"cannot give strict isolation ({missing})"
        return Objection(reason, "a node that enforces every limit")
    if (closed := node.closed(asked.ports)) is not None:
        port, by = closed
        return Objection(f"port {port} is taken by {by}", "another port, or a machine without that")
    most = asked.price_hour_max
    if most is not None and node.price_hour > most:
        return Objection(f"costs more than {most:g} an hour", "a cheaper node, or a higher limit")
    return None


def tag_of(node: Node, tag: str) -> str | None:
    """Give a node's tag. `node` is its id, `pool` its pool, whatever it calls itself."""
    if tag == "node":
        return node.id
    if tag == "pool":
        return node.pool
    return node.tags.get(tag)


def holds(rule: TagRule, node: Node) -> bool:
    """Say whether a node meets a rule.

    >>> from headway.model.ids import NodeId
    >>> node = Node(id=NodeId("a"), cpu=1, memory_mib=1, tags={"kernel": "6.10", "zone": "b"})
    >>> holds(TagRule(tag="kernel", operator=TagOperator.AT_LEAST, values=("6.9",)), node)
    True
    >>> holds(TagRule(tag="zone", operator=TagOperator.NOT_IN, values=("b", "c")), node)
    False
    """
    value = tag_of(node, rule.tag)
    if rule.operator is TagOperator.EXISTS:
        return value is not None
    if rule.operator is TagOperator.MISSING:
        return value is None
    if rule.operator is TagOperator.IN:
        return value in rule.values
    if rule.operator is TagOperator.NOT_IN:
        return value not in rule.values
    if value is None:
        return False
    order = _compared(value, rule.values[0])
    return order >= 0 if rule.operator is TagOperator.AT_LEAST else order <= 0


def _compared(one: str, other: str) -> int:
    """Order two versions: by their parts, numbers as numbers, before words; what ends is less."""
    for a, b in zip_longest(_parts(one), _parts(other), fillvalue=(-1, 0, "")):
        if a != b:
            return 1 if a > b else -1
    return 0


def _parts(version: str) -> list[tuple[int, int, str]]:
    return [
        (0, int(part), "") if part.isdecimal() and part.isascii() else (1, 0, part)
        for part in version.replace("-", ".").split(".")
    ]
