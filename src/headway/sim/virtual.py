"""An event loop whose time is made up: when nothing is ready, it is the time of the next timer.

Nothing waits, nothing runs beside it, and it holds no file or socket: what happens depends on the
code and the seed alone. Connections lead to a made-up network.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from heapq import heapify, heappop, heappush
from typing import Any, Protocol, TypeVar

import msgspec

T = TypeVar("T")
_MOMENT_S = 1e-6
"""Timers within it are of one moment: more than a float loses in centuries."""
_CANCELLED_MAX = 1000
_ROUNDS_MAX = 20_000
"""So often what happens may bring about more in one moment, in a small world."""
_ROUNDS_EACH = 10
"""So much more often for each thing that there is: after a restart all of them are read."""


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
    """What is waited for never comes: no timer is set, or time stands still before the next one."""


class VirtualTask(asyncio.Task[Any]):
    """Has a number for a hash: a set of tasks is gone through alike wherever they lie in memory.

    A group of tasks, for one, cancels what is left of it in the order of such a set.
    """

    def __init__(
        self,
        number: int,
        coro: Coroutine[Any, Any, Any],
        loop: asyncio.AbstractEventLoop,
        name: str | None,
        context: Context | None,
    ) -> None:
        self._number = number
        super().__init__(coro, loop=loop, name=name, context=context)

    def __hash__(self) -> int:
        return self._number


class _Call(msgspec.Struct, eq=False):
    """Something to be called: all that asyncio asks of a handle, and made much faster than one."""

    callback: Callable[..., Any]
    args: tuple[Any, ...]
    context: Context
    is_cancelled: bool = False

    def cancel(self) -> None:
        """Have it not be called, and hold on to nothing of it."""
        self.is_cancelled = True
        self.callback, self.args = _nothing, ()

    def cancelled(self) -> bool:
        """Say whether it was cancelled."""
        return self.is_cancelled


class _Timer(_Call, eq=False, kw_only=True):
    """The same, to be called at a time."""

    due_s: float
    loop: "VirtualLoop"
    is_due: bool = False

    def when(self) -> float:
        """Give that time."""
        return self.due_s

    def cancel(self) -> None:
        """Have it not be called; most are cancelled when they have been."""
        if not (self.is_due or self.is_cancelled):
            self.loop.note_cancelled()
        super().cancel()


def _nothing() -> None:
    """Do what one that was cancelled does."""


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs what is ready; when nothing is, it is the time of the next timer.

    Timers of one moment are called in the order in which they were set.
    """

    def __init__(self, network: Network | None = None) -> None:
        super().__init__()
        self.network = network
        self._time = 0.0
        self._ready: list[_Call] = []
        self._timers: list[tuple[float, int, _Timer]] = []
        self._timers_made = 0
        self._timers_cancelled = 0
        self._tasks_made = 0
        self._rounds = 0
        self._rounds_max = _ROUNDS_MAX
        self._stopping = False
        self.on_spin: Callable[[str], None] | None = None
        """Told, instead of an error, who goes on and on in one moment."""
        self.size: Callable[[], int] = lambda: 0
        """Gives how much there is that may be gone through one by one in a moment."""

    def time(self) -> float:
        """Give the seconds since this loop's time began."""
        return self._time

    def create_task(  # type: ignore[override]
        self,
        coro: Coroutine[Any, Any, T],
        *,
        name: str | None = None,
        context: Context | None = None,
    ) -> asyncio.Task[T]:
        """Have something go on beside what is under way."""
        self._tasks_made += 1
        return VirtualTask(self._tasks_made, coro, self, name, context)

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> _Call:
        """Call something when what is ready before it was called."""
        call = _Call(callback, args, copy_context() if context is None else context)
        self._ready.append(call)
        return call

    call_soon_threadsafe = call_soon  # type: ignore[assignment]
    """There is one thread."""

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> _Timer:
        """Call something after a while."""
        return self.call_at(self._time + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> _Timer:
        """Call something at a time."""
        context = copy_context() if context is None else context
        timer = _Timer(callback, args, context, due_s=when, loop=self)
        self._timers_made += 1
        heappush(self._timers, (when, self._timers_made, timer))
        return timer

    def note_cancelled(self) -> None:
        """Most limits of time are cancelled: without this they would be kept until they are due."""
        self._timers_cancelled += 1
        if self._timers_cancelled > _CANCELLED_MAX + len(self._timers) // 2:
            self._timers = [row for row in self._timers if not row[2].is_cancelled]
            heapify(self._timers)
            self._timers_cancelled = 0

    def _run_once(self) -> None:
        """Call what is ready, and all that becomes so; then let time jump."""
        while self._ready and not self._stopping:
            ready, self._ready = self._ready, []
            for call in ready:
                if call.is_cancelled:
                    continue
                try:
                    call.context.run(call.callback, *call.args)
                except (SystemExit, KeyboardInterrupt):
                    self._ready = ready[ready.index(call) + 1 :] + self._ready
                    raise
                except BaseException as error:  # noqa: BLE001 (as a handle's own `_run` does)
                    self._failed(call, error)
            self._rounds += 1
            if self._rounds > self._rounds_max and not self._is_large():
                self._spins(call)
        if not self._stopping:
            self._jump()

    def _failed(self, call: _Call, error: BaseException) -> None:
        """Have it told of a callback that raised something: no task, which keeps its own errors."""
        said = f"Exception in callback {call.callback!r}"
        self.call_exception_handler({"message": said, "exception": error, "handle": call})

    def _jump(self) -> None:
        """Let it be the time of the next timer, and all that are due then be ready.

        Raises:
            Stuck: There is none.
        """
        timers = self._timers
        before = self._time
        while timers and timers[0][2].is_cancelled:
            heappop(timers)
        if not timers:
            raise Stuck("nothing is ready and no timer is set")
        self._time = max(self._time, timers[0][0])
        if self._time > before:
            self._rounds, self._rounds_max = 0, _ROUNDS_MAX
        until = self._time + _MOMENT_S
        while timers and timers[0][0] < until:
            timer = heappop(timers)[2]
            timer.is_due = True
            self._ready.append(timer)

    def _is_large(self) -> bool:
        """Let more happen in this moment where there is much; once, as what spins may make more."""
        before = self._rounds_max
        if before == _ROUNDS_MAX:
            self._rounds_max += _ROUNDS_EACH * self.size()
        return self._rounds_max > before

    def _spins(self, call: _Call) -> None:
        """Say that in this moment one thing brings about the next, and no time passes.

        Raises:
            Stuck: Nobody is there to be told.
        """
        self._rounds = 0
        owner = getattr(call.callback, "__self__", None)
        task = owner if isinstance(owner, asyncio.Task) else getattr(owner, "_task", None)
        who = str(getattr(task and task.get_coro(), "__qualname__", call.callback))
        if self.on_spin is None:
            raise Stuck(f"{who} goes on and on, and no time passes")
        self.on_spin(who)

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
