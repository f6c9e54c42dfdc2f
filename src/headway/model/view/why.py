"""Why something is as it is."""

from headway.model.event import Event
from headway.model.value import Value


class Why(Value, kw_only=True):
    """Why something is as it is."""

    thing: str
    state: str
    because: str
    chain: tuple[Event, ...] = ()
    """What led here, oldest first."""
    next: tuple[str, ...] = ()
