"""What becomes of a run when an attempt ends: done, another attempt, or an end without success."""

from datetime import datetime

import msgspec

from headway.calculate.ending import end_of
from headway.calculate.runs.out_of_reach import out_of_reach
from headway.calculate.runs.retry import retry_delay_s
from headway.model.container import Exit
from headway.model.job import Delivery, Job, JobNetwork
from headway.model.run import Attempt, Run, RunFact, RunState


def begun(run: Run, fact: RunFact, now: datetime) -> Run:
    """Note that the current attempt began."""
    attempt = run.attempt
    if run.state is not RunState.STARTING or attempt is None:
        return run
    attempt = msgspec.structs.replace(attempt, began_at=fact.began_at or now)
    return _with(run, attempt, state=RunState.RUNNING)


def concluded(run: Run, job: Job, fact: RunFact, now: datetime, jitter: float) -> Run:
    """Take over how the current attempt ended.

    Args:
        run: The row as it is, with an attempt under way.
        job: As the attempt's release declares it.
        fact: What the runner saw.
        now: Aware UTC instant.
        jitter: From 0 to 1, for the delay before a retry.
    """
    attempt = run.attempt
    assert attempt is not None
    outcome = _outcome(run, fact)
    because = _because(fact, outcome, job.network)
    if outcome is RunState.CANCELLED and attempt.broken and not run.cancelling:
        outcome, because = RunState.FAILED, attempt.broken
    attempt = msgspec.structs.replace(
        attempt,
        began_at=attempt.began_at or fact.began_at,
        ended_at=fact.ended_at or now,
        outcome=outcome,
        because=because,
        exit=fact.exit,
        failure=fact.failure,
        memory_peak_mib=fact.memory_peak_mib,
        cpu_s=fact.cpu_s,
    )
    if outcome is RunState.SUCCEEDED:
        return _with(run, attempt, state=outcome, because="", result=fact.result, ended_at=now)
    return _after_failure(run, job, attempt, now, jitter)


def lost(run: Run, job: Job, because: str, now: datetime, *, is_handed_back: bool = False) -> Run:
    """Take over that nobody will ever say how the current attempt ended.

    One that was handed back was ended so that its node could be left: it uses up no retry.
    """
    attempt = run.attempt
    assert attempt is not None
    attempt = msgspec.structs.replace(
        attempt,
        ended_at=now,
        outcome=RunState.LOST,
        because=because,
        is_handed_back=is_handed_back,
    )
    return _after_failure(run, job, attempt, now, jitter=0.5)


def _after_failure(run: Run, job: Job, attempt: Attempt, now: datetime, jitter: float) -> Run:
    outcome, because = attempt.outcome, attempt.because
    assert outcome is not None
    if outcome is RunState.CANCELLED or run.cancelling:
        return _with(
            run, attempt, state=RunState.CANCELLED, because=run.because or because, ended_at=now
        )
    if job.delivery is Delivery.AT_MOST_ONCE:
        return _with(run, attempt, state=outcome, because=because, ended_at=now)
    if attempt.is_handed_back:
        told = f"attempt {attempt.number} was handed back: {because}"
        return _with(run, attempt, state=RunState.QUEUED, because=told)
    tries = 1 + sum(not row.is_handed_back for row in run.attempts[:-1])
    if tries >= job.attempts_max:
        told = f"attempt {tries} of {job.attempts_max}: {because}"
        return _with(run, attempt, state=RunState.DEAD, because=told, ended_at=now)
    if outcome is RunState.LOST:  # nothing of its own made it fail: it need not wait
        told = f"attempt {attempt.number} was lost: {because}"
        return _with(run, attempt, state=RunState.QUEUED, because=told)
    delay_s = retry_delay_s(job.retries, tries, jitter)
    told = f"attempt {tries} of {job.attempts_max} failed: {because}"
    due_at = end_of(now, delay_s)
    return _with(run, attempt, state=RunState.WAITING, because=told, due_at=due_at)


def _outcome(run: Run, fact: RunFact) -> RunState:
    if fact.exit is not None and fact.exit.status == 0 and fact.failure is None and not fact.limit:
        return RunState.SUCCEEDED
    if fact.limit == "time":
        return RunState.TIMED_OUT
    if fact.cancelled or run.cancelling:
        return RunState.CANCELLED
    return RunState.FAILED


def _because(fact: RunFact, outcome: RunState, network: JobNetwork) -> str:
    told = _told(fact, outcome)
    if outcome is not RunState.FAILED:
        return told
    trace = fact.failure.traceback if fact.failure else ""
    clue = out_of_reach(network, f"{told}\n{trace}")
    return f"{told}; {clue}" if clue else told


def _told(fact: RunFact, outcome: RunState) -> str:
    exit_ = fact.exit
    if fact.limit and exit_ is not None and exit_.reason:
        return exit_.reason
    if fact.failure is not None:
        return f"{fact.failure.type}: {fact.failure.message}"[:500]
    if outcome is RunState.SUCCEEDED:
        return ""
    return exit_.account if isinstance(exit_, Exit) else "its end is unknown"


def _with(run: Run, attempt: Attempt, **fields: object) -> Run:
    return msgspec.structs.replace(run, attempts=(*run.attempts[:-1], attempt), **fields)
