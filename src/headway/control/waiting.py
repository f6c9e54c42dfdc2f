"""How loops wait."""

import asyncio
from contextlib import suppress
from datetime import datetime


async def rung(event: asyncio.Event, until: datetime | None, now: datetime) -> None:
    """Wait until an event is set or a time has come, whichever is first.

    Not by `asyncio.wait_for`: before Python 3.12 that may swallow a cancellation which comes in the
    same moment, and the loop would never end.
    """
    timeout = None if until is None else max(0.0, (until - now).total_seconds())
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout):
            await event.wait()
