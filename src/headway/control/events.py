"""The event log, by page and as it grows."""

from collections.abc import AsyncIterator
from typing import Any

from headway.control import lookup
from headway.control.world import World
from headway.model.event import Event
from headway.ports.store import Reader


async def page(
    world: World,
    *,
    after: int = 0,
    environment: str | None = None,
    app: str | None = None,
    subject: str | None = None,
    limit: int = 200,
    newest_first: bool = False,
) -> list[Event]:
    """Give events behind a sequence.

    Raises:
        NotFound: There never was such an environment.
    """

    def question(reader: Reader) -> list[Event]:
        fields: dict[str, Any] = {}
        if environment is not None:
            fields["environment"] = lookup.last_life(reader, environment).id
        if app is not None:
            fields["app"] = app
        if subject is not None:
            fields["subject"] = subject
        return reader.events(after=after, limit=limit, newest_first=newest_first, **fields)

    return await world.store.read(question)


async def follow(
    world: World,
    *,
    after: int | None = None,
    environment: str | None = None,
    app: str | None = None,
    subject: str | None = None,
) -> AsyncIterator[Event]:
    """Give events as they are committed, without end. An environment need not be there yet."""
    async for event in world.store.follow(after):
        if environment is not None and not (event.environment or "").startswith(f"{environment}~"):
            continue
        if app is not None and event.app != app:
            continue
        if subject is not None and event.subject != subject:
            continue
        yield event
