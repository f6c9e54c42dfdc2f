"""Deployments and releases."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from headway.model.app import Commit
from headway.model.deployment import Deployment
from headway.model.view.change import Started
from headway.model.view.page import Page
from headway.model.view.release import ReleaseView
from headway.sdk.transport import Transport, part


class Deployments:
    """Moves of apps to releases."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(
        self,
        environment: str,
        app: str,
        kind: str = "deploy",
        *,
        source: str | None = None,
        release: int | None = None,
        scale: Mapping[str, int] | None = None,
        commits: Sequence[Commit] = (),
        **options: Any,
    ) -> Started:
        """Move an app to another release, or scale.

        Args:
            environment: Where.
            app: Which.
            kind: `deploy`, `rollback`, `redeploy` or `scale`.
            source: For deploy; None: the app's newest.
            release: For rollback; None: the one that served before.
            scale: For scale.
            commits: Between the release that serves and this one, newest first.
            options: `strategy`, `canary_percent`, `replace`, `reason`, `plan`.
        """
        body = {
            "kind": kind,
            "source": source,
            "release": release,
            "scale": dict(scale or {}),
            "commits": [msgspec.to_builtins(commit) for commit in commits],
            **options,
        }
        path = f"/v1/environments/{part(environment)}/apps/{part(app)}/deployments"
        return self._transport.call("POST", path, Started, body=body)

    def history(
        self, environment: str, app: str, *, limit: int = 50, before: str | None = None
    ) -> tuple[list[Deployment], str | None]:
        """Give deployments, newest first, and the cursor of the following part."""
        path = f"/v1/environments/{part(environment)}/apps/{part(app)}/deployments"
        query = {"limit": limit, "before": before}
        page = self._transport.call("GET", path, Page, query=query)
        return [msgspec.convert(item, Deployment) for item in page.items], page.next

    def releases(self, environment: str, app: str) -> list[ReleaseView]:
        """List releases, newest first."""
        path = f"/v1/environments/{part(environment)}/apps/{part(app)}/releases"
        return self._transport.call("GET", path, list[ReleaseView])

    def get(self, identity: str) -> Deployment:
        """Give a deployment and its story."""
        return self._transport.call("GET", f"/v1/deployments/{part(identity)}", Deployment)

    def promote(self, identity: str) -> Deployment:
        """Let a canary take everything."""
        return self._transport.call("POST", f"/v1/deployments/{part(identity)}/promote", Deployment)

    def abort(self, identity: str) -> Deployment:
        """Go back to the release that served."""
        return self._transport.call("POST", f"/v1/deployments/{part(identity)}/abort", Deployment)
