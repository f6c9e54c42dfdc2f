"""Jobs whose runs failed lately, in memory: what fails is noted as it ends.

Dead runs are not among them: they stay on the list of their own until somebody has dealt with them.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from headway.model.ids import AppName, EnvironmentId, RunId
from headway.model.run import Run, RunState

LATELY = timedelta(hours=6)
"""What failed before is told no more."""
RUNS_MAX = 50
"""So many failed runs are remembered of each job."""
_JOBS_MAX = 500
"""Of so many jobs, those that failed last."""
BAD = frozenset({RunState.FAILED, RunState.TIMED_OUT, RunState.LOST, RunState.EXPIRED})
_JobKey = tuple[EnvironmentId, AppName, str]


class Failed(NamedTuple):
    """A run that failed."""

    run: RunId
    state: RunState
    because: str
    at: datetime


class FailedJob(NamedTuple):
    """A job whose runs failed lately."""

    key: _JobKey
    failed: tuple[Failed, ...]
    """Its last ones, the newest at the end."""
    is_well: bool
    """Whether a run of it has succeeded since."""


class _Success(NamedTuple):
    """A run that succeeded."""

    again: RunId | None
    """The one that it repeats."""
    at: datetime


class Failures:
    """Hears of each run that ends. One that is made again and succeeds is not told of any more."""

    def __init__(self) -> None:
        self.is_taken_up = False
        """Whether those are among them that ended before this life of the control plane."""
        self._jobs: dict[_JobKey, list[Failed]] = {}
        self._well: set[_JobKey] = set()
        self._last: dict[_JobKey, _Success] = {}
        """Until then, of jobs that do well: it may be of one that failed before."""

    def take_up(self, before: Iterable[Run]) -> None:
        """Take over, once, how runs ended before; what was heard since then goes for more."""
        if self.is_taken_up:
            return
        self.is_taken_up = True
        known, self._last = self._last, {}
        for run in before:
            self.note([run])
            key = _key(run)
            success = known.get(key)
            if success is not None and run.ended_at is not None and success.at >= run.ended_at:
                self._succeeded(key, success.again)

    def note(self, ended: Iterable[Run]) -> None:
        """Take over how runs ended."""
        for run in ended:
            if run.state in BAD:
                if not run.is_member:  # its leader fails with it
                    self._add(run)
            elif run.state is RunState.SUCCEEDED:
                if self._jobs:
                    self._succeeded(_key(run), run.again)
                if not self.is_taken_up and run.ended_at is not None:
                    self._keep_last(_key(run), _Success(run.again, run.ended_at))

    def lately(self, now: datetime) -> list[FailedJob]:
        """List jobs, those first that have not succeeded since, then what failed last."""
        for key, rows in list(self._jobs.items()):
            self._keep(key, [row for row in rows if now - row.at < LATELY])
        found = [FailedJob(key, tuple(rows), key in self._well) for key, rows in self._jobs.items()]
        return sorted(found, key=lambda job: (job.is_well, -job.failed[-1].at.timestamp()))

    def _add(self, run: Run) -> None:
        key = _key(run)
        self._last.pop(key, None)
        rows = self._jobs.pop(key, [])  # so that those that failed last stand last
        if run.ended_at is not None and all(row.run != run.id for row in rows):
            rows.append(Failed(run.id, run.state, run.because, run.ended_at))
            rows.sort(key=lambda row: row.at)  # one of before is heard of later
        self._well.discard(key)
        self._keep(key, rows[-RUNS_MAX:])
        if len(self._jobs) > _JOBS_MAX:
            self._keep(next(iter(self._jobs)), [])

    def _succeeded(self, key: _JobKey, again: RunId | None) -> None:
        rows = self._jobs.get(key)
        if rows is not None:
            self._well.add(key)
            self._keep(key, [row for row in rows if row.run != again])

    def _keep_last(self, key: _JobKey, success: _Success) -> None:
        self._last.pop(key, None)  # so that those that were heard of last stand last
        self._last[key] = success
        if len(self._last) > _JOBS_MAX:
            del self._last[next(iter(self._last))]

    def _keep(self, key: _JobKey, rows: list[Failed]) -> None:
        if rows:
            self._jobs[key] = rows
        else:
            self._jobs.pop(key, None)
            self._well.discard(key)


def _key(run: Run) -> _JobKey:
    return run.environment, run.app, run.job
