"""The route table: which requests go to which containers."""

import msgspec

from headway.model.ids import AppName, ContainerId, EnvironmentId, MemberKey
from headway.model.manifest import Protocol
from headway.model.value import Value


class Target(Value, kw_only=True):
    """One container that takes requests."""

    container: ContainerId
    host: str
    port: int
    weight: int
    """0 to 256, relative to the other targets of the route. 0 takes no requests."""
    release: int


class Route(Value, kw_only=True):
    """One exposed port of one app in one environment, and who answers on it."""

    environment: EnvironmentId
    app: AppName
    expose: str
    protocol: Protocol
    hosts: tuple[str, ...] = ()
    """HTTP: the host names, in lower case, that lead here; sorted."""
    port: int | None = None
    """TCP: the router's own port for this route."""
    targets: tuple[Target, ...] = ()
    """Sorted by container."""

    @property
    def key(self) -> str:
        """One word for the route, stable over its life, such as `demo~7f3a2c.web.http`."""
        return f"{self.environment}.{self.app}.{self.expose}"


class RouteTable(Value, kw_only=True):
    """Everything the router should do. Equal tables behave equally."""

    routes: tuple[Route, ...] = ()
    """Sorted by key."""


class Traffic(Value, kw_only=True):
    """What the router has seen of one container, counted since the router knows it."""

    in_flight: int = 0
    requests: int = 0
    errors: int = 0
    """Answers with a status of 500 or more, and failed connections."""
    response_ms: float = 0.0
    """Mean over the last 1,024 requests."""


class RouterView(Value, kw_only=True):
    """What the router does at this moment."""

    targets: frozenset[ContainerId] = frozenset()
    """Containers that may get new requests, whatever was last asked for."""
    traffic: dict[ContainerId, Traffic] = msgspec.field(default_factory=dict)
    """Containers that the router knows, those that only finish requests included."""
    refused: dict[str, int] = msgspec.field(default_factory=dict)
    """By key of a route: requests that the router answered itself, or cut off, as no container
    could take them. They are in nobody's traffic."""


def owner_of(key: str) -> MemberKey:
    """Give the app in an environment that has a route of such a key.

    >>> owner_of("demo~7f3a2c.web.http")
    ('demo~7f3a2c', 'web')
    """
    environment, app, _ = key.rsplit(".", 2)
    return EnvironmentId(environment), AppName(app)
