"""What becomes of a gang as one of it has ended."""

import msgspec

from headway.model.demand import Demand, Preemption
from headway.model.job import Delivery, Job
from headway.model.run import Run, RunState


def tried_once(job: Job, run: Run) -> Job:
    """Give a run's job as it counts for the run: none of a gang is tried again by itself."""
    if not run.is_member:
        return job
    return msgspec.structs.replace(job, delivery=Delivery.AT_MOST_ONCE)


def together(demand: Demand, leader: Demand, whom: str) -> Demand:
    """Give what one of a gang asks for, by what its job and its leader's ask for.

    All have the leader's priority. Nothing takes its place, as all would end with it; and room for
    one of it that others took would have kept the rest waiting.
    """
    return msgspec.structs.replace(
        demand, priority=leader.priority, preemption=Preemption.NEVER, gang=whom
    )


def cancelled(member: Run, leader: Run) -> Run | None:
    """Give a run that is to end as its gang's leader has ended; None where it need not."""
    if not member.is_active or member.cancelling:
        return None
    attempt = leader.attempt
    how = attempt.outcome.value if attempt and attempt.outcome else leader.state.value
    because = f"its gang ended: {leader.job} {leader.id}, its leader, {how}"
    return msgspec.structs.replace(member, cancelling=True, because=because)


def broken(leader: Run, member: Run) -> Run | None:
    """Give a leader whose gang is to end as one of it has ended; None where it goes on."""
    gang, attempt = member.gang, leader.attempt
    if gang is None or gang.goes_on or member.state is RunState.SUCCEEDED or attempt is None:
        return None
    is_same = leader.gang is not None and leader.gang.members == gang.members
    if not (is_same and leader.is_active) or leader.cancelling or attempt.broken:
        return None
    left = _was_handed_back(member)
    how = "was handed back" if left else f"is {member.state.value}"
    why = f": {member.because}" if member.because else ""
    because = f"{member.job} {member.id} of its gang {how}{why}"
    attempt = msgspec.structs.replace(attempt, broken=because, broken_by_leaving=left)
    return msgspec.structs.replace(leader, attempts=(*leader.attempts[:-1], attempt))


def _was_handed_back(member: Run) -> bool:
    attempt = member.attempt
    return member.state is RunState.LOST and attempt is not None and attempt.is_handed_back


def left_with_one(leader: Run, job: Job) -> str:
    """Say who of its gang was handed back, so that a leader is, too; empty where it is not.

    One that is never tried again has failed as it would have by another end.
    """
    attempt = leader.attempt
    if attempt is None or not attempt.broken_by_leaving or job.delivery is Delivery.AT_MOST_ONCE:
        return ""
    return attempt.broken
