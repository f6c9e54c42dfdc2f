"""The event log, by page and as it grows."""

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from headway.control import lookup
from headway.control.world import World
from headway.model.event import Event
from headway.ports.store import Reader

_LOOKED_AT_MAX = 2000
"""Events that are looked at for those of people."""


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


class Older(NamedTuple):
    """Some events, the newest first."""

    events: list[Event]
    before: int | None
    """Ahead of which sequence there may be older ones."""


async def older(
    world: World,
    *,
    before: int | None = None,
    by_people: bool = False,
    limit: int = 100,
    **fields: str | None,
) -> Older:
    """Give events ahead of a sequence, the newest first.

    Args:
        world: The control plane.
        before: Ahead of this sequence; None: the newest.
        by_people: Leave out what headway did by itself.
        limit: So many at the most.
        fields: `environment`, by name, `app` and `subject`, as far as they are asked for.

    Raises:
        NotFound: There never was such an environment.
    """
    wanted: dict[str, Any] = {name: value for name, value in fields.items() if value is not None}

    def question(reader: Reader) -> Older:
        asked = dict(wanted)
        if "environment" in asked:
            asked["environment"] = lookup.last_life(reader, asked["environment"]).id
        looked_at = _LOOKED_AT_MAX if by_people else limit
        found = reader.events(before=before, limit=looked_at, newest_first=True, **asked)
        more = found[-1].sequence if len(found) == looked_at else None
        chosen = [event for event in found if not by_people or event.actor != "headway"]
        if len(chosen) > limit:
            chosen = chosen[:limit]
            more = chosen[-1].sequence
        return Older(chosen, more)

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
