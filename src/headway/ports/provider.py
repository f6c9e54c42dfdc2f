"""The door to where nodes come from."""

from collections.abc import AsyncIterator
from typing import Protocol

from headway.model.ids import NodeId, PoolName
from headway.model.machine import Machine
from headway.model.pool import NodeType


class ProviderError(Exception):
    """The provider will never do what it was asked; the text says what and why."""


class NoCapacity(ProviderError):
    """There is no machine of this type to be had now. There may be one later, or of another."""


class ProviderUnavailable(ProviderError):
    """The provider does not answer now, and nobody knows whether it did what it was asked.

    Asking again with the same id is right and harmless.
    """


class Provider(Protocol):
    """Lends machines. Which, how many and how long is decided elsewhere.

    A machine is known by the id that it was requested under, chosen before. Requests and releases
    are idempotent by it, over restarts of either side. A machine that runs appears as a node of
    that id in its engine, and what it really offers is said there, not here.
    """

    name: str

    async def machines(self) -> tuple[Machine, ...]:
        """List every machine that is lent to this installation, sorted by id.

        One that is missing is not there, and is not paid for. One that nobody requested may be
        listed: somebody else made it in our name.

        Raises:
            ProviderUnavailable: It is not known.
        """
        ...

    async def request(self, machine: NodeId, pool: PoolName, kind: NodeType) -> Machine:
        """Have a machine of this type start, or give the one that has this id.

        Returns once the request is durable, long before the machine runs. An id is used once: a
        machine that was released is not started again under it.

        Raises:
            NoCapacity: There is none of this type now.
            ProviderError: There will never be one of this type, or the id was released.
            ProviderUnavailable: Nobody knows whether it was requested.
        """
        ...

    async def release(self, machine: NodeId) -> None:
        """Give a machine back, whatever it does. An unknown one is no error.

        Returns once the request is durable. An id that was never requested cannot be requested
        after this, so that a request which is late in coming starts nothing.
        """
        ...

    def refusal(self, kind: NodeType) -> str:
        """Say why there will never be a machine of this type; empty where there may be one.

        It is asked before anything is requested, and answers at once from what is known.
        """
        ...

    def notices(self) -> AsyncIterator[Machine]:
        """Give each machine whose end was announced, its `ends_at` set, without end.

        Those announced before are given first. Ends with `ProviderUnavailable`; call again.
        """
        ...
