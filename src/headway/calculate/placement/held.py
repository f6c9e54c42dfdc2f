"""Something that holds a part of a node."""

import msgspec

from headway.calculate.placement.wanted import Wanted
from headway.model.demand import Demand

FOREVER = float(1 << 50)
"""Later than any time, in seconds."""


class Held(msgspec.Struct, frozen=True, eq=False, gc=False):
    """What is held, where, and until when it is thought to be."""

    what: str
    row: int
    demand: Demand
    wanted: Wanted
    until: float
    """In seconds since 1970; `FOREVER` where nobody knows."""
