"""Environments."""

from collections.abc import Iterator, Sequence

from headway.formats.app_at import parse_wanted
from headway.model.container import Container
from headway.model.event import Event
from headway.model.past import Life, PastView
from headway.model.view.change import Started
from headway.model.view.difference import Difference
from headway.model.view.environment import EnvironmentView, MemberView
from headway.sdk.transport import HEARTBEAT_S, Transport, part


class Environments:
    """Named, isolated sets of deployed apps."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def all(self) -> list[EnvironmentView]:
        """List the environments that have not ended."""
        return self._transport.every("/v1/environments", EnvironmentView)

    def get(self, name: str) -> EnvironmentView:
        """Give an environment with its apps and containers."""
        return self._transport.call("GET", f"/v1/environments/{part(name)}", EnvironmentView)

    def ended(self, limit: int = 100) -> list[Life]:
        """List environments that have ended, those that began last first."""
        return self._transport.call("GET", "/v1/lives", list[Life], query={"limit": limit})

    def past(self, name: str) -> PastView:
        """Give what is kept of an environment, by its id, or of the last one of a name."""
        return self._transport.call("GET", f"/v1/lives/{part(name)}", PastView)

    def member(self, name: str, app: str) -> MemberView:
        """Give an app in an environment."""
        return self._transport.call(
            "GET", f"/v1/environments/{part(name)}/apps/{part(app)}", MemberView
        )

    def containers(self, name: str) -> list[Container]:
        """List the containers of an environment."""
        path = f"/v1/environments/{part(name)}/containers"
        return self._transport.call("GET", path, list[Container])

    def start(
        self,
        name: str,
        apps: Sequence[str],
        *,
        sources: Sequence[str] = (),
        lease_s: float | None = None,
        under: str | None = None,
        reason: str = "",
        plan: bool = False,
    ) -> Started:
        """Bring apps up with everything they need; `sources` are used from now on.

        One of these that is older than its app's newest is used this once. A new environment
        lasts `lease_s`; or, `under` a lease of a node or of capacity, it runs there and lasts as
        long. An app may be `web@main`, of which the last source of that branch is used this once,
        or that of a commit.
        """
        wanted = parse_wanted(apps)
        body = {
            "apps": list(wanted.apps),
            "sources": list(sources),
            "of": wanted.of,
            "lease_s": lease_s,
            "under": under,
            "reason": reason,
            "plan": plan,
        }
        return self._transport.call(
            "POST", f"/v1/environments/{part(name)}/start", Started, body=body
        )

    def stop(
        self, name: str, apps: Sequence[str] = (), *, reason: str = "", plan: bool = False
    ) -> Started:
        """Stop apps and keep their place; none named: all of them."""
        body = {"apps": list(apps), "reason": reason, "plan": plan}
        return self._transport.call(
            "POST", f"/v1/environments/{part(name)}/stop", Started, body=body
        )

    def destroy(self, name: str, *, reason: str = "", plan: bool = False) -> Started:
        """End an environment with everything in it."""
        query = {"reason": reason, "plan": "true" if plan else "false"}
        return self._transport.call(
            "DELETE", f"/v1/environments/{part(name)}", Started, query=query
        )

    def extend(
        self, name: str, length_s: float | None, *, shorten: bool = False
    ) -> EnvironmentView:
        """Renew a lease, from now; None: without end. One that ends earlier must be meant."""
        body = {"length_s": length_s, "shorten": shorten}
        return self._transport.call(
            "POST", f"/v1/environments/{part(name)}/lease", EnvironmentView, body=body
        )

    def copy(
        self,
        name: str,
        to: str,
        others: Sequence[str] = (),
        *,
        lease_s: float | None = None,
        plan: bool = False,
    ) -> Started:
        """Start the same apps, with the same config and scale, in a new environment.

        Of `others`, such as `web@feature`, the last source of that branch or commit that is kept
        is used, rather than that which serves.
        """
        body = {"to": to, "of": parse_wanted(others).of, "lease_s": lease_s, "plan": plan}
        return self._transport.call(
            "POST", f"/v1/environments/{part(name)}/copy", Started, body=body
        )

    def diff(self, name: str, other: str) -> list[Difference]:
        """Compare two environments."""
        path = f"/v1/environments/{part(name)}/diff"
        return self._transport.call("GET", path, list[Difference], query={"other": other})

    def follow(self, name: str | None, after: int | None = None) -> Iterator[Event]:
        """Give every event of an environment as it happens, over restarts of headway."""
        return (event for event in self.beats(name, after=after) if event is not None)

    def beats(
        self, name: str | None, *, after: int | None = None, heartbeat_s: float = HEARTBEAT_S
    ) -> Iterator[Event | None]:
        """Give every event behind a sequence as it happens, and None now and then between them."""
        query = {"environment": name, "after": after}
        for _, event in self._transport.events(
            "/v1/events", Event, lambda: query, heartbeat_s=heartbeat_s
        ):
            yield event
