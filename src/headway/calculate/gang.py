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


def steadfast(demand: Demand) -> Demand:
    """Give what one of a gang asks for: nothing takes its place, as all would end with it."""
    return msgspec.structs.replace(demand, preemption=Preemption.NEVER)


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
    why = f": {member.because}" if member.because else ""
    because = f"{member.job} {member.id} of its gang is {member.state.value}{why}"
    attempt = msgspec.structs.replace(attempt, broken=because)
    return msgspec.structs.replace(leader, attempts=(*leader.attempts[:-1], attempt))
