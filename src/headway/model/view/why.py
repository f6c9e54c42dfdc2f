"""Why something is as it is."""

from headway.model.event import Event
from headway.model.happening import Happening, happenings
from headway.model.value import Value

_SHOWN = 30


class Why(Value, kw_only=True):
    """Why something is as it is."""

    thing: str
    state: str
    because: str
    chain: tuple[Event, ...] = ()
    """What led here, oldest first."""
    next: tuple[str, ...] = ()

    @property
    def happened(self) -> tuple[Happening, ...]:
        """What led here, oldest first; what happened again and again where it did last."""
        return happenings(reversed(self.chain), _SHOWN)[::-1]
