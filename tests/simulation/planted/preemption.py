"""Bugs in runs that give way to others."""

import msgspec

from headway.calculate.runs import attempt
from headway.control.runs import attempts, grounds
from headway.model.demand import Preemption
from tests.simulation.planted.bug import found_by


@found_by(seed=2)
def telling_runs_to_end_without_writing_down_why(patch):
    def preempt(tx, takings, numbers, **_given):
        rows = [tx.get(attempts.Run, run) for one in takings for run in one.found.runs]
        return [row for row in rows if row is not None and row.id in numbers]

    patch.setattr(attempts, "preempt", preempt)


@found_by(seed=2)
def taking_the_place_of_what_may_run_only_once(patch):
    of_job = grounds.of_job

    def careless(release, job):
        return msgspec.structs.replace(of_job(release, job), preemption=Preemption.ALLOWED)

    patch.setattr(grounds, "of_job", careless)


@found_by(seed=2)
def counting_a_taken_place_as_a_failure(patch):
    lose = attempt.lost

    def as_any(row, job, because, now, **_given):
        return lose(row, job, because, now)

    patch.setattr(attempts, "lost", as_any)
