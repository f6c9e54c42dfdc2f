"""The bell: has loops look when something that they look at has changed."""

from collections.abc import Callable
from typing import Generic, ParamSpec

from headway.model.container import Container
from headway.model.ids import BuildId, MemberKey

Told = ParamSpec("Told")


class Chime(Generic[Told]):
    """One of its sounds."""

    def __init__(self) -> None:
        self._listeners: list[Callable[Told, object]] = []

    def calls(self, listener: Callable[Told, object]) -> None:
        """Have a listener called whenever it rings."""
        self._listeners.append(listener)

    def __call__(self, *told: Told.args, **named: Told.kwargs) -> None:
        """Ring."""
        for listener in self._listeners:
            listener(*told, **named)


class Bell:
    """Tells loops what there is to look at."""

    def __init__(self) -> None:
        self.member = Chime[[MemberKey]]()
        """An app in an environment."""
        self.environment = Chime[[]]()
        self.build = Chime[[BuildId | None]]()
        """What waits to be built, and whether this one is still needed."""
        self.container = Chime[[Container]]()
        """What a container's row asks for."""
        self.observed = Chime[[Container]]()
        """What became of a container, by its engine."""
        self.node = Chime[[]]()
        """Nodes came, went, or changed their state."""
        self.lease = Chime[[]]()
        self.pool = Chime[[]]()
        """A pool was changed, or something waits for room."""
        self.token = Chime[[]]()
        """A token or a session has ended before its time, so that what is remembered is wrong."""
        self.begun = Chime[[]]()
        """Runs have begun, durably; no event tells of it."""
