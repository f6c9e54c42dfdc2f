"""Whether a demand's rules let it go to a node of a pool, however full that is."""

from headway.model.demand import Demand
from headway.model.node import Node
from headway.model.pool import Pool
from headway.model.tag import TagOperator, TagRule


def suits(pool: Pool, demand: Demand, node: Node) -> bool:
    """Say whether a demand's rules let it go to a node of a pool."""
    if demand.pool != pool.name and (pool.dedicated or demand.pool is not None):
        return False
    if demand.strict and node.limits:
        return False
    most = demand.price_hour_max
    if most is not None and node.price_hour > most:
        return False
    return all(_holds(rule, node) for rule in demand.where)


def _holds(rule: TagRule, node: Node) -> bool:
    value = {"node": node.id, "pool": node.pool}.get(rule.tag, node.tags.get(rule.tag))
    match rule.operator:
        case TagOperator.EXISTS:
            return value is not None
        case TagOperator.MISSING:
            return value is None
        case TagOperator.IN:
            return value in rule.values
        case TagOperator.NOT_IN:
            return value not in rule.values
        case TagOperator.AT_LEAST | TagOperator.AT_MOST:
            return value is not None
