"""The events of runs."""

from datetime import datetime

from headway.formats.units import counted
from headway.model.event import Event
from headway.model.run import Run, RunState, ScheduledBy

SCHEDULED_AT = "scheduled_at"
"""The tag of a run that a schedule made by the clock: for which of its times."""


def run_event(
    run: Run, now: datetime, actor: str = "headway", kind: str = "", because: str | None = None
) -> Event:
    """Make the event of what a run has become, for its own reason if none is given."""
    return Event(
        at=now,
        actor=actor,
        kind=kind or f"run.{run.state.value}",
        subject=run.id,
        environment=run.environment,
        app=run.app,
        because=run.because if because is None else because,
        data={"job": run.job, "attempt": len(run.attempts)},
    )


def requested_event(
    run: Run, now: datetime, actor: str, *, others: int = 0, repeated: Run | None = None
) -> Event:
    """Make the event of a run that was made.

    Args:
        run: As it was asked for.
        now: The time.
        actor: Who asked.
        others: So many were made with it, by the same request.
        repeated: The run that it repeats, as it was before.
    """
    words = [_way(run, actor, repeated)]
    if run.after:
        words.append(f"to follow {counted(len(run.after), 'run')}")
    if run.due_at is not None and run.schedule is None:
        words.append(f"to start at {run.due_at:%Y-%m-%d %H:%M:%S} UTC")
    if others:
        words.append(f"with {counted(others, 'other')} in one request")
    return run_event(run, now, actor, "run.requested", ", ".join(words))


def _way(run: Run, actor: str, repeated: Run | None) -> str:
    """Say who asked for a run, and by which way."""
    if run.scheduled_by is ScheduledBy.HAND:
        return f"{actor} ran schedule {run.schedule} now"
    if run.scheduled_by is ScheduledBy.CLOCK:
        return f"schedule {run.schedule} was due at {run.tags[SCHEDULED_AT]}"
    if repeated is not None and repeated.state is RunState.DEAD:
        return f"{actor} replayed {repeated.id} from the dead-letter list"
    if run.again is not None:
        return f"{actor} asked for {run.again} again"
    return f"{actor} invoked it"
