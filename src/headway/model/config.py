"""Config of one app in one environment: what is set, and what it was."""

from datetime import datetime

import msgspec

from headway.model.ids import AppName, EnvironmentId
from headway.model.value import Value


class Setting(Value, kw_only=True):
    """One config value, encrypted. Only the engine that starts a container sees it open."""

    sealed: str
    mark: str
    """A keyed hash of the value: equal marks mean equal values, and nothing can be guessed."""
    secret: bool = False
    """Never shown, and redacted from logs."""


class ConfigChange(Value, kw_only=True):
    """Who changed what, without the values."""

    number: int
    """1, 2 … per app and environment."""
    at: datetime
    by: str
    set: tuple[str, ...] = ()
    unset: tuple[str, ...] = ()


class Config(Value, kw_only=True):
    """All settings of an app in an environment as of a number of changes."""

    environment: EnvironmentId
    app: AppName
    settings: dict[str, Setting] = msgspec.field(default_factory=dict)
    history: tuple[ConfigChange, ...] = ()
    version: int = 0

    @property
    def number(self) -> int:
        """The number of the last change; 0 when nothing was ever set."""
        return self.history[-1].number if self.history else 0
