"""Apps and their sources, as they are shown."""

from datetime import datetime

from headway.model.app import Commit
from headway.model.ids import AppName, Digest, EnvironmentName
from headway.model.problem import Problem
from headway.model.value import Value


class SourceView(Value, kw_only=True):
    """A source as it was received; `problems` says why it cannot be used."""

    digest: Digest
    app: AppName | None
    size_bytes: int
    problems: tuple[Problem, ...] = ()
    commit: Commit | None = None
    branch: str | None = None
    dirty: bool = False


class AppView(Value, kw_only=True):
    """An app that headway knows."""

    name: AppName
    source: Digest
    team: str | None = None
    commit: Commit | None = None
    branch: str | None = None
    dirty: bool = False
    dependencies: tuple[AppName, ...] = ()
    environments: tuple[EnvironmentName, ...] = ()
    updated_at: datetime
