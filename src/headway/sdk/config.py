"""Config of an app in an environment."""

from collections.abc import Mapping, Sequence

from headway.model.config import ConfigChange
from headway.model.view.config import ConfigVersion, ConfigView
from headway.model.view.difference import ConfigDifference
from headway.sdk.transport import Transport, part


class Configs:
    """Config of apps in environments."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def show(self, environment: str, app: str, *, reveal: bool = False) -> ConfigView:
        """Show the config; secrets never show their value."""
        query = {"reveal": "true" if reveal else "false"}
        return self._transport.call("GET", _path(environment, app), ConfigView, query=query)

    def change(
        self,
        environment: str,
        app: str,
        *,
        set: Mapping[str, tuple[str, bool]] | None = None,  # noqa: A002 (the command's word)
        unset: Sequence[str] = (),
        deploy: bool = True,
        reason: str = "",
        plan: bool = False,
    ) -> ConfigView:
        """Set keys, given as (value, whether it is secret), and unset keys; all or none."""
        body = {
            "set": {
                key: {"value": value, "secret": secret}
                for key, (value, secret) in (set or {}).items()
            },
            "unset": list(unset),
            "deploy": deploy,
            "reason": reason,
            "plan": plan,
        }
        return self._transport.call("PATCH", _path(environment, app), ConfigView, body=body)

    def diff(self, environment: str, app: str, before: int, after: int) -> list[ConfigDifference]:
        """Compare the config of two releases."""
        query = {"from": before, "to": after}
        path = f"{_path(environment, app)}/diff"
        return self._transport.call("GET", path, list[ConfigDifference], query=query)

    def history(self, environment: str, app: str) -> list[ConfigChange]:
        """List who changed which keys, newest first."""
        path = f"{_path(environment, app)}/history"
        return self._transport.call("GET", path, list[ConfigChange])

    def version(self, environment: str, app: str, number: int) -> ConfigVersion:
        """Give the config as one change left it."""
        path = f"{_path(environment, app)}/history/{number}"
        return self._transport.call("GET", path, ConfigVersion)


def _path(environment: str, app: str) -> str:
    return f"/v1/environments/{part(environment)}/apps/{part(app)}/config"
