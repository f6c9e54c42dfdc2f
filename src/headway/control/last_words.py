"""What ended wrote last: of most failures that is the cause."""

import asyncio
from collections.abc import AsyncIterator

from headway.control.world import World
from headway.formats.terminal_text import last_line
from headway.model.ids import NodeId
from headway.model.log import LogLine
from headway.ports.engine import EngineError

LINES = 5
"""Among so many last lines is looked for one that it wrote itself."""
_LOG_S = 2.0
"""How an end is written down waits no longer for them."""


async def last_words(world: World, node: NodeId, log: AsyncIterator[LogLine]) -> str:
    """Give the last line of a log that is on a node; nothing where it does not answer."""
    if world.roster.is_mute(node, world.clock.now()):
        return ""
    try:
        async with asyncio.timeout(_LOG_S):
            return last_line([line async for line in log])
    except TimeoutError:
        world.roster.unanswered(node, world.clock.now())
    except EngineError:
        pass
    return ""
