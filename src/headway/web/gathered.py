"""What is added to one open page, gathered while its reader is sent what came before."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from headway.web.page import Addition

_AT_ONCE = 1000
"""So much is added by one message."""


class Gathered:
    """Collects what comes, so that a flood of it is many at once and not many messages."""

    def __init__(self, values: AsyncIterator[Addition], resume: str) -> None:
        self._values = values
        self._waiting: list[Addition] = []
        self._some, self._room = asyncio.Event(), asyncio.Event()
        self._room.set()
        self._error: Exception | None = None
        self.resume = resume
        """Behind what to go on, for who has all that was taken."""

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Have it collect."""
        gathering = asyncio.create_task(self._run(), name="page lines")
        try:
            yield
        finally:
            gathering.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await gathering

    async def _run(self) -> None:
        try:
            async for value in self._values:
                self._waiting.append(value)
                self._some.set()
                if len(self._waiting) >= _AT_ONCE:
                    self._room.clear()
                    await self._room.wait()
        except Exception as error:  # noqa: BLE001 (whatever it is, who takes gets it)
            self._error = error
            self._some.set()

    async def some(self) -> None:
        """Wait until there is something, or an error. Behind the last value there is nothing."""
        await self._some.wait()

    def taken(self) -> list[Addition]:
        """Take what there is.

        Raises:
            HeadwayError: Nothing more can come, and all that came was taken before.
        """
        taken, self._waiting = self._waiting, []
        if self._error is None:
            self._some.clear()
        elif not taken:
            raise self._error
        self._room.set()
        if taken:
            self.resume = taken[-1].resume
        return taken
