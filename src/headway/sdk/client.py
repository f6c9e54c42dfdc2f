"""The client: one property for each noun."""

from typing import Any, Self

from headway.model.event import Event
from headway.model.figures import FiguresView
from headway.model.settings import Settings
from headway.model.view.change import PlannedChange
from headway.model.view.check import Check
from headway.model.view.why import Why
from headway.sdk import local
from headway.sdk.apps import Apps
from headway.sdk.ask import Asked
from headway.sdk.builds import Builds
from headway.sdk.config import Configs
from headway.sdk.containers import Containers
from headway.sdk.deployments import Deployments
from headway.sdk.environments import Environments
from headway.sdk.jobs import Jobs
from headway.sdk.leases import Leases
from headway.sdk.lock import Lock
from headway.sdk.logs import Logs
from headway.sdk.nodes import Nodes
from headway.sdk.pools import Pools
from headway.sdk.queues import Queues
from headway.sdk.rebalance import Rebalances
from headway.sdk.runs import Runs
from headway.sdk.schedules import Schedules
from headway.sdk.sessions import Sessions
from headway.sdk.tokens import Tokens
from headway.sdk.transport import Transport


class Client:
    """Speaks with one headway."""

    def __init__(self, url: str, token: str) -> None:
        self.transport = Transport(url, token)
        self.apps = Apps(self.transport)
        self.environments = Environments(self.transport)
        self.config = Configs(self.transport)
        self.deployments = Deployments(self.transport)
        self.containers = Containers(self.transport)
        self.builds = Builds(self.transport)
        self.logs = Logs(self.transport)
        self.nodes = Nodes(self.transport)
        self.pools = Pools(self.transport)
        self.rebalance = Rebalances(self.transport)
        self.jobs = Jobs(self.transport)
        self.runs = Runs(self.transport)
        self.queues = Queues(self.transport)
        self.schedules = Schedules(self.transport)
        self.leases = Leases(self.transport)
        self.tokens = Tokens(self.transport)
        self.sessions = Sessions(self.transport)

    @classmethod
    def local(cls) -> Self:
        """Speak with the headway that the environment names, or that runs on this machine.

        Raises:
            SdkError: There is none.
        """
        address = local.find()
        return cls(address.url, address.token)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.transport.close()

    def lock(self, name: str, **options: Any) -> Lock:
        """Hold a lock for as long as a `with` block runs; options are those of `Lock`.

        Such as:

            with client.lock("migration") as held:
                migrate(fence=held.fence)
        """
        return Lock(name, asked=Asked(self.transport.url, self.transport.token), **options)

    def events(
        self,
        *,
        after: int | None = None,
        environment: str | None = None,
        app: str | None = None,
        subject: str | None = None,
        limit: int = 200,
    ) -> list[Event]:
        """List events behind a sequence; without one, the newest, newest first."""
        query = {
            "after": after,
            "environment": environment,
            "app": app,
            "subject": subject,
            "limit": limit,
        }
        return self.transport.call("GET", "/v1/events", list[Event], query=query)

    def figures(self, **of: Any) -> FiguresView:
        """Give what was measured lately.

        Args:
            of: `node`, or `environment` and `app` and perhaps one of `release`, `queue` and `job`;
                nothing is everything. And `measure`, `over_s`, `since`, as the API has them.
        """
        return self.transport.call("GET", "/v1/figures", FiguresView, query=of)

    def why(self, thing: str, environment: str | None = None, app: str | None = None) -> Why:
        """Say why something is as it is."""
        query = {"thing": thing, "environment": environment, "app": app}
        return self.transport.call("GET", "/v1/why", Why, query=query)

    def plan(self, environment: str | None = None) -> list[PlannedChange]:
        """Say what would be done next if nothing else happened."""
        query = {"environment": environment}
        return self.transport.call("GET", "/v1/plan", list[PlannedChange], query=query)

    def routes(self) -> dict[str, Any]:
        """Give the route table and what the router counted."""
        return self.transport.call("GET", "/v1/routes", dict[str, Any])

    def doctor(self) -> list[Check]:
        """Look at the machine and the installation."""
        return self.transport.call("GET", "/v1/doctor", list[Check])

    def settings(self) -> Settings:
        """Give what the operator has set, and the defaults of the rest."""
        return self.transport.call("GET", "/v1/settings", Settings)

    def version(self) -> dict[str, Any]:
        """Say which headway answers."""
        return self.transport.call("GET", "/v1/version", dict[str, Any])
