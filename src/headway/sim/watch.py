"""Who watches a simulated engine: told what really happens, whatever anybody hears of it."""

from typing import Protocol

from headway.model.ids import ContainerId
from headway.model.order import Observed, Order
from headway.model.run import RunFact, Task


class Watch(Protocol):
    """Is told what really happens."""

    def started(self, order: Order, fact: Observed) -> None:
        """A container began to run."""

    def stopping(self, container: ContainerId) -> None:
        """A container was told to stop."""

    def ended(self, fact: Observed) -> None:
        """A container runs no more."""

    def began(self, runner: ContainerId, task: Task) -> None:
        """An attempt began."""

    def finished(self, runner: ContainerId, fact: RunFact) -> None:
        """An attempt is over; `fact` says how, or only that it began when its runner died."""


class _Nobody:
    """Watches nothing."""

    def started(self, order: Order, fact: Observed) -> None: ...

    def stopping(self, container: ContainerId) -> None: ...

    def ended(self, fact: Observed) -> None: ...

    def began(self, runner: ContainerId, task: Task) -> None: ...

    def finished(self, runner: ContainerId, fact: RunFact) -> None: ...


NOBODY: Watch = _Nobody()
