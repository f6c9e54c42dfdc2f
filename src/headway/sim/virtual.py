"""An event loop whose time is made up: when nothing is ready, it is the time of the next timer.

Nothing waits, nothing runs beside it, and it holds no file or socket: what happens depends on the
code and the seed alone. Connections lead to a made-up network.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Network(Protocol):
    """Where connections of a virtual loop lead."""

    def connect(
        self, loop: asyncio.AbstractEventLoop, protocol: asyncio.Protocol, host: str, port: int
    ) -> asyncio.Transport:
        """Open a connection.

        Raises:
            OSError: Nobody answers there.
        """
        ...


class Stuck(Exception):
    """Nothing is ready and no timer is set: what is waited for never comes."""


class _Jump:
    """Stands where a loop expects to wait for files: lets time pass instead."""

    def __init__(self, loop: "VirtualLoop") -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        """Give nothing, later."""
        if timeout is None:
            raise Stuck("nothing is ready and no timer is set")
        if timeout > 0:
            self._loop.jump()
        return []

    def close(self) -> None:
        """Hold nothing."""


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs what is ready; then time jumps. `before_jump` is called each time that it does."""

    def __init__(self, network: Network | None = None) -> None:
        super().__init__()
        self.network = network
        self.before_jump: Callable[[], None] = lambda: None
        self.jumps = 0
        self._time = 0.0
        self._selector = _Jump(self)
        # A timer is due when it is less than this ahead: more than a float loses in centuries.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        """Give the seconds since this loop's time began."""
        return self._time

    def jump(self) -> None:
        """Let it be the time of the next timer."""
        scheduled: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]
        if scheduled:
            self.jumps += 1
            self.before_jump()
            self._time = max(self._time, scheduled[0].when())

    async def create_connection(  # type: ignore[override]
        self,
        protocol_factory: Callable[[], asyncio.Protocol],
        host: str | None = None,
        port: int | None = None,
        **_options: Any,
    ) -> tuple[asyncio.Transport, asyncio.Protocol]:
        """Connect over the made-up network."""
        if self.network is None or host is None or port is None:
            raise ConnectionRefusedError(f"nobody listens on {host}:{port}")
        protocol = protocol_factory()
        return self.network.connect(self, protocol, host, port), protocol

    def _process_events(self, event_list: list[Any]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody else would wake this loop."""


def run_virtually(
    main: Callable[[VirtualLoop], Coroutine[Any, Any, T]], network: Network | None = None
) -> T:
    """Run a coroutine to its end on a loop of its own, then end all that it left behind."""
    loop = VirtualLoop(network)
    try:
        return loop.run_until_complete(main(loop))
    finally:
        try:
            _end_all(loop)
        finally:
            loop.close()


def _end_all(loop: VirtualLoop) -> None:
    for _ in range(10):
        left = asyncio.all_tasks(loop)
        if not left:
            break
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_asyncgens())
