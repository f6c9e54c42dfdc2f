"""A demand: what one container or run asks of the node that it is placed on."""

from datetime import datetime
from enum import StrEnum

from headway.model.ids import PoolName
from headway.model.resources import Resources
from headway.model.tag import TagRule
from headway.model.value import Value


class Preemption(StrEnum):
    """Whether what is placed may be taken off its node for something of higher priority."""

    NEVER = "never"
    """`at_most_once` runs, as what was begun must not be begun again; and containers: which copies
    of a service may go depends on how the others do, so its app offers them (`Offer`)."""
    ALLOWED = "allowed"
    """`at_least_once` runs that say so."""


class Demand(Value, kw_only=True):
    """Everything that placement looks at. Demands that are equal are placed by one decision."""

    resources: Resources
    where: tuple[TagRule, ...] = ()
    """All of them must hold."""
    pool: PoolName | None = None
    """Only there. A pool that is dedicated takes only demands that name it."""
    crowd: str = ""
    """Names the copies that `spread` and `alone` count, such as `demo~1/shop/web@3`: those of one
    release, so that the next one can start beside them. What is of this crowd is also of the
    crowds `demo~1/shop/web` and `demo~1/shop`, by which others stay apart from it."""
    spread: tuple[str, ...] = ()
    """Tags over whose values the crowd is spread, the first weighs most. `node` is each node."""
    alone: bool = False
    """At most one of its crowd on a node."""
    apart: tuple[str, ...] = ()
    """Other crowds that must not be on the same node. It holds both ways."""
    ports: tuple[int, ...] = ()
    """Ports of the machine that it has to have. Nobody else there has them meanwhile."""
    strict: bool = False
    """Only where every limit can be enforced."""
    priority: int = 0
    """-100 ... 100. Of two that do not both fit the higher is placed first, and may take the place
    of what is lower and allows it."""
    preemption: Preemption = Preemption.NEVER
    expected_s: float | None = None
    """How long it is thought to run; None is for ever."""
    deadline_at: datetime | None = None
    price_hour_max: float | None = None
    """Of the node."""
    gang: str = ""
    """Whose gang it is one of: room that is promised to it is for nobody else, also where that
    asks for the same."""
    lease: str = ""
    """The lease under which it is placed: only it may use nodes and capacity that the lease
    holds."""
