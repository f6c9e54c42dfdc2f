"""What makes runs by the clock."""

from typing import TypeVar

from headway.model.run import Run
from headway.model.view.schedule import ScheduleView
from headway.sdk.transport import Transport, part, path_of

T = TypeVar("T")


class Schedules:
    """What makes runs by the clock."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def all(self, environment: str | None = None, count: int = 5) -> list[ScheduleView]:
        """List schedules with their next times."""
        query = {"environment": environment, "count": count}
        return self._transport.call("GET", "/v1/schedules", list[ScheduleView], query=query)

    def pause(self, environment: str, name: str) -> ScheduleView:
        """Have no time make a run until it is resumed."""
        return self._ask(environment, name, "pause", ScheduleView)

    def resume(self, environment: str, name: str) -> ScheduleView:
        """Have it go on."""
        return self._ask(environment, name, "resume", ScheduleView)

    def run(self, environment: str, name: str) -> Run:
        """Make a run of its job now, with its parameters. Its times stay as they are."""
        return self._ask(environment, name, "run", Run)

    def _ask(self, environment: str, name: str, what: str, kind: type[T]) -> T:
        path = f"/v1/environments/{part(environment)}/schedules/{path_of(name)}/{what}"
        return self._transport.call("POST", path, kind)
