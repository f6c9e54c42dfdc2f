"""Why something is as it is."""

from headway.model.happening import Happening
from headway.model.value import Value


class Why(Value, kw_only=True):
    """Why something is as it is."""

    thing: str
    state: str
    because: str
    happened: tuple[Happening, ...] = ()
    """What led here, oldest first; what happened again and again once, where it did last."""
    next: tuple[str, ...] = ()
