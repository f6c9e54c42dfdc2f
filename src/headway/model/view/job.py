"""Jobs of an app in an environment, as they are shown."""

from datetime import datetime

from headway.model.ids import AppName, EnvironmentName, PoolName
from headway.model.job import Job
from headway.model.run import Run
from headway.model.value import Value


class Paused(Value, kw_only=True):
    """A schedule that makes no runs until somebody resumes it."""

    name: str
    by: str
    at: datetime | None = None
    """None where it is not known."""


class JobView(Value, kw_only=True):
    """A job of an app in an environment."""

    environment: EnvironmentName
    app: AppName
    release: int
    job: Job
    pool: PoolName | None = None
    """Where its runs go, as the job or its app says; None: wherever there is room."""
    waiting: int = 0
    """Runs that are queued in its queue's lanes of this job."""
    running: int = 0
    schedules: tuple[str, ...] = ()
    paused: tuple[Paused, ...] = ()
    """Those of them that are."""
    last: Run | None = None
