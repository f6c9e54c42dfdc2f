"""Who may do what: the role of a token, and of the sessions that it opened."""

from enum import StrEnum

from headway.model.ids import EnvironmentId
from headway.model.value import Value


class Role(StrEnum):
    """What a token is good for."""

    VIEWER = "viewer"
    """Sees everything but secrets, and changes nothing."""
    DEVELOPER = "developer"
    """Sees as much, and acts on the apps of its teams."""
    OPERATOR = "operator"
    """Does everything."""


class Grant(Value, kw_only=True):
    """What somebody may do."""

    role: Role
    teams: tuple[str, ...] = ()
    """Of a developer: whose apps."""


class DeedKind(StrEnum):
    """On what somebody acts."""

    OWN = "own"
    """On what is one's own: one's sessions."""
    LOCKS = "locks"
    """On locks, which nobody's apps hold by themselves."""
    HELD = "held"
    """On an environment that one holds: what runs there is left as its team made it."""
    APPS = "apps"
    """On apps, or on environments that hold them."""
    INSTALLATION = "installation"
    """On what is everybody's: nodes, pools, tokens."""


class Deed(Value, kw_only=True):
    """Something that somebody asks for and that changes something."""

    kind: DeedKind
    apps: tuple[tuple[str, str | None], ...] = ()
    """The apps that it is done to, each with its team."""
    environment: EnvironmentId | None = None
    """The environment that it is done to as a whole."""


INSTALLATION = Deed(kind=DeedKind.INSTALLATION)
OWN = Deed(kind=DeedKind.OWN)
LOCKS = Deed(kind=DeedKind.LOCKS)
HELD = Deed(kind=DeedKind.HELD)
