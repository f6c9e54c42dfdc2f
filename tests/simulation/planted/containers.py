"""Bugs in what runs, and when it is told to stop."""

from headway.calculate.rollout import leaving
from headway.control import fleet
from headway.control.environments import lifetimes
from headway.model.container import Exit
from headway.model.order import Observed, ObservedState
from headway.model.plan import Plan
from headway.ports.engine import EngineUnavailable
from tests.simulation.planted.bug import found_by


@found_by(seed=18, hours=2)
def a_lease_that_never_ends(patch):
    patch.setattr(lifetimes, "plan_lease", lambda _row, _now: Plan())


@found_by(seed=1)
def believing_an_old_listing(patch):
    async def believe(self, row):
        await self._lose(row, "it is not in the listing")

    patch.setattr(fleet.Fleet, "_find_out", believe)


@found_by(seed=13)
def stopping_what_is_still_routed(patch):
    def stop_drained(draft, container):
        if draft.now >= container.draining_at:
            draft.stop(container, container.because)

    patch.setattr(leaving, "_stop_drained", stop_drained)


@found_by(seed=2, unavailable_share=0.3)
def giving_up_a_stop_that_was_not_answered(patch):
    async def stop(self, container, _earlier):
        try:
            await self._world.engine.stop(container.id, 10.0)
        except EngineUnavailable:
            return

    patch.setattr(fleet.Fleet, "_stop", stop)


@found_by(seed=6)
def taking_no_answer_for_a_failure(patch):
    async def start(self, container):
        need = await self._world.store.read(lambda r: fleet.read_need(r, container))
        if need is None:
            return
        try:
            order = await fleet.make_order(self._world, need)
            fact = await self._world.engine.start(order, container.node)
        except EngineUnavailable as error:
            end = Exit(status=126, reason=str(error), at=self._world.clock.now())
            state = ObservedState.EXITED
            fact = Observed(id=container.id, state=state, node=container.node, exit=end)
        await self._take((fact,))

    patch.setattr(fleet.Fleet, "_start", start)
