"""What is promised to the runs of a lane."""

from headway.calculate.placement import Fleet, Promise
from headway.model.run import Lane


def promised_to(fleet: Fleet, lane: Lane) -> list[Promise]:
    """List it, as it was made: that for which others were told to end, or else all."""
    made = [promise for promise in fleet.promises() if promise.whom == lane.name]
    told = [promise for promise in made if promise.at is None]
    return sorted(told or made, key=lambda promise: promise.number)
