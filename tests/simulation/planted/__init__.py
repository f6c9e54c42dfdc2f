"""Bugs to plant in the control plane: each one that a person could have written."""

from tests.simulation.planted import (
    containers,
    gangs,
    locks,
    placement,
    pools,
    preemption,
    runners,
    runs,
    services,
)
from tests.simulation.planted.bug import Bug, World

__all__ = ["BUGS", "Bug", "World"]

_ROOMS = (containers, gangs, locks, placement, pools, preemption, runners, runs, services)
BUGS = {name: bug for room in _ROOMS for name, bug in vars(room).items() if isinstance(bug, Bug)}
