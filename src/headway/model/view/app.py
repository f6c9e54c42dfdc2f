"""Apps and their sources, as they are shown."""

from datetime import datetime

from headway.model.app import Commit
from headway.model.ids import AppName, Digest, EnvironmentName
from headway.model.problem import Problem
from headway.model.value import Value
from headway.model.view.standing import QUIET, MemberState


class SourceView(Value, kw_only=True):
    """A source as it was received; `problems` says why it cannot be used."""

    digest: Digest
    app: AppName | None
    size_bytes: int
    problems: tuple[Problem, ...] = ()
    commit: Commit | None = None
    branch: str | None = None
    dirty: bool = False


class SourceFate(Value, kw_only=True):
    """What became of a source in an environment."""

    release: int | None = None
    """The last that was made of it; the live one, where that is of it."""
    live: bool = False
    not_kept: str = ""
    """How it failed when it was deployed last; empty where it did not, or serves."""


class Offered(Value, kw_only=True):
    """A source that an app in an environment can be deployed from."""

    source: SourceView
    received_at: datetime
    fate: SourceFate = SourceFate()


class Place(Value, kw_only=True):
    """How an app does in an environment, in one word and one sentence."""

    environment: EnvironmentName
    state: MemberState
    because: str = ""

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is wrong, and nothing moves."""
        return self.state in QUIET


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
    places: tuple[Place, ...] = ()
    """How it does in each of them."""
    updated_at: datetime
