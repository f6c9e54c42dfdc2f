"""Jobs whose runs are done in the test's own process, when a made-up time says so."""

import contextlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from headway.calculate.runs.attempt import concluded
from headway.calculate.runs.gang import broken, tried_once
from headway.formats.lock_names import lock_names
from headway.formats.units import parse_duration, render_duration
from headway.model import run as model
from headway.model.container import Exit
from headway.model.gang import Gang
from headway.model.ids import AppName, ContainerId, EnvironmentId, NodeId, RunId
from headway.model.job import Job, OneFails
from headway.model.length import LENGTH_MAX_S
from headway.model.run import RunFact, RunFactState, RunFailure, RunState
from headway.sdk.discover import discover
from headway.sdk.job import Cancelled, Declared, ParameterError, declared
from headway.sdk.once import describe
from headway.testing.printed import printed
from headway.testing.run import Run

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
"""When the time of a test begins."""
_NO_JITTER = 0.5
"""Delays are exact, so that a test can say when."""
_WHERE = {"app": "test", "environment": "test"}
_WAITING = frozenset({RunState.WAITING, RunState.QUEUED})


class UnknownJobError(LookupError):
    """There is no job of this name."""


class Jobs:
    """The jobs of an app under virtual time; see `headway.testing`."""

    def __init__(
        self,
        jobs: Iterable[Callable[..., Any]] = (),
        *,
        directory: Path | None = None,
        now: datetime = BEGIN,
    ) -> None:
        """Take jobs.

        Args:
            jobs: Functions that are jobs.
            directory: The app's: its jobs are looked for when one is named that was not given.
            now: When time begins.
        """
        self.now = now
        self.runs: list[Run] = []
        """Every run, in the order in which they were asked for."""
        self._directory = directory
        self._known: dict[str, Declared] = {}
        self._fences = 0
        for function in jobs:
            self._add(function)

    def invoke(
        self,
        job: str | Callable[..., Any],
        parameters: Mapping[str, Any] | None = None,
        *,
        delay: str | float | timedelta = 0,
        key: str | None = None,
        unique: str | None = None,
    ) -> Run:
        """Ask for a run. What is due is done before this returns.

        Args:
            job: Its name, or the function.
            parameters: As JSON has them.
            delay: How much later it may start, such as `"1h"`.
            key: Asking again with the same key gives the same run.
            unique: The same, until that run has ended.

        Raises:
            UnknownJobError: There is no such job.
            ParameterError: It does not take these parameters.
        """
        found = self._job(job)
        given = json.dumps(dict(parameters or {})).encode()
        found.bind(json.loads(given))
        locks = lock_names(
            self._declared(found.name).locks, json.loads(given), found.schema, _WHERE
        )
        if locks.problem:
            raise ParameterError([locks.problem])
        same = self._same(found.name, key, unique)
        if same is not None:
            return same
        later = _length(delay)
        run = Run(
            model.Run(
                id=RunId(f"run-{len(self.runs) + 1}"),
                environment=EnvironmentId("test"),
                app=AppName("test"),
                job=found.name,
                parameters=msgspec.Raw(given),
                state=RunState.WAITING if later else RunState.QUEUED,
                key=key,
                unique=unique,
                locks=locks.names,
                queue=self._declared(found.name).queue,
                due_at=self.now + later if later else None,
                created_at=self.now,
                created_by="test",
            )
        )
        self.runs.append(run)
        self._catch_up()
        return run

    def _same(self, job: str, key: str | None, unique: str | None) -> Run | None:
        for run in self.runs:
            row = run.row
            by_key = key is not None and row.key == key
            by_unique = unique is not None and row.unique == unique and not row.is_ended
            if row.job == job and (by_key or by_unique):
                return run
        return None

    def advance(self, by: str | float | timedelta) -> list[Run]:
        """Let time pass, and do what becomes due, each at its time; gives the runs attempted."""
        until = self.now + _length(by)
        attempted = self._catch_up(until)
        self.now = until
        return attempted

    def drain(self) -> list[Run]:
        """Let time pass until every run has ended; gives the runs attempted."""
        return self._catch_up(datetime.max.replace(tzinfo=UTC))

    def cancel(self, run: Run) -> None:
        """End a run that waits; one that ended stays as it is."""
        if not run.row.is_ended:
            run.row = msgspec.structs.replace(
                run.row, state=RunState.CANCELLED, because="cancelled", ended_at=self.now
            )

    # --- doing -----------------------------------------------------------------------------------

    def _catch_up(self, until: datetime | None = None) -> list[Run]:
        attempted: list[Run] = []
        until = until or self.now
        while True:
            waiting = [run for run in self.runs if run.state in _WAITING]
            due = [run for run in waiting if run.due_at <= until]
            if not due:
                return attempted
            run = min(due, key=lambda each: (each.due_at, -self._declared(each.row.job).priority))
            self.now = max(self.now, run.due_at)
            self._attempt(run)
            if run not in attempted:
                attempted.append(run)

    def _attempt(self, run: Run) -> None:
        number = len(run.attempts) + 1
        attempt = model.Attempt(
            number=number,
            release=1,
            runner=ContainerId("test"),
            node=NodeId("test"),
            ordered_at=self.now,
            began_at=self.now,
            fence=self._fence(run),
        )
        attempts = (*run.attempts, attempt)
        run.row = msgspec.structs.replace(run.row, state=RunState.RUNNING, attempts=attempts)
        self._attempt_together(run)
        at = self.now
        held = {"HEADWAY_LOCKS": " ".join(run.locks), "HEADWAY_FENCE": str(attempt.fence)}
        told = {"HEADWAY_RUN": run.id, "HEADWAY_ATTEMPT": str(number), **_place(run)}
        with printed(run), _variables(**told, **(held if run.locks else {})):
            fact = self._call(run, number)
        if run.row.attempt and run.row.attempt.broken:  # it would have been told to end
            failed = Exit(status=1, at=self.now)
            fact = msgspec.structs.replace(fact, exit=failed, cancelled=True)
        job = self._declared(run.row.job)
        run.row = concluded(run.row, tried_once(job, run.row), fact, at, jitter=_NO_JITTER)

    def _attempt_together(self, leader: Run) -> None:
        """Make and do those that start together with a run, before it: one by one, here."""
        job = self._declared(leader.row.job)
        if leader.row.is_member or not job.gang:
            return
        names = [name for name, count in job.gang.items() for _ in range(count)]
        first = len(self.runs) + 1
        ids = (leader.row.id, *(RunId(f"run-{first + at}") for at in range(len(names))))
        nodes, goes_on = (NodeId("test"),) * len(ids), job.when_one_fails is OneFails.GO_ON
        gang = Gang(number=0, members=ids, nodes=nodes, goes_on=goes_on)
        leader.row = msgspec.structs.replace(leader.row, gang=gang)
        for number, name in enumerate(names, start=1):
            self._job(name)
            row = msgspec.structs.replace(
                leader.row,
                id=ids[number],
                job=name,
                key=None,
                unique=None,
                locks=(),
                gang=msgspec.structs.replace(gang, number=number),
                attempts=(),
            )
            self.runs.append(Run(row))
        for member in self.runs[first - 1 :]:
            self._attempt(member)
            leader.row = broken(leader.row, member.row) or leader.row

    def _fence(self, run: Run) -> int:
        """Give a fence that is higher than every earlier one, where the run holds a lock."""
        self._fences += bool(run.locks)
        return self._fences if run.locks else 0

    def _call(self, run: Run, number: int) -> RunFact:
        fact = RunFact(
            run=run.row.id,
            attempt=number,
            state=RunFactState.ENDED,
            exit=Exit(status=0, at=self.now),
            ended_at=self.now,
        )
        failed = Exit(status=1, at=self.now)
        try:
            result = self._known[run.row.job].call(json.loads(bytes(run.row.parameters)))
        except Cancelled:
            return msgspec.structs.replace(fact, exit=failed, cancelled=True)
        except (Exception, SystemExit) as error:  # noqa: BLE001 (it is a job's)
            failure = RunFailure(**describe(error))
            return msgspec.structs.replace(fact, exit=failed, failure=failure)
        return msgspec.structs.replace(fact, result=msgspec.Raw(json.dumps(result).encode()))

    # --- jobs ------------------------------------------------------------------------------------

    def _job(self, job: str | Callable[..., Any]) -> Declared:
        if not isinstance(job, str):
            return self._add(job)
        if job not in self._known and self._directory is not None:
            self._look(self._directory)
        if job not in self._known:
            known = ", ".join(sorted(self._known)) or "none"
            raise UnknownJobError(f"there is no job {job!r}; there are: {known}")
        return self._known[job]

    def _look(self, directory: Path) -> None:
        search = discover(directory)
        if search.problems:
            row = search.problems[0]
            raise UnknownJobError(f"{row['file']}:{row['line']}: {row['message']}")
        self._known = {**search.found, **self._known}
        self._directory = None

    def _add(self, function: Callable[..., Any]) -> Declared:
        found = declared(function)
        if found is None:
            raise UnknownJobError(f"{function!r} is no job: @job stands above one")
        if self._known.setdefault(found.name, found) is not found:
            raise ValueError(f"there are two jobs called {found.name}")
        return found

    def _declared(self, name: str) -> Job:
        found = self._known[name]
        return msgspec.convert({"name": found.name, **found.options}, Job)


def _length(given: str | float | timedelta) -> timedelta:
    if isinstance(given, timedelta):
        seconds: float | None = given.total_seconds()
    else:
        seconds = parse_duration(str(given))
    if seconds is None or seconds > LENGTH_MAX_S:
        most = render_duration(LENGTH_MAX_S)
        raise ValueError(
            f"{given!r} is no length of time up to {most}, such as '30s', '10m' or '1h30m'"
        )
    return timedelta(seconds=seconds)


def _place(run: Run) -> dict[str, str]:
    gang = run.row.gang
    if gang is None:
        return {}
    return {
        "HEADWAY_GANG": gang.leader,
        "HEADWAY_GANG_NUMBER": str(gang.number),
        "HEADWAY_GANG_SIZE": str(gang.size),
        "HEADWAY_GANG_NODES": " ".join(gang.nodes),
    }


@contextlib.contextmanager
def _variables(**values: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
