"""Who answers the requests of an app: each release's share, and what the router counted of it."""

from collections.abc import Iterable, Mapping

from headway.model.ids import AppName, ContainerId, EnvironmentId
from headway.model.route import Route, Traffic
from headway.model.value import Value


class ReleaseShare(Value, kw_only=True):
    """What one release gets and how it answers."""

    release: int
    percent: float
    containers: int
    requests: int = 0
    """Counted since the router knows the containers that are there now."""
    errors: int = 0
    in_flight: int = 0
    response_ms: float = 0.0
    """Mean of the containers' means."""

    @property
    def error_percent(self) -> float:
        """The share of answers that were errors."""
        return round(100 * self.errors / self.requests, 1) if self.requests else 0.0


def shares(
    routes: Iterable[Route],
    counted: Mapping[ContainerId, Traffic],
    environment: EnvironmentId,
    app: AppName,
) -> tuple[ReleaseShare, ...]:
    """Give the share of each release that has containers in the route table, the newest first.

    Of an app that exposes several ports, the first counts.
    """
    route = next((one for one in routes if (one.environment, one.app) == (environment, app)), None)
    if route is None:
        return ()
    total = sum(target.weight for target in route.targets)
    found = []
    for number in sorted({target.release for target in route.targets}, reverse=True):
        own = [target for target in route.targets if target.release == number]
        heard = [counted[target.container] for target in own if target.container in counted]
        timed = [one.response_ms for one in heard if one.requests]
        found.append(
            ReleaseShare(
                release=number,
                percent=round(100 * sum(one.weight for one in own) / total, 1) if total else 0.0,
                containers=len(own),
                requests=sum(one.requests for one in heard),
                errors=sum(one.errors for one in heard),
                in_flight=sum(one.in_flight for one in heard),
                response_ms=round(sum(timed) / len(timed), 1) if timed else 0.0,
            )
        )
    return tuple(found)
