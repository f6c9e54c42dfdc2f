"""A queue: where runs wait for their turn."""

from headway.model.ids import AppName, EnvironmentId
from headway.model.value import Value

DEFAULT = "default"


class Queue(Value, kw_only=True):
    """How runs of one queue take turns, as an app declares it."""

    name: str = DEFAULT
    concurrency: int | None = None
    """Runs at one time."""
    rate: float | None = None
    """Starts a second. After a pause, as many as a second's worth, or one, may start at once."""
    length_max: int = 1_000_000
    """Runs that may wait; more are refused."""
    fair_by: str = "team"
    """The tag whose values take turns, so that one's many runs do not hold up another's few."""
    lazy: bool = False
    """Its runs take room that is there, and never have more made."""


class QueueHold(Value, kw_only=True):
    """What people have said about a queue of an app in an environment."""

    environment: EnvironmentId
    app: AppName
    name: str
    paused: bool = False
    """Nothing of it starts."""
    draining: bool = False
    """It takes no new runs."""
    because: str = ""
    by: str = ""
    version: int = 0
