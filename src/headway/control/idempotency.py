"""The same request twice is done once: answers are kept by the key that the sender chose."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta

from headway.control.errors import Conflict, Invalid
from headway.control.world import World
from headway.model.answer import Answer
from headway.ports.store import Reader, Writer

KEPT = timedelta(hours=24)
_KEY_MAX = 200


async def once(
    world: World, actor: str, key: str, body: bytes, deed: Callable[[], Awaitable[bytes]]
) -> bytes:
    """Do a deed and keep its answer, or give the answer that was kept.

    A deed that raises keeps nothing, so that it can be tried again.

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

    lock = world.answering.setdefault(name, asyncio.Lock())
    try:
        async with lock:  # the same request that comes twice at once is done once, too
            return await _once(world, question, print_, name, deed)
    finally:
        if not lock.locked():
            world.answering.pop(name, None)


async def _once(
    world: World,
    question: Callable[[Reader], Answer | None],
    print_: str,
    name: str,
    deed: Callable[[], Awaitable[bytes]],
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
    answer = await deed()
    row = Answer(key=name, request=print_, body=answer.decode(), at=now)

    def keep(tx: Writer) -> None:
        tx.put(row)

    await world.store.write(keep)
    return answer
