"""Fills the Engine port: speaks with the node agent, and starts it again when it died."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import msgspec

from headway.engines.process import loglines, messages
from headway.engines.process.doctor import machine_checks
from headway.engines.process.identities import Identities
from headway.engines.process.messages import Answer, Request
from headway.engines.process.proof.level import proven
from headway.engines.process.proof.trial import OWNER
from headway.engines.process.runnerline import RunnerLine, connected
from headway.engines.process.spool import Spool
from headway.machine.sockets import named
from headway.machine.trees import give, remove
from headway.model.ids import ContainerId, NodeId, RunId
from headway.model.log import LogLine
from headway.model.node import Node
from headway.model.order import Observed, Order, Usage
from headway.model.terminal import TerminalSize
from headway.model.view import Check
from headway.ports.engine import EngineError, EngineUnavailable, NoSuchContainer

_CALL_S = 30.0
_AGENT_START_S = 20.0


class ProcessEngine:
    """Containers as sandboxed processes of this machine."""

    name = "process"

    def __init__(self, data: Path) -> None:
        self._folder = data / "agent"
        self._volumes = data / "volumes"
        self._identities = Identities(self._folder)
        self._starting = asyncio.Lock()
        self._runs: set[RunnerLine] = set()

    async def open(self) -> None:
        """Make sure that the agent runs.

        Raises:
            EngineError: It does not start; the text has its last words.
        """
        self._folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        await self._ensure_agent()

    async def close(self, *, stop: bool = False) -> None:
        """Let go of the agent; with `stop`, end it. Containers live on either way."""
        if stop:
            with suppress(EngineError):
                answer = await self._once(Request(verb="nodes"))
                os.kill(answer.pid, 15)

    async def nodes(self) -> tuple[Node, ...]:
        """List the one node that there is."""
        return (await self._call(Request(verb="nodes"))).nodes

    async def start(self, order: Order, node: NodeId) -> Observed:
        """Start a container, or give the state of the one that has this id already."""
        answer = await self._call(Request(verb="start", order=order, node=node))
        assert answer.observed is not None
        return answer.observed

    async def stop(self, container: ContainerId, grace_s: float) -> None:
        """Ask a container to end."""
        await self._call(Request(verb="stop", container=container, grace_s=grace_s))

    async def observe(self) -> AsyncIterator[tuple[Observed, ...]]:
        """Give all containers that are known, first, then each change as it happens."""
        await self._ensure_agent()
        reader, writer = await self._connect()
        try:
            writer.write(messages.encode(Request(verb="observe")))
            await writer.drain()
            while True:
                line = await _line(reader)
                answer = messages.decode_answer(line)
                if answer.listing is not None:
                    yield answer.listing
                elif answer.observed is not None:
                    yield (answer.observed,)
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            raise EngineUnavailable(f"the agent went away: {error}") from error
        finally:
            writer.close()

    async def logs(
        self,
        container: ContainerId,
        *,
        after: int = 0,
        tail: int | None = None,
        follow: bool = False,
    ) -> AsyncIterator[LogLine]:
        """Give the lines behind a cursor, oldest first."""
        spool = Spool(self._folder / "containers", container)
        if not spool.exists():
            raise NoSuchContainer(f"nothing is kept of {container}")

        def is_over() -> bool:
            return spool.ended() is not None or not spool.exists()

        try:
            async for line in loglines.read(
                spool.path, after=after, tail=tail, follow=follow, is_over=is_over
            ):
                yield line
        except FileNotFoundError:  # removed while it was read
            return

    async def exec(
        self,
        container: ContainerId,
        argv: tuple[str, ...],
        *,
        terminal: TerminalSize | None = None,
    ) -> "ProcessSession":
        """Run a command inside a running container."""
        await self._ensure_agent()
        reader, writer = await self._connect()
        request = Request(verb="exec", container=container, argv=argv, terminal=terminal)
        try:
            writer.write(messages.encode(request))
            await writer.drain()
            _checked(messages.decode_answer(await _line(reader)))
        except BaseException:
            writer.close()
            raise
        return ProcessSession(reader, writer)

    async def attach(self, container: ContainerId) -> "RunnerLine":
        """Open the line to a runner."""
        spool = Spool(self._folder / "containers", container)
        line = await connected(spool, self._runs.discard)
        self._runs.add(line)
        return line

    async def run_logs(
        self,
        run: RunId,
        attempt: int,
        *,
        after: int = 0,
        tail: int | None = None,
        follow: bool = False,
    ) -> AsyncIterator[LogLine]:
        """Give the lines that an attempt wrote."""
        folder, stem = self._folder / "runs" / run[:5], f"{run}.{attempt}.log"

        def is_over() -> bool:
            at_work = any((run, attempt) in line.active for line in self._runs)
            return not at_work and not loglines.is_written(folder, stem)

        async for line in loglines.read(
            folder, after=after, tail=tail, follow=follow, is_over=is_over, stem=stem
        ):
            yield line

    async def remove_run(self, run: RunId) -> None:
        """Forget the logs of a run."""
        await asyncio.to_thread(_remove_logs, self._folder / "runs" / run[:5], run)

    async def listening(self, container: ContainerId) -> tuple[str, ...]:
        """List where the container's processes listen."""
        return (await self._call(Request(verb="listening", container=container))).addresses

    async def usage(self, container: ContainerId) -> Usage | None:
        """Give what a running container uses."""
        return (await self._call(Request(verb="usage", container=container))).usage

    async def remove(self, container: ContainerId) -> None:
        """Forget an ended container and its log."""
        await self._call(Request(verb="remove", container=container))

    async def volume(self, owner: str, name: str) -> str:
        """Give the path of a volume of `environment/app`, made when it is missing."""
        path = self._volumes / owner / name
        if not path.is_dir():
            path.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
            path.mkdir(mode=0o700, exist_ok=True)
            uid = self._identities.of(owner)
            if uid is not None:
                os.chown(path, uid, uid)
        return str(path)

    async def remove_volumes(self, owner: str) -> None:
        """Delete every volume below an owner."""
        await asyncio.to_thread(remove, self._volumes / owner)

    async def hand_over(self, path: Path, owner: str) -> None:
        """Give a directory that no container has written to yet to an owner's user."""
        uid = self._identities.of(owner)
        if uid is not None:
            await asyncio.to_thread(give, path, uid)

    async def checks(self) -> list[Check]:
        """Say what this machine can give containers, and what it cannot."""
        found = await asyncio.to_thread(machine_checks, self._identities.of(OWNER))
        try:
            node, *_ = await self.nodes()
        except EngineError as error:
            return [*found, Check(name="agent", ok=False, detail=str(error), fix="see agent.log")]
        return [*found, *await proven(self, node.limits)]

    # --- the agent -------------------------------------------------------------------------------

    async def _call(self, request: Request) -> Answer:
        """Ask the agent; one that died is started again, and asked again."""
        for attempt in range(3):
            try:
                return await self._once(request)
            except EngineUnavailable:
                if attempt == 2:
                    raise
                await self._ensure_agent()
        raise AssertionError("unreachable")

    async def _once(self, request: Request) -> Answer:
        reader, writer = await self._connect()
        try:
            async with asyncio.timeout(_CALL_S):
                writer.write(messages.encode(request))
                await writer.drain()
                line = await _line(reader)
        except TimeoutError as error:
            raise EngineUnavailable(f"the agent did not answer in {_CALL_S:g} s") from error
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            raise EngineUnavailable(f"the agent went away: {error}") from error
        finally:
            writer.close()
        return _checked(messages.decode_answer(line))

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            with named(self._folder / "agent.sock") as name:
                return await asyncio.open_unix_connection(name, limit=messages.LINE_BYTES_MAX)
        except OSError as error:
            raise EngineUnavailable(f"the agent cannot be reached: {error}") from error

    async def _ensure_agent(self) -> None:
        """Start the agent unless it answers. Two of them never run: the second ends at once."""
        async with self._starting:
            if await self._answers():
                return
            log = self._folder / "agent.log"
            with log.open("wb") as file:
                process = subprocess.Popen(  # noqa: ASYNC220 (it only forks)
                    [sys.executable, "-m", "headway.engines.process.agent", str(self._folder)],
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=file,
                    start_new_session=True,
                    cwd="/",
                )
            ends_at = asyncio.get_running_loop().time() + _AGENT_START_S
            while not await self._answers():
                if asyncio.get_running_loop().time() > ends_at or process.poll() not in (None, 0):
                    said = log.read_text(errors="replace")[-1000:].strip()
                    raise EngineUnavailable(
                        f"the agent does not start: {said or 'it says nothing'}"
                    )
                await asyncio.sleep(0.02)

    async def _answers(self) -> bool:
        try:
            await self._once(Request(verb="nodes"))
        except EngineUnavailable:
            return False
        return True


class ProcessSession:
    """A command running in a container, over a connection to the agent."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._status: int | None = None

    async def output(self) -> AsyncIterator[tuple[str, bytes]]:
        """Give what the command writes, until it ends."""
        names = {messages.STDOUT: "stdout", messages.STDERR: "stderr"}
        while self._status is None:
            try:
                head = await self._reader.readexactly(messages.FRAME.size)
                kind, length = messages.FRAME.unpack(head)
                data = await self._reader.readexactly(length)
            except (asyncio.IncompleteReadError, ConnectionError) as error:
                raise EngineUnavailable("the agent went away while the command ran") from error
            if kind == messages.EXIT:
                self._status = int(json.loads(data)["status"])
            elif kind in names:
                yield names[kind], data

    async def send(self, data: bytes) -> None:
        """Write to the command's input. Empty bytes end the input."""
        for start in range(0, len(data), messages.FRAME_BYTES_MAX) or (0,):
            part = data[start : start + messages.FRAME_BYTES_MAX]
            self._writer.write(messages.FRAME.pack(messages.STDIN, len(part)) + part)
        with suppress(ConnectionError):
            await self._writer.drain()

    async def resize(self, size: TerminalSize) -> None:
        """Tell the command's terminal its size."""
        data = msgspec.json.encode(size)
        self._writer.write(messages.FRAME.pack(messages.RESIZE, len(data)) + data)
        with suppress(ConnectionError):
            await self._writer.drain()

    async def close(self) -> int:
        """End the session, the command with it, and give its exit status."""
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()
        return self._status if self._status is not None else 137


def _remove_logs(folder: Path, run: RunId) -> None:
    for path in folder.glob(f"{run}.*.log.*"):
        path.unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()


async def _line(reader: asyncio.StreamReader) -> bytes:
    line = await reader.readline()
    if not line.endswith(b"\n"):
        raise ConnectionResetError("the connection ended in the middle of an answer")
    return line


def _checked(answer: Answer) -> Answer:
    if not answer.error:
        return answer
    if answer.code == "unknown":
        raise NoSuchContainer(answer.error)
    if answer.code == "refused":
        raise EngineError(answer.error)
    raise EngineUnavailable(answer.error)
