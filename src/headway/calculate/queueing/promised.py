"""What is promised to the runs of a lane."""

from collections.abc import Container

from headway.calculate.placement import Fleet, Promise
from headway.model.demand import Demand
from headway.model.run import Lane


def promised_to(fleet: Fleet, lane: Lane) -> list[Promise]:
    """List it, as it was made: that for which others were told to end, or else all."""
    made = [promise for promise in fleet.promises() if promise.whom == lane.name]
    told = [promise for promise in made if promise.at is None]
    return sorted(told or made, key=lambda promise: promise.number)


def keep_for(fleet: Fleet, lane: Lane, asked: Container[Demand]) -> None:
    """Withdraw what is promised to a lane whose runs ask for something else by now.

    They cannot take it: others would wait for room that is of no use to anybody.
    """
    for promise in fleet.promises():
        if promise.whom == lane.name and not any(one in asked for one in promise.demands):
            fleet.withdraw(promise)
