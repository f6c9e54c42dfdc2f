"""The line to one node agent: asks it, follows it, and starts it again when it died."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

from headway import __version__
from headway.engines.process import messages
from headway.engines.process.ending import end_agent, signal_to
from headway.engines.process.messages import Answer, Request
from headway.machine.files import locked
from headway.machine.sockets import named
from headway.ports.engine import EngineError, EngineUnavailable, NoSuchContainer

LOCK = "HEADWAY_AGENT_LOCK"
"""Has the descriptor of the lock that an agent is given as it starts."""
_CALL_S = 30.0
_AGENT_START_S = 20.0
_AGAIN_FIRST_S = 0.25
_AGAIN_MAX_S = 5.0
"""Between two tries to reach an agent that does not answer: doubled from the first to this."""

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Silent(EngineUnavailable):
    """The agent is there, and does not answer."""


class AgentLink:
    """One agent, which may be dead, hung, or about to start.

    While it is known not to answer, nobody waits for it: calls are refused at once, but for one
    try now and then.
    """

    def __init__(self, folder: Path, words: tuple[str, ...], name: str, silent_s: float) -> None:
        self.folder = folder
        self.name = name
        self._log = folder / "agent.log"
        self._words = words
        self._silent_s = silent_s
        self.is_closed = False
        self._starting = asyncio.Lock()
        self._limits: set[asyncio.Timeout] = set()
        self._again_s = 0.0
        self._down_until = 0.0
        self._is_taken = False
        """Whether an agent was found or begun, which is then not asked for its version again: one
        that says another even so, as files change below us in an upgrade, is not ended for ever."""

    async def call(self, request: Request) -> Answer:
        """Ask the agent; one that died is started again, and asked again."""
        for attempt in range(3):
            self._refuse_while_down()
            if self._again_s:  # it was silent when it was last asked
                await self.ensure()
            try:
                return await self.once(request)
            except Silent:
                raise
            except EngineUnavailable:
                if attempt == 2:
                    raise
                await self.ensure()
        raise AssertionError("unreachable")

    async def at_once(self, request: Request) -> Answer:
        """Ask the agent, unless it is known not to answer. It is not started for this."""
        self._refuse_while_down()
        return await self.once(request, self._silent_s)

    async def once(self, request: Request, within_s: float = _CALL_S) -> Answer:
        """Ask the agent that is there."""
        try:
            async with asyncio.timeout(within_s) as limit:
                self._limits.add(limit)
                try:
                    answer = await self._asked(request)
                finally:
                    self._limits.discard(limit)
        except TimeoutError as error:
            raise Silent(f"the agent of {self.name} does not answer") from error
        return checked(answer)

    async def _asked(self, request: Request) -> Answer:
        reader, writer = await self.connect()
        try:
            writer.write(messages.encode(request))
            await writer.drain()
            return messages.decode_answer(await read_line(reader))
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            raise EngineUnavailable(f"the agent went away: {error}") from error
        finally:
            writer.close()

    async def connect(self) -> Streams:
        """Open a connection to the agent that is there."""
        try:
            with named(self.folder / "agent.sock") as name:
                return await asyncio.open_unix_connection(name, limit=messages.LINE_BYTES_MAX)
        except OSError as error:
            raise EngineUnavailable(f"the agent cannot be reached: {error}") from error

    async def observe(self) -> AsyncIterator[Answer]:
        """Give the agent's listing and then each change, until it ends or does not answer.

        Raises:
            EngineUnavailable: It went away.
        """
        await self.ensure()
        reader, writer = await self.connect()
        reading: asyncio.Task[bytes] | None = None
        try:
            writer.write(messages.encode(Request(verb="observe")))
            await writer.drain()
            while True:
                reading = reading or asyncio.create_task(read_line(reader))
                await asyncio.wait({reading}, timeout=self._silent_s)
                if not reading.done():  # nothing happens there, or it hangs
                    await self._ping()
                    continue
                answer = messages.decode_answer(reading.result())
                reading = None
                yield answer
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            raise EngineUnavailable(f"the agent went away: {error}") from error
        finally:
            if reading is not None:
                reading.cancel()
            writer.close()

    async def _ping(self) -> None:
        try:
            await self.once(Request(verb="nodes"), self._silent_s)
        except Silent:
            self._note_down()
            raise

    async def end(self) -> None:
        """Have the agent end; one that does not answer is left as it is."""
        with suppress(EngineError):
            signal_to((await self.once(Request(verb="nodes"))).pid, signal.SIGTERM)

    async def close(self) -> None:
        """Start this agent never again, whoever asks for it."""
        self.is_closed = True
        async with self._starting:  # what is under way ends
            pass

    # --- an agent that is not there --------------------------------------------------------------

    async def ensure(self) -> None:
        """Start the agent unless it answers. Two of them never run: who starts one has its lock.

        The first that is found must be of this version of headway. One that another version left
        would not know what is new in an order, and is ended for one that does; its containers
        live on.

        Raises:
            EngineUnavailable: It does not start, or one runs and does not answer.
        """
        async with self._starting:
            self._refuse_while_down()
            try:
                await self._start()
            except EngineUnavailable:
                self._note_down()
                raise
            self._again_s = 0.0

    def _refuse_while_down(self) -> None:
        if self.is_closed or asyncio.get_running_loop().time() < self._down_until:
            raise EngineUnavailable(f"the agent of {self.name} does not answer")

    def _note_down(self) -> None:
        """Give up what waits for it, and leave it alone for a while, each time for longer."""
        now = asyncio.get_running_loop().time()
        self._again_s = min(_AGAIN_MAX_S, max(_AGAIN_FIRST_S, self._again_s * 2))
        self._down_until = now + self._again_s
        for limit in self._limits:
            if not limit.expired():
                limit.reschedule(now)

    async def await_next_try(self) -> None:
        """Wait until it is asked again."""
        await asyncio.sleep(max(0.0, self._down_until - asyncio.get_running_loop().time()))

    async def _start(self) -> None:
        try:
            found = await self.once(Request(verb="nodes"), self._silent_s)
        except Silent:
            raise
        except EngineUnavailable:
            await self._begin()
        else:
            is_first, self._is_taken = not self._is_taken, True
            if is_first and found.version != __version__:
                await end_agent(self.folder)
                await self._begin()
        self._is_taken = True

    async def _begin(self) -> None:
        if not self.folder.is_dir():  # its lock is gone, too: there would be one more at each try
            raise EngineUnavailable(f"the agent's directory is gone: {self.folder}")
        process: subprocess.Popen[bytes] | None = None
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + self._silent_s  # one that runs already has begun to start
        while True:
            if self.is_closed:
                if process is not None:
                    process.kill()
                    process.wait()
                raise EngineUnavailable(f"{self.name} is given back")
            if process is None and (process := self._spawn()) is not None:
                ends_at = loop.time() + _AGENT_START_S
            if await self._answers():
                return
            if process is None and loop.time() > ends_at:
                raise Silent(f"the agent of {self.name} does not answer")
            if process is not None and (loop.time() > ends_at or process.poll() not in (None, 0)):
                raise EngineUnavailable(f"the agent does not start: {self._last_words()}")
            await asyncio.sleep(0.02)

    def _last_words(self) -> str:
        if said := self._log.read_text(errors="replace")[-1000:].strip():
            return said
        if os.statvfs(self.folder).f_bfree == 0:
            return f"no space is left on the disk of {self.folder}"
        return "it says nothing"

    def _spawn(self) -> "subprocess.Popen[bytes] | None":
        """Start an agent, with the lock that it lives by; None where one has it already.

        Were it the agent that takes it, one that is slow to begin could do so when that which was
        quicker has ended again, and nobody would know of it.
        """
        with locked(self.folder / "agent.lock") as lock:
            if lock is None:
                return None
            os.ftruncate(lock, 0)
            with self._log.open("wb") as file:
                process = subprocess.Popen(
                    [sys.executable, "-m", "headway.engines.process.agent", *self._words],
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=file,
                    start_new_session=True,
                    cwd="/",
                    pass_fds=(lock,),
                    env={**os.environ, LOCK: str(lock)},
                )
            os.pwrite(lock, f"{process.pid}\n".encode(), 0)
            return process

    async def _answers(self) -> bool:
        try:
            await self.once(Request(verb="nodes"), self._silent_s)
        except EngineUnavailable:
            return False
        return True


async def read_line(reader: asyncio.StreamReader) -> bytes:
    """Read an answer, all of it."""
    line = await reader.readline()
    if not line.endswith(b"\n"):
        raise ConnectionResetError("the connection ended in the middle of an answer")
    return line


def checked(answer: Answer) -> Answer:
    """Give an answer that is no refusal.

    Raises:
        EngineError: It is one.
    """
    if not answer.error:
        return answer
    if answer.code == "unknown":
        raise NoSuchContainer(answer.error)
    if answer.code == "refused":
        raise EngineError(answer.error)
    raise EngineUnavailable(answer.error)
