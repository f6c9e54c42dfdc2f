"""Bugs in runners, and what is sent to them."""

import asyncio

from headway.control.runs import ends, runners
from tests.simulation.planted.bug import found_by


@found_by(seed=2)
def sending_an_attempt_once_only(patch):
    async def resumed(self, slot, listing):
        slot.busy = {row.run for row in self._dispatch.under_way.of(slot.container.id)}
        await self.took(slot, listing)

    patch.setattr(ends.Ends, "resumed", resumed)


@found_by(seed=3)
def losing_nothing_when_a_runner_dies(patch):
    async def gone(self, _slot, _because):
        await asyncio.sleep(0)
        self.wake()

    patch.setattr(ends.Ends, "gone", gone)


@found_by(seed=2)
def starting_a_runner_for_each_that_asks(patch):
    def want(self, key):
        self._do(self._start(key))

    patch.setattr(runners.Runners, "want", want)
