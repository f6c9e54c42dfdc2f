"""Bugs in attempts of runs, and what is written down of them."""

import asyncio
from functools import partial

import msgspec

from headway.calculate.runs import attempt
from headway.control.runs import attempts, dispatch, ends, starts
from headway.model.job import Delivery
from headway.model.run import RunFactState
from tests.simulation.planted.bug import found_by


@found_by(seed=5)
def ignoring_which_attempt_a_fact_is_of(patch):
    patch.setattr(attempts, "_is_under_way", lambda row, _attempt: row.is_active)


@found_by(seed=2, hours=0.5, await_kills_share=0.01)
def acknowledging_before_writing(patch):
    took = ends.Ends.took

    async def early(self, slot, facts):
        if slot.line is not None:
            slot.line.acknowledge([one for one in facts if one.state is RunFactState.ENDED])
        await took(self, slot, facts)

    patch.setattr(ends.Ends, "took", early)


@found_by(seed=1)
def forgetting_what_ran_before_a_restart(patch):
    async def nothing(_self, _row):
        await asyncio.sleep(0)

    patch.setattr(dispatch.Dispatch, "_take_up", nothing)


@found_by(seed=1)
def trying_at_most_once_again(patch):
    lose = attempt.lost

    def again(row, job, because, now, **_given):
        return lose(
            row, msgspec.structs.replace(job, delivery=Delivery.AT_LEAST_ONCE), because, now
        )

    patch.setattr(attempts, "lost", again)


@found_by(seed=1)
def writing_a_start_down_after_it_was_sent(patch):
    async def claim(self, picks, grounds):
        now = self._world.clock.now()
        for pick in picks:
            made = self._reserve(pick, grounds[pick.lane], now, number=0)
            self._lanes.take(pick.lane, pick.entry.run)
            row = await self._world.store.read(
                lambda r, run=pick.entry.run: r.get(attempts.Run, run)
            )
            if row is None or row.is_ended:
                self._under_way.free(pick.entry.run)
                continue
            numbered = msgspec.structs.replace(made, number=len(row.attempts) + 1)
            self.send([msgspec.structs.replace(row, attempts=(*row.attempts, numbered))])
            await asyncio.sleep(2)
            await self._world.store.write(partial(attempts.start, attempts={row.id: made}, now=now))

    patch.setattr(starts.Starts, "_claim", claim)
