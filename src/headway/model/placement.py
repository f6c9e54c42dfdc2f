"""Placement: which nodes may run something, as its owner asks for."""

import msgspec

from headway.model.ids import PoolName
from headway.model.tag import TagRule
from headway.model.value import Value


class Placement(Value, kw_only=True):
    """Which nodes may run an app, a process type or a job."""

    where: tuple[TagRule, ...] = ()
    """All of them must hold."""
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    """Each must be among the node's tags with this value."""
    over: tuple[str, ...] = ("node",)
    """Tags over whose values copies are spread, the first weighs most."""
    alone: bool = False
    """At most one copy of a release on a node."""
    apart: tuple[str, ...] = ()
    """`APP` or `APP/PROCESS` of the same environment that must not be on the same node."""
    pool: PoolName | None = None
    priority: int = 0
    """-100 … 100: runs with more start before runs of other queues."""
    preemptible: bool = False
    """Whether its `at_least_once` runs may be ended for what has more priority and fits nowhere.
    Of a process type its floor says so."""
    price_hour_max: float | None = None
