"""Something that holds a part of a node."""

from headway.calculate.placement.wanted import Wanted
from headway.model.demand import Demand

FOREVER = float(1 << 50)
"""Later than any time, in seconds."""


class Held:
    """What is held, where, and until when it is thought to be. Never changed once made."""

    __slots__ = ("demand", "row", "until", "wanted", "what")

    def __init__(self, what: str, row: int, demand: Demand, wanted: Wanted, until: float) -> None:
        self.what = what
        self.row = row
        self.demand = demand
        self.wanted = wanted
        self.until = until
        """In seconds since 1970; `FOREVER` where nobody knows."""
