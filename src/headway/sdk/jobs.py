"""What runs can be made of."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from headway.machine.run_ids import RunIds
from headway.model.view.job import JobView
from headway.model.view.run import Invoked
from headway.sdk.transport import Transport, path_of

_IDS = RunIds()


class Jobs:
    """What runs can be made of."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def all(self, environment: str | None = None, app: str | None = None) -> list[JobView]:
        """List jobs, of one environment or of all."""
        query = {"environment": environment, "app": app}
        return self._transport.call("GET", "/v1/jobs", list[JobView], query=query)

    def get(self, environment: str, name: str, app: str | None = None) -> JobView:
        """Give a job, by its name or by `app/name`."""
        query = {"environment": environment, "app": app}
        return self._transport.call("GET", f"/v1/jobs/{path_of(name)}", JobView, query=query)

    def invoke(
        self,
        environment: str,
        name: str,
        parameters: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> str:
        """Make a run; gives its id. Asking is harmless to repeat.

        Args:
            environment: Where.
            name: The job, or `app/job`.
            parameters: Of the run.
            options: `at`, `delay_s`, `after`, `key`, `unique`, `priority`, `queue`, `tags`,
                `deadline_at`, `release`.
        """
        body = {"parameters": dict(parameters or {}), **options}
        return self.invoke_many(environment, name, [body]).ids[0]

    def invoke_many(
        self, environment: str, name: str, invocations: Sequence[Mapping[str, Any]]
    ) -> Invoked:
        """Make runs, all or none of them, each given as in `invoke`; at most 10,000 at once."""
        now = datetime.now(UTC)
        body = {
            "environment": environment,
            "runs": [{"id": _IDS.make(now), **row} for row in invocations],
        }
        path = f"/v1/jobs/{path_of(name)}/runs"
        return self._transport.call("POST", path, Invoked, body=body, once=True)
