"""Bugs to plant in the control plane: each one that a person could have written."""

import asyncio
from collections.abc import Callable
from functools import partial

import msgspec
import pytest

from headway.calculate import attempt, draft, leaving
from headway.calculate.autoscale import clean
from headway.calculate.placement import Fleet as Placed
from headway.calculate.placement.table import Table
from headway.control import fleet, lifetimes
from headway.control.pool.pooling import Pools
from headway.control.pool.reading import PoolReading
from headway.control.runs import (
    attempts,
    dispatch,
    ends,
    gangs,
    grounds,
    locking,
    preemptions,
    runners,
    starts,
)
from headway.model.container import Exit
from headway.model.demand import Preemption
from headway.model.job import Delivery, Job
from headway.model.order import Observed, ObservedState
from headway.model.plan import Plan
from headway.model.pool_plan import PoolVerb
from headway.model.pool_snapshot import HostState
from headway.model.run import RunFactState, RunState
from headway.ports.engine import EngineUnavailable

Plant = Callable[[pytest.MonkeyPatch], None]


def a_lease_that_never_ends(patch):
    patch.setattr(lifetimes, "plan_lease", lambda _row, _now: Plan())


def counting_twice(patch):
    hold = Placed.hold

    def twice(self, what, node, demand, until=None):
        hold(self, what, node, demand, until)
        hold(self, f"{what} again", node, demand, until)

    patch.setattr(Placed, "hold", twice)


def forgetting_to_free(patch):
    patch.setattr(Placed, "free", lambda _self, _what: None)


def forgetting_what_was_reserved_before_a_restart(patch):
    async def nothing(_self):
        await asyncio.sleep(0)

    patch.setattr(fleet.Fleet, "_open", nothing)


def believing_an_old_listing(patch):
    async def believe(self, row):
        await self._lose(row, "it is not in the listing")

    patch.setattr(fleet.Fleet, "_find_out", believe)


def ignoring_which_attempt_a_fact_is_of(patch):
    patch.setattr(attempts, "_is_under_way", lambda row, _attempt: row.is_active)


def acknowledging_before_writing(patch):
    took = ends.Ends.took

    async def early(self, slot, facts):
        if slot.line is not None:
            slot.line.acknowledge([one for one in facts if one.state is RunFactState.ENDED])
        await took(self, slot, facts)

    patch.setattr(ends.Ends, "took", early)


def forgetting_what_ran_before_a_restart(patch):
    async def nothing(_self, _row):
        await asyncio.sleep(0)

    patch.setattr(dispatch.Dispatch, "_take_up", nothing)


def trying_at_most_once_again(patch):
    lose = attempt.lost

    def again(row, job, because, now, **_given):
        return lose(
            row, msgspec.structs.replace(job, delivery=Delivery.AT_LEAST_ONCE), because, now
        )

    patch.setattr(attempts, "lost", again)


def stopping_what_is_still_routed(patch):
    def stop_drained(draft, container):
        if draft.now >= container.draining_at:
            draft.stop(container, container.because)

    patch.setattr(leaving, "_stop_drained", stop_drained)


def giving_up_a_stop_that_was_not_answered(patch):
    async def stop(self, container, _earlier):
        try:
            await self._world.engine.stop(container.id, 10.0)
        except EngineUnavailable:
            return

    patch.setattr(fleet.Fleet, "_stop", stop)


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


def sending_an_attempt_once_only(patch):
    async def resumed(self, slot, listing):
        slot.busy = {row.run for row in self._dispatch.under_way.of(slot.container.id)}
        await self.took(slot, listing)

    patch.setattr(ends.Ends, "resumed", resumed)


def losing_nothing_when_a_runner_dies(patch):
    async def gone(self, _slot, _because):
        await asyncio.sleep(0)
        self.wake()

    patch.setattr(ends.Ends, "gone", gone)


def starting_a_runner_for_each_that_asks(patch):
    def want(self, key):
        self._do(self._start(key))

    patch.setattr(runners.Runners, "want", want)


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


def telling_runs_to_end_without_writing_down_why(patch):
    def preempt(tx, takings, numbers, **_given):
        rows = [tx.get(attempts.Run, run) for one in takings for run in one.found.runs]
        return [row for row in rows if row is not None and row.id in numbers]

    patch.setattr(attempts, "preempt", preempt)


def taking_the_place_of_what_may_run_only_once(patch):
    of_job = grounds.of_job

    def careless(release, job):
        return msgspec.structs.replace(of_job(release, job), preemption=Preemption.ALLOWED)

    patch.setattr(grounds, "of_job", careless)


def counting_a_taken_place_as_a_failure(patch):
    lose = attempt.lost

    def as_any(row, job, because, now, **_given):
        return lose(row, job, because, now)

    patch.setattr(attempts, "lost", as_any)


def holding_room_for_who_is_gone(patch):
    patch.setattr(preemptions.Preemptions, "tidy", lambda _self, _waiting: None)


def counting_no_node_that_is_starting(patch):
    snapshots = PoolReading.snapshots

    async def known(self, now, also=None):
        return [
            msgspec.structs.replace(
                row, hosts=tuple(host for host in row.hosts if host.state is not HostState.STARTING)
            )
            for row in await snapshots(self, now, also)
        ]

    patch.setattr(PoolReading, "snapshots", known)


def giving_a_node_back_before_it_is_empty(patch):
    change = Pools.change

    async def at_once(self, pool, row):
        if row.verb is PoolVerb.DRAIN:
            row = msgspec.structs.replace(row, verb=PoolVerb.RELEASE)
        await change(self, pool, row)

    patch.setattr(Pools, "change", at_once)


def not_asking_again_for_what_was_not_answered(patch):
    patch.setattr(clean, "_may_tell", lambda row, _now: row.told_at is None)


def never_reading_the_list_of_a_provider(patch):
    async def nothing(_self, _provider, _rows, _now):
        await asyncio.sleep(0)

    patch.setattr(Pools, "_list", nothing)


def starting_with_a_lock_that_others_have(patch):
    patch.setattr(locking.Locks, "wanted", lambda _self, _run, _names: ())


def keeping_the_lock_of_a_run_that_was_lost(patch):
    give_up = locking.give_up

    def forget(tx, run, settings, now):
        lost = run.attempt is not None and run.attempt.outcome is RunState.LOST
        return [] if lost else give_up(tx, run, settings, now)

    patch.setattr(locking, "give_up", forget)


def giving_every_run_the_same_fence(patch):
    take = locking.take
    patch.setattr(locking, "take", lambda tx, run, now: take(tx, run, now) and 1)


def starting_a_part_of_a_gang(patch):
    make = gangs.make

    def part(tx, leader, together, now):
        fewer = together._replace(
            gang=together.gang, jobs=together.jobs[:-1], attempts=together.attempts[:-1]
        )
        short = msgspec.structs.replace(together.gang, members=together.gang.members[:-1])
        rows = make(tx, leader, fewer._replace(gang=short), now)
        return [
            tx.put(
                msgspec.structs.replace(
                    row, gang=msgspec.structs.replace(together.gang, number=row.gang.number)
                )
            )
            for row in rows
        ]

    patch.setattr(attempts, "make", part)


def letting_a_gang_go_on_without_its_leader(patch):
    end_with = gangs.end_with

    def only_members(tx, ended, now):
        return end_with(tx, ended, now) if ended.is_member else []

    patch.setattr(attempts, "end_with", only_members)


def counting_disk_of_each_node_by_itself(patch):
    patch.setattr(Table, "take_of_mates", lambda *_given: None)


def giving_a_port_of_a_machine_twice(patch):
    of_process = draft.of_process

    def careless(release, process):
        return msgspec.structs.replace(of_process(release, process), ports=())

    patch.setattr(draft, "of_process", careless)


PLANTED: dict[str, Plant] = {
    plant.__name__: plant
    for plant in (
        a_lease_that_never_ends,
        counting_twice,
        forgetting_to_free,
        forgetting_what_was_reserved_before_a_restart,
        believing_an_old_listing,
        ignoring_which_attempt_a_fact_is_of,
        acknowledging_before_writing,
        forgetting_what_ran_before_a_restart,
        trying_at_most_once_again,
        stopping_what_is_still_routed,
        giving_up_a_stop_that_was_not_answered,
        taking_no_answer_for_a_failure,
        sending_an_attempt_once_only,
        losing_nothing_when_a_runner_dies,
        starting_a_runner_for_each_that_asks,
        writing_a_start_down_after_it_was_sent,
        telling_runs_to_end_without_writing_down_why,
        taking_the_place_of_what_may_run_only_once,
        counting_a_taken_place_as_a_failure,
        holding_room_for_who_is_gone,
        counting_no_node_that_is_starting,
        giving_a_node_back_before_it_is_empty,
        not_asking_again_for_what_was_not_answered,
        never_reading_the_list_of_a_provider,
        starting_with_a_lock_that_others_have,
        keeping_the_lock_of_a_run_that_was_lost,
        giving_every_run_the_same_fence,
        starting_a_part_of_a_gang,
        letting_a_gang_go_on_without_its_leader,
        counting_disk_of_each_node_by_itself,
        giving_a_port_of_a_machine_twice,
    )
}
_ = Job
