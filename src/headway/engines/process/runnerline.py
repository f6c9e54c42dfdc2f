"""The engine's side of the line to a runner."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import msgspec

from headway.engines.process.runs.line import SOCKET
from headway.engines.process.spool import Spool
from headway.machine.sockets import named
from headway.model.ids import RunId
from headway.model.run import RunFact, RunFactState, Task
from headway.ports.engine import EngineUnavailable, NoSuchContainer

_OPEN_S = 10.0


class _Said(msgspec.Struct, frozen=True):
    """What a runner says."""

    listing: tuple[RunFact, ...] | None = None
    facts: tuple[RunFact, ...] = ()


class _Asked(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is asked of a runner."""

    tasks: Sequence[Task] = ()
    acknowledge: Sequence[tuple[RunId, int]] = ()
    cancel: str = ""
    grace_s: float | None = None


_decode = msgspec.json.Decoder(_Said).decode
_encode = msgspec.json.Encoder().encode


class RunnerLine(asyncio.Protocol):
    """The line to a runner, over its own socket: the agent has no part in it."""

    def __init__(self, closed: Callable[["RunnerLine"], None]) -> None:
        self.listing: tuple[RunFact, ...] = ()
        self.active: set[tuple[str, int]] = set()
        """Attempts that were handed over and whose end was not told."""
        self._closed = closed
        self._kept: list[bytes] = []
        self._facts: list[RunFact] = []
        self._news = asyncio.Event()
        self._listed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._is_cut = False
        self._is_due = False
        self._tasks: list[Task] = []
        self._heard: list[tuple[RunId, int]] = []

    # --- the Runner port -------------------------------------------------------------------------

    def send(self, tasks: Sequence[Task]) -> None:
        """Have attempts begin."""
        self.active.update((task.run, task.attempt) for task in tasks)
        self._tasks += tasks
        if not self._is_due:  # the first of a turn need not wait for the others
            self._flush()
        self._flush_soon()

    def cancel(self, run: RunId, grace_s: float) -> None:
        """Have an attempt end."""
        self._flush()
        self._write(_Asked(cancel=run, grace_s=grace_s))

    def acknowledge(self, facts: Sequence[RunFact]) -> None:
        """Have the runner forget attempts that ended."""
        self._heard += [
            (fact.run, fact.attempt) for fact in facts if fact.state is RunFactState.ENDED
        ]
        self._flush_soon()

    async def facts(self) -> AsyncIterator[tuple[RunFact, ...]]:
        """Give what happens, some facts at a time."""
        while True:
            if self._facts:
                news, self._facts = tuple(self._facts), []
                yield news
                continue
            if self._is_cut:
                raise EngineUnavailable("the line to the runner was cut")
            self._news.clear()
            await self._news.wait()

    async def close(self) -> None:
        """Let go of the line."""
        self._flush()
        if self._transport.get_write_buffer_size():  # it does not read: this would wait for it
            self._transport.abort()
        self._transport.close()

    async def listed(self) -> None:
        """Wait for what the runner says first."""
        await self._listed

    # --- the connection --------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Hear some bytes: any part of a line, or many."""
        *lines, rest = data.split(b"\n")
        for line in lines:
            self._kept.append(line)
            self._take(b"".join(self._kept))
            self._kept.clear()
        if rest:
            self._kept.append(rest)

    def connection_lost(self, exc: Exception | None) -> None:
        """Hear that it was cut."""
        self._is_cut = True
        self._closed(self)
        self._news.set()
        if not self._listed.done():
            self._listed.set_exception(EngineUnavailable(f"the runner went away: {exc or ''}"))

    def _take(self, line: bytes) -> None:
        said = _decode(line)
        if said.listing is not None:
            self.listing = said.listing
            self.active.update(
                (fact.run, fact.attempt)
                for fact in said.listing
                if fact.state is not RunFactState.ENDED
            )
            if not self._listed.done():
                self._listed.set_result(None)
            return
        for fact in said.facts:
            if fact.state is RunFactState.ENDED:
                self.active.discard((fact.run, fact.attempt))
        self._facts += said.facts
        self._news.set()

    def _flush_soon(self) -> None:
        """Send what is yet to be said in this turn of the event loop as one message."""
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._is_due = False
        if self._tasks or self._heard:
            tasks, self._tasks = self._tasks, []
            heard, self._heard = self._heard, []
            self._write(_Asked(tasks=tasks, acknowledge=heard))

    def _write(self, asked: _Asked) -> None:
        if not self._is_cut:
            self._transport.write(_encode(asked) + b"\n")


async def connected(spool: Spool, closed: Callable[[RunnerLine], None]) -> RunnerLine:
    """Open the line to the runner of a container.

    Raises:
        NoSuchContainer: It does not run.
        EngineUnavailable: It does not answer now.
    """
    launch = spool.launch()
    if launch is None or launch.runner is None or spool.ended() is not None:
        raise NoSuchContainer(f"{spool.id} is no runner that runs")
    if not spool.is_held():
        raise NoSuchContainer(f"{spool.id} does not run any more")
    loop = asyncio.get_running_loop()
    line = RunnerLine(closed)
    try:
        with named(spool.path / SOCKET) as name:
            transport, _ = await loop.create_unix_connection(lambda: line, name)
        async with asyncio.timeout(_OPEN_S):
            await line.listed()
    except TimeoutError as error:
        transport.close()
        raise EngineUnavailable(f"the runner did not answer in {_OPEN_S:g} s") from error
    except OSError as error:
        raise EngineUnavailable(f"the runner cannot be reached: {error}") from error
    return line
