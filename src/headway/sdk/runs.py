"""Invocations of jobs."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from headway.model.run import Run
from headway.model.view.dead import Emptied, Replayed
from headway.model.view.log import LogEntry
from headway.model.view.run import FailedRuns, RunPage, RunView
from headway.sdk.transport import Transport, part

_LOOK_MAX_S = 1.0


class Runs:
    """Invocations of jobs."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def page(self, **question: Any) -> RunPage:
        """List runs, newest first.

        Args:
            question: `environment`, `app`, `job`, `queue`, `state` (several), `tag` and
                `parameter` (as `NAME=VALUE`, several), `since`, `until`, `before`, `limit`.
        """
        return self._transport.call("GET", "/v1/runs", RunPage, query=question)

    def failed(self, environment: str | None = None) -> list[FailedRuns]:
        """List jobs whose runs failed lately and are not made again; what is well since is last."""
        query = {"environment": environment}
        return self._transport.call("GET", "/v1/runs/failed", list[FailedRuns], query=query)

    def get(self, identity: str) -> RunView:
        """Give a run."""
        return self._transport.call("GET", f"/v1/runs/{part(identity)}", RunView)

    def wait(self, identity: str, timeout_s: float) -> Run:
        """Wait until a run has ended; gives it as it is then, or when the time is over."""
        ends_at = time.monotonic() + timeout_s
        pause_s = 0.01
        while True:
            run = self.get(identity).run
            if run.is_ended or time.monotonic() > ends_at:
                return run
            time.sleep(pause_s)
            pause_s = min(_LOOK_MAX_S, pause_s * 1.5)

    def cancel(self, identity: str) -> Run:
        """Have a run end."""
        return self._transport.call("POST", f"/v1/runs/{part(identity)}/cancel", Run)

    def again(self, identity: str, parameters: Mapping[str, Any] | None = None) -> Run:
        """Make a new run like one that has ended."""
        body = {"parameters": None if parameters is None else dict(parameters)}
        return self._transport.call("POST", f"/v1/runs/{part(identity)}/again", Run, body=body)

    def forget_dead(self, identity: str) -> Run:
        """Take a run off the dead-letter list."""
        return self._transport.call("DELETE", f"/v1/runs/{part(identity)}/dead", Run)

    def replay_dead(self, runs: Sequence[str] = (), **question: Any) -> Replayed:
        """Make runs on the dead-letter list again: those named, or all that match, oldest first.

        Args:
            runs: Their ids; none: all.
            question: `environment`, `app`, `job`, `queue`, `after`, `limit` (1,000).
        """
        body = {"runs": list(runs), **question}
        return self._transport.call("POST", "/v1/runs/dead/replay", Replayed, body=body)

    def empty_dead(self, runs: Sequence[str] = (), **question: Any) -> Emptied:
        """Take runs off the dead-letter list: those named, or all that match, oldest first.

        Args:
            runs: Their ids; none: all.
            question: `environment`, `app`, `job`, `queue`, `after`, `limit` (1,000).
        """
        body = {"runs": list(runs), **question}
        return self._transport.call("POST", "/v1/runs/dead/empty", Emptied, body=body)

    def logs(
        self, identity: str, *, attempt: int | None = None, follow: bool = False
    ) -> Iterator[LogEntry]:
        """Give what a run wrote; with `follow` until the attempt ends, over restarts."""
        path = f"/v1/runs/{part(identity)}/logs"
        if not follow:
            yield from self._transport.lines(path, LogEntry, {"attempt": attempt})
            return
        cursor = 0

        def query() -> dict[str, Any]:
            return {"attempt": attempt, "after": cursor, "follow": "true"}

        for entry in self._transport.lines_resumed(path, LogEntry, query):
            cursor = entry.line.cursor
            yield entry

    def result(self, run: Run) -> Any:
        """Give what a run returned."""
        return msgspec.json.decode(run.result)
