"""Does much that nobody waits for, some at a time, without getting in anybody's way."""

import asyncio
from collections.abc import Awaitable, Callable

REST = 4.0
"""Rests so many times as long as a page took."""


async def paced(
    page: Callable[[], Awaitable[int]], rest: Callable[[], float] = lambda: REST
) -> int:
    """Do page after page until one has nothing to do, resting after each.

    Args:
        page: Does some, and gives how many.
        rest: Gives how many times as long to rest as the page took.
    """
    total = 0
    while True:
        began = asyncio.get_running_loop().time()
        done = await page()
        if not done:
            return total
        total += done
        await asyncio.sleep(rest() * (asyncio.get_running_loop().time() - began))
