"""Which node takes a container or a run, and why not another: one piece for all that is placed."""

from headway.calculate.placement.doubted import doubted
from headway.calculate.placement.fleet import Fleet
from headway.calculate.placement.gang import Joint, Site, reserve_together
from headway.calculate.placement.part import Part
from headway.calculate.placement.placed import Placed, Refusal
from headway.calculate.placement.preempt import Ask, give_way, preempt
from headway.calculate.placement.preempt_together import preempt_together
from headway.calculate.placement.promise import Promise, awaited_for
from headway.calculate.placement.reserve import Reservation, reserve
from headway.calculate.placement.too_few import Copies

__all__ = [
    "Ask",
    "Copies",
    "Fleet",
    "Joint",
    "Part",
    "Placed",
    "Promise",
    "Refusal",
    "Reservation",
    "Site",
    "awaited_for",
    "doubted",
    "give_way",
    "preempt",
    "preempt_together",
    "reserve",
    "reserve_together",
]
