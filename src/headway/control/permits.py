"""What who asks may do, asked once more in the transaction that does it.

Between the question in front of a command and its deed a token may be revoked, and an app given to
another team. So the store itself asks again, of whatever a request writes first: no command has to
think of it, and none can forget.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from headway.calculate.permission import lacking
from headway.control.deeds import is_held, on, owned
from headway.control.errors import Conflict, NotAllowed
from headway.model.environment import Environment, EnvironmentState, Member
from headway.model.event import Event
from headway.model.ids import environment_name
from headway.model.role import Deed, DeedKind, Grant
from headway.model.session import Session
from headway.model.token import Token
from headway.model.value import Value
from headway.ports.clock import Clock
from headway.ports.store import Reader, Store, Writer

T = TypeVar("T")


def check(actor: str, grant: Grant, deed: Deed) -> None:
    """Let somebody do a deed.

    Raises:
        NotAllowed: They may not; the hint says who may.
    """
    because = lacking(grant, deed)
    if because is not None:
        raise refusal(actor, grant, because)


def refusal(actor: str, grant: Grant, because: str) -> NotAllowed:
    """Say that somebody may not do something, and who may."""
    whose = f" of {', '.join(grant.teams)}" if grant.teams else ""
    return NotAllowed(
        "not-allowed",
        f"{actor} is a {grant.role.value}{whose}, and may not do this",
        hint=because,
        next=("headway tokens ls",),
    )


class Credential(NamedTuple):
    """What somebody is known by, and until when."""

    token: str = ""
    """The id of the token that they have, or that opened their session."""
    session: str = ""
    """The id of the session, where they have one."""
    until: datetime | None = None
    """When the first of these ends."""

    def lacks(self, reader: Reader, now: datetime) -> str:
        """Say what of it is gone; empty where it is good."""
        if reader.get(Token, self.token) is None:
            return "their token was revoked a moment ago"
        if self.session and reader.get(Session, self.session) is None:
            return "their session was ended a moment ago"
        if self.until is not None and self.until <= now:
            return "their token or session ended a moment ago"
        return ""


@dataclass
class Permit:
    """That somebody may do a deed, as it was when it was asked about."""

    actor: str
    grant: Grant
    credential: Credential
    deed: Deed
    task: "asyncio.Task[Any] | None" = field(default_factory=asyncio.current_task)
    """Of the request. What others do in its time is headway's own."""
    is_used: bool = False
    """Whether what was permitted is done, or the request is over: what else happens then follows
    from it, and is headway's own."""

    def check(self, reader: Reader, now: datetime) -> None:
        """Ask again, as of now.

        Raises:
            NotAllowed: They may not any more.
            Conflict: The environment that it was permitted in has ended.
        """
        if because := self.credential.lacks(reader, now):
            raise refusal(self.actor, self.grant, because)
        check(self.actor, self.grant, self._now(reader))

    def _now(self, reader: Reader) -> Deed:
        apps = [app for app, _ in self.deed.apps]
        if self.deed.environment is not None:
            owner = reader.get(Environment, self.deed.environment)
            if owner is None or owner.state is EnvironmentState.ENDED:
                # Another of its name, which the command would find, is not what was asked about.
                name = environment_name(self.deed.environment)
                raise Conflict(
                    "environment-ended",
                    f"{name} ended a moment ago",
                    next=(f"headway envs past {name}",),
                )
            if self.deed.kind is DeedKind.HELD and is_held(owner, self.actor):
                return self.deed
            apps += [row.app for row in reader.find(Member, environment=owner.id)]
        elif self.deed.kind is not DeedKind.APPS:
            return self.deed
        return on(owned(reader, dict.fromkeys(apps)))


_PERMIT: ContextVar[Permit | None] = ContextVar("permit", default=None)


@contextmanager
def permitted(permit: Permit) -> Iterator[None]:
    """Have what is written first in here be written only if it still may be."""
    before = _PERMIT.set(permit)
    try:
        yield
    finally:
        permit.is_used = True
        _PERMIT.reset(before)


class PermittedStore:
    """A store that asks for permission in the transaction of what a request does."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def read(self, question: Callable[[Reader], T]) -> T:
        """Answer a question from one consistent snapshot."""
        return await self._store.read(question)

    async def write(self, deed: Callable[[Writer], T]) -> T:
        """Do a deed in one transaction, if who asks for it still may."""
        permit = _PERMIT.get()
        if permit is None or permit.is_used or asyncio.current_task() is not permit.task:
            return await self._store.write(deed)

        def allowed(tx: Writer) -> T:
            permit.check(tx, self._clock.now())
            return deed(tx)

        done = await self._store.write(allowed)
        permit.is_used = True
        return done

    def follow(self, after: int | None = None) -> AsyncIterator[Event]:
        """Give every event with a sequence above `after` as it is committed, without end."""
        return self._store.follow(after)

    async def watch(
        self,
        fields: Mapping[type[Value], tuple[str, ...]],
        told: Callable[[Collection[tuple[Any, ...]]], None],
    ) -> None:
        """Have somebody told which rows of some nouns were put or deleted, by fields of each."""
        await self._store.watch(fields, told)

    async def prune(self, events_before: int, *, limit: int) -> int:
        """Forget the oldest events up to a sequence, so many at most; gives how many they were."""
        return await self._store.prune(events_before, limit=limit)

    async def close(self) -> None:
        """Finish what is being written, and let go of the database."""
        await self._store.close()
