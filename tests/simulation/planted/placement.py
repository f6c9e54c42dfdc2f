"""Bugs in what has which room on which machine."""

import msgspec
import pytest

from headway.calculate.placement import Fleet as Placed
from headway.calculate.placement.table import Table
from headway.calculate.rollout import draft
from headway.control import fleet
from tests.simulation.planted.bug import found_by


@found_by(seed=1)
def counting_twice(patch):
    hold = Placed.hold

    def twice(self, what, node, demand, until=None):
        hold(self, what, node, demand, until)
        hold(self, f"{what} again", node, demand, until)

    patch.setattr(Placed, "hold", twice)


@found_by(seed=1)
def forgetting_to_free(patch):
    patch.setattr(Placed, "free", lambda _self, _what: None)


@found_by(seed=2, by="never over capacity", plane_kills_hour=40, engine_cuts_hour=40)
def forgetting_what_was_reserved_before_a_restart(patch):
    """Where a node is compared with its rows they are taken up all the same."""
    opening = fleet.Fleet._open

    async def careless(self):
        with pytest.MonkeyPatch.context() as meanwhile:
            meanwhile.setattr(fleet.Fleet, "_note", lambda *_given: None)
            await opening(self)

    patch.setattr(fleet.Fleet, "_open", careless)


@found_by(seed=22)
def counting_disk_of_each_node_by_itself(patch):
    patch.setattr(Table, "take_of_mates", lambda *_given: None)


@found_by(seed=10)
def giving_a_port_of_a_machine_twice(patch):
    of_process = draft.of_process

    def careless(release, process):
        return msgspec.structs.replace(of_process(release, process), ports=())

    patch.setattr(draft, "of_process", careless)
