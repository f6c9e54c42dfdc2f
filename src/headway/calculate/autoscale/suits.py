"""Whether a demand's rules let it go to a node of a pool, however full that is."""

from headway.calculate.placement.willing import holds
from headway.model.demand import Demand
from headway.model.node import Node
from headway.model.pool import Pool


def suits(pool: Pool, demand: Demand, node: Node) -> bool:
    """Say whether a demand's rules let it go to a node of a pool, or to one that stands beside."""
    if demand.pool is None and pool.dedicated:
        return False
    if demand.pool not in (None, node.pool):
        return False
    if node.closed(demand.ports) is not None or (demand.strict and node.limits):
        return False
    most = demand.price_hour_max
    if most is not None and node.price_hour > most:
        return False
    return all(holds(rule, node) for rule in demand.where)
