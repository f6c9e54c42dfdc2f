"""One life of a simulated control plane, and the moments at which it may end."""

import asyncio
import random
from collections import Counter, deque
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from headway.model.scenario import Faults
from headway.model.value import Value
from headway.ports.store import Reader, Store, Writer
from headway.sim.store import MemoryStore

T = TypeVar("T")
_QUICK_S = 0.004


class Life:
    """Whether a control plane lives. Calls of a dead one have no effect, and never come back."""

    def __init__(
        self, faults: Faults, chance: random.Random, told: Counter[str], end: Callable[[], None]
    ) -> None:
        self.faults = faults
        self.chance = chance
        self.told = told
        self.alive = True
        self._end = end

    def step(self) -> None:
        """Stand at an await: the control plane may die here.

        Raises:
            CancelledError: It is dead.
        """
        if self.alive and self.happens("await_kills_share"):
            self._end()
        if not self.alive:
            raise asyncio.CancelledError("the control plane was killed")

    def happens(self, fault: str) -> bool:
        """Draw whether something goes wrong now."""
        share: float = getattr(self.faults, fault)
        if share <= 0 or self.chance.random() >= share:
            return False
        self.told[fault.removesuffix("_share")] += 1
        return True

    def delay_s(self) -> float:
        """Draw how long something takes."""
        if self.happens("slow_share"):
            return self.chance.uniform(0, self.faults.slow_s)
        return self.chance.uniform(0, _QUICK_S)


class Belt:
    """Does things later and one after another, in the order in which they were put on it."""

    def __init__(self, life: Life, delay_s: Callable[[], float], *, outlives: bool = False) -> None:
        self._life = life
        self._delay_s = delay_s
        self._outlives = outlives
        """Whether what is on it arrives even after the death of who put it there."""
        self._last = 0.0
        self._things: deque[Callable[[], None]] = deque()

    def put(self, thing: Callable[[], None]) -> None:
        """Have something done in its turn."""
        loop = asyncio.get_running_loop()
        self._last = max(self._last, loop.time() + self._delay_s())
        self._things.append(thing)
        loop.call_at(self._last, self._next)

    def _next(self) -> None:
        thing = self._things.popleft()
        if self._life.alive or self._outlives:
            thing()


class MortalStore:
    """A store as a control plane knows it: it takes its time, and a death may come in between.

    Deeds are done in the order in which they were asked for, and answered in that order; questions
    go a way of their own. What was not done at a death is not done.
    """

    def __init__(self, store: MemoryStore, life: Life) -> None:
        self._store = store
        self._life = life
        quick = life.chance
        self._deeds = Belt(life, lambda: quick.uniform(0, _QUICK_S))
        self._answers = Belt(life, lambda: quick.uniform(0, _QUICK_S))
        self._questions = Belt(life, lambda: quick.uniform(0, _QUICK_S))

    async def read(self, question: Callable[[Reader], T]) -> T:
        """Answer a question from one consistent snapshot."""
        return await self._on(self._questions, lambda: self._store.ask(question))

    async def write(self, deed: Callable[[Writer], T]) -> T:
        """Do a deed in one transaction."""
        return await self._on(self._deeds, lambda: self._store.do(deed))

    async def _on(self, belt: Belt, thing: Callable[[], T]) -> T:
        self._life.step()
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def do() -> None:
            try:
                result = thing()
            except Exception as error:  # noqa: BLE001 (told to who asked)
                self._answers.put(lambda error=error: _tell(future, None, error))  # type: ignore[misc]
            else:
                self._answers.put(lambda: _tell(future, result, None))

        belt.put(do)
        answer = await future
        self._life.step()
        return answer

    def follow(self, after: int | None = None) -> Any:
        """Give every event as it is committed."""
        return self._store.follow(after)

    async def watch(
        self,
        fields: Mapping[type[Value], tuple[str, ...]],
        told: Callable[[Collection[tuple[Any, ...]]], None],
    ) -> None:
        """Have somebody told which rows were put or deleted."""
        self._life.step()
        await self._store.watch(fields, told)

    async def prune(self, events_before: int, *, limit: int) -> int:
        """Forget events."""
        self._life.step()
        return await self._store.prune(events_before, limit=limit)

    async def close(self) -> None:
        """Let go."""


def _tell(future: "asyncio.Future[Any]", result: Any, error: Exception | None) -> None:
    if future.done():  # who asked went away
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)


_: Callable[[MemoryStore, Life], Store] = MortalStore
