"""What happened, told once, also where it happens again and again."""

from collections.abc import Iterable
from datetime import datetime

from headway.model.event import Event
from headway.model.value import Value


class Happening(Value, kw_only=True):
    """An event, and those before it of its kind and app that say the same."""

    event: Event
    """The newest of them."""
    times: int = 1
    first_at: datetime

    @property
    def lasted_s(self) -> float:
        """From the first of them to the newest."""
        return (self.event.at - self.first_at).total_seconds()


def happenings(newest: Iterable[Event], most: int) -> tuple[Happening, ...]:
    """Put the same steps of an app's containers in one line: one that crashes hides no other.

    Args:
        newest: Events, the newest first.
        most: So many lines.
    """
    told: dict[tuple[object, ...], Happening] = {}
    for event in newest:
        key = _same(event)
        later = told.get(key)
        if later is not None:
            told[key] = Happening(event=later.event, times=later.times + 1, first_at=event.at)
        elif len(told) < most:
            told[key] = Happening(event=event, first_at=event.at)
    return tuple(told.values())


def _same(event: Event) -> tuple[object, ...]:
    if event.kind.startswith("container.") and event.actor == "headway":
        why = event.because if event.kind == "container.exited" else ""
        return event.kind, event.environment, event.app, why
    return (event.sequence,)
