"""What goes on after its beginning was let through: bodies, streams, websockets."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from math import inf
from typing import NamedTuple

from starlette.types import Message, Receive, Scope, Send

from headway.api.door import BrokenOff
from headway.api.errors import NoMore
from headway.control.permits import Credential
from headway.model.role import Grant
from headway.ports.clock import Clock

_LOOK_S = 15.0
"""How often who has a websocket open is looked at while nothing comes over it."""
_SIGNED_OUT: Message = {"type": "websocket.disconnect", "code": 4401}


class Asker(NamedTuple):
    """Who asks."""

    name: str
    environment: str | None = None
    """For a container: the only environment whose jobs it may ask for."""
    grant: Grant | None = None
    """For everybody else: what they may do."""
    credential: Credential = Credential()
    csrf: str = ""
    """Of a session: what a page of it must send with what changes something."""
    idle_at: datetime | None = None
    """Of a session: when it ends if nothing more is asked with it, as far as was known."""

    def good_s(self, now: datetime) -> float:
        """Say for how long who asked may be told more without being looked at again."""
        ends = [at for at in (self.credential.until, self.idle_at) if at is not None]
        return min((at - now).total_seconds() for at in ends) if ends else inf


class GoingOn:
    """Passes on what comes later only while the token or session is good still.

    It is no use of a session, which ends when nothing else is asked with it.
    """

    def __init__(
        self,
        asker: Asker,
        look: Callable[[], Awaitable[Asker | None]],
        ended: Callable[[], int],
        clock: Clock,
    ) -> None:
        """Begin with who asked.

        Args:
            asker: As they were when the request began.
            look: Gives them as they are; None where they are known no more.
            ended: Says how often a token or session has ended before its time.
            clock: Tells when one ends by itself.
        """
        self._asker, self._look, self._ended, self._clock = asker, look, ended, clock
        self._seen = ended()
        self._has_answered = False

    def passing(self, scope: Scope, receive: Receive, send: Send) -> tuple[Receive, Send]:
        """Give what the application is to receive and to send by."""
        take = self._from_socket if scope["type"] == "websocket" else self._from_client

        async def received() -> Message:
            return await take(receive)

        async def sending(message: Message) -> None:
            goes_on = message.get("more_body") or message["type"] == "websocket.send"
            if goes_on and not await self._is_good():
                raise BrokenOff
            self._has_answered = True
            await send(message)

        return received, sending

    async def _from_client(self, receive: Receive) -> Message:
        message = await receive()
        if message["type"] == "http.request" and not await self._is_good():
            # The head may have come long before its body.
            raise BrokenOff if self._has_answered else NoMore
        return message

    async def _from_socket(self, receive: Receive) -> Message:
        """Give what comes over a websocket, until who asks may not any more."""
        coming = asyncio.ensure_future(receive())
        try:
            while not coming.done():
                within = min(_LOOK_S, max(0.0, self._asker.good_s(self._clock.now())))
                await asyncio.wait({coming}, timeout=within)
                if not await self._is_good():
                    return _SIGNED_OUT
            return coming.result()
        finally:
            coming.cancel()

    async def _is_good(self) -> bool:
        if self._seen == self._ended() and self._asker.good_s(self._clock.now()) > 0:
            return True
        self._seen = self._ended()
        found = await self._look()
        self._asker = found or self._asker
        return found is not None
