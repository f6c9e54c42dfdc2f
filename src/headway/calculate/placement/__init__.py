"""Which node takes a container or a run, and why not another: one piece for all that is placed."""

from headway.calculate.placement.fleet import Fleet
from headway.calculate.placement.placed import Placed, Refusal
from headway.calculate.placement.too_few import Copies

__all__ = ["Copies", "Fleet", "Placed", "Refusal"]
