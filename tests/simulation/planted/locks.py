"""Bugs in locks."""

from headway.control.runs import locking
from headway.model.run import RunState
from tests.simulation.planted.bug import found_by


@found_by(seed=1)
def starting_with_a_lock_that_others_have(patch):
    patch.setattr(locking.Locks, "wanted", lambda _self, _run, _names: ())


@found_by(seed=1)
def keeping_the_lock_of_a_run_that_was_lost(patch):
    give_up = locking.give_up

    def forget(tx, run, settings, now):
        lost = run.attempt is not None and run.attempt.outcome is RunState.LOST
        return [] if lost else give_up(tx, run, settings, now)

    patch.setattr(locking, "give_up", forget)


@found_by(seed=1)
def giving_every_run_the_same_fence(patch):
    take = locking.take
    patch.setattr(locking, "take", lambda tx, run, now: take(tx, run, now) and 1)
