"""The events of runs."""

from datetime import datetime

from headway.model.event import Event
from headway.model.run import Run


def run_event(run: Run, now: datetime, actor: str = "headway", kind: str = "") -> Event:
    """Make the event of what a run has become."""
    return Event(
        at=now,
        actor=actor,
        kind=kind or f"run.{run.state.value}",
        subject=run.id,
        environment=run.environment,
        app=run.app,
        because=run.because,
        data={"job": run.job, "attempt": len(run.attempts)},
    )
