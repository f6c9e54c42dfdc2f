"""The same request twice is done once: answers are kept by the key that the sender chose."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec

from headway.control.errors import Conflict, Invalid
from headway.control.pacing import paced
from headway.control.world import World
from headway.model.answer import Answer
from headway.model.instant import microseconds
from headway.ports.store import Reader, Writer

T = TypeVar("T")
KEPT = timedelta(hours=24)
_KEY_MAX = 200
_AT_ONCE = 100
"""Answers forgotten in one transaction."""


@dataclass
class _Asked:
    """A request that is to be done once."""

    name: str
    request: str
    at: datetime
    kept: bool = False

    def keep(self, tx: Writer, body: bytes) -> None:
        tx.put(Answer(key=self.name, request=self.request, body=body.decode(), at=self.at))
        self.kept = True


_ASKED: ContextVar[_Asked | None] = ContextVar("asked", default=None)


def answered(
    deed: Callable[[Writer], T], shown: Callable[[T], Any] = lambda done: done
) -> Callable[[Writer], T]:
    """Have a transaction keep, with what it does, the answer to the request that asked for it.

    So a request that a crash cut short was done with its answer or not at all.

    Args:
        deed: What is done.
        shown: Gives the answer, where the deed gives more than that.
    """
    asked = _ASKED.get()
    if asked is None:
        return deed

    def both(tx: Writer) -> T:
        done = deed(tx)
        asked.keep(tx, msgspec.json.encode(shown(done)))
        return done

    return both


async def forget_answers(world: World) -> None:
    """Forget answers that nobody is given any more."""
    until_us = microseconds(world.clock.now() - KEPT)

    def wanted(reader: Reader) -> list[str]:
        return [row.key for row in reader.lowest(Answer, "at_us", up_to=until_us, limit=_AT_ONCE)]

    async def page() -> int:
        old = await world.store.read(wanted)

        def deed(tx: Writer) -> None:  # a key may have been used again since
            for key, (at_us,) in tx.newest(Answer, "key", old, ("at_us",)).items():
                if at_us <= until_us:
                    tx.delete(Answer, key)

        if old:
            await world.store.write(deed)
        return len(old)

    await paced(page)


async def once(
    world: World,
    actor: str,
    key: str,
    body: bytes,
    deed: Callable[[], Awaitable[bytes]],
    *,
    keeps_last: bool = False,
) -> bytes:
    """Do a deed and keep its answer, or give the answer that was kept.

    A deed that raises keeps nothing, so that it can be tried again.

    Args:
        world: Where.
        actor: Who asks.
        key: What the sender chose for this request.
        body: What is asked for.
        deed: Does it.
        keeps_last: The answer is another than what the deed's transaction kept, and replaces it.

    Raises:
        Conflict: The key was used for something else.
        Invalid: It can be no key.
    """
    if not 0 < len(key) <= _KEY_MAX:
        raise Invalid("idempotency-key-invalid", f"a key has 1 to {_KEY_MAX} characters")
    name = hashlib.sha256(f"{actor}\0{key}".encode()).hexdigest()
    print_ = hashlib.sha256(body).hexdigest()

    def question(reader: Reader) -> Answer | None:
        return reader.get(Answer, name)

    while True:  # the same request that comes twice at once is done once, too
        lock = world.answering.setdefault(name, asyncio.Lock())
        async with lock:
            if world.answering.get(name) is not lock:
                continue  # who was before has taken it away, and others may have a new one
            try:
                return await _once(world, question, print_, name, deed, keeps_last=keeps_last)
            finally:
                del world.answering[name]


async def _once(
    world: World,
    question: Callable[[Reader], Answer | None],
    print_: str,
    name: str,
    deed: Callable[[], Awaitable[bytes]],
    *,
    keeps_last: bool,
) -> bytes:
    now = world.clock.now()
    kept = await world.store.read(question)
    if kept is not None and now - kept.at < KEPT:
        if kept.request != print_:
            raise Conflict(
                "idempotency-key-reused",
                "this Idempotency-Key was used for another request",
                hint="choose a new key for each request",
            )
        return kept.body.encode()
    asked = _Asked(name, print_, now)
    token = _ASKED.set(asked)
    try:
        answer = await deed()
    finally:
        _ASKED.reset(token)
    if keeps_last or not asked.kept:
        await world.store.write(lambda tx: asked.keep(tx, answer))
    return answer
