"""Bugs in what has which room on which machine."""

import msgspec

from headway.calculate import draft
from headway.calculate.placement import Fleet as Placed
from headway.calculate.placement.table import Table
from headway.control import fleet
from headway.model.container import Container
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


@found_by(seed=6, by="never over capacity", plane_kills_hour=40, engine_cuts_hour=40)
def forgetting_what_was_reserved_before_a_restart(patch):
    """All else that `_open` does is done."""

    async def careless(self):
        world = self._world
        nodes = await world.engine.nodes()
        there = {node.id for node in nodes}
        for node in world.nodes:
            if node.id not in there:
                world.roster.gone(node.id)
        rows = await world.store.read(lambda reader: reader.find(Container, retired=False))
        for node in nodes:
            world.roster.heard(node, world.clock.now())
        world.roster.is_told = True
        world.bell.node()
        for row in rows:
            if row.node not in there and not row.is_ended:
                await self._lose(row, f"there is no node {row.node} any more")

    patch.setattr(fleet.Fleet, "_open", careless)


@found_by(seed=6)
def counting_disk_of_each_node_by_itself(patch):
    patch.setattr(Table, "take_of_mates", lambda *_given: None)


@found_by(seed=3)
def giving_a_port_of_a_machine_twice(patch):
    of_process = draft.of_process

    def careless(release, process):
        return msgspec.structs.replace(of_process(release, process), ports=())

    patch.setattr(draft, "of_process", careless)
