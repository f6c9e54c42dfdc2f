"""What nobody waits for is done page by page, with rests in which others have their turn."""

import asyncio

from headway.control.pacing import paced
from headway.sim.virtual import VirtualLoop, run_virtually


def test_others_have_most_of_the_time():
    async def scenario(loop: VirtualLoop) -> None:
        pages = [5, 5, 2, 0]
        began: list[float] = []

        async def page() -> int:
            began.append(loop.time())
            await asyncio.sleep(1)
            return pages.pop(0)

        assert await paced(page, lambda: 3.0) == 12
        assert [at - began[0] for at in began] == [0, 4, 8, 12]

    run_virtually(scenario)
