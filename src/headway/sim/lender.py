"""The simulated provider as a control plane reaches it: silent, slow, forgetful, or lying."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from headway.model.ids import NodeId, PoolName
from headway.model.machine import Machine
from headway.model.pool import NodeType
from headway.ports.provider import NoCapacity, Provider, ProviderUnavailable
from headway.sim.life import Life
from headway.sim.provider import SimulatedProvider

T = TypeVar("T")
_SLOW_S = 40.0
_SHORT = 0.75


class UnreliableProvider:
    """Fills the Provider port for one life of a control plane.

    What was asked is on its way whatever becomes of who asked: it may arrive, and be done, long
    after that one gave up, or died.
    """

    name = "simulated"

    def __init__(self, provider: SimulatedProvider, life: Life) -> None:
        self._provider = provider
        self._life = life

    async def machines(self) -> tuple[Machine, ...]:
        """List its machines."""
        return await self._ask(self._provider.machines)

    async def request(self, machine: NodeId, pool: PoolName, kind: NodeType) -> Machine:
        """Have a machine start, or not."""

        async def deed() -> Machine:
            if not self._provider.knows(machine):
                self._decide(machine, kind.name)
            return await self._provider.request(machine, pool, kind)

        return await self._ask(deed)

    async def release(self, machine: NodeId) -> None:
        """Have a machine end."""
        await self._ask(lambda: self._provider.release(machine))

    def refusal(self, kind: NodeType) -> str:
        """Refuse what it never has."""
        return self._provider.refusal(kind)

    def notices(self) -> AsyncIterator[Machine]:
        """Give each machine whose end was announced."""
        self._life.step()
        return self._provider.notices()

    def _decide(self, machine: NodeId, kind: str) -> None:
        """Draw what becomes of a new machine."""
        life = self._life
        if life.happens("refused_share"):
            raise NoCapacity(f"there is no {kind} now")
        if life.happens("stillborn_share"):
            self._provider.stillborn += 1
        elif life.happens("short_share"):
            self._provider.shorten(machine, _SHORT)

    async def _ask(self, deed: Callable[[], Awaitable[T]]) -> T:
        self._life.step()
        on_its_way = asyncio.create_task(self._arrive(deed))
        on_its_way.add_done_callback(_note)
        answer = await asyncio.shield(on_its_way)
        self._life.step()
        return answer

    async def _arrive(self, deed: Callable[[], Awaitable[T]]) -> T:
        life = self._life
        await asyncio.sleep(self._delay_s())
        if life.happens("provider_silent_share"):
            raise ProviderUnavailable("the provider is busy")
        result = await deed()
        await asyncio.sleep(self._delay_s())
        if life.happens("provider_lost_share"):
            raise ProviderUnavailable("the answer was lost")
        return result

    def _delay_s(self) -> float:
        if self._life.happens("provider_slow_share"):
            return self._life.chance.uniform(0, _SLOW_S)
        return self._life.delay_s()


def _note(task: "asyncio.Task[object]") -> None:
    """Whoever asked may be gone; then nobody hears of an error."""
    if not task.cancelled():
        task.exception()


_: Callable[[SimulatedProvider, Life], Provider] = UnreliableProvider
