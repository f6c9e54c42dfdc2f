"""The node agent: does with its node's containers what it is asked. It decides nothing.

Run as `python -m headway.engines.process.agent DIRECTORY [SHARED INDEX]`: of several agents on one
machine each has a directory of its own, and all share that of the first.
"""

import asyncio
import fcntl
import os
import signal
import sys
from pathlib import Path

from headway import __version__
from headway.engines.process import messages
from headway.engines.process.containers import Containers
from headway.engines.process.enter import Entered
from headway.engines.process.link import LOCK
from headway.engines.process.messages import Answer, Request
from headway.machine.sockets import named
from headway.model.ids import ContainerId
from headway.model.order import Observed
from headway.ports.engine import EngineError, NoSuchContainer


class Agent:
    """Answers whoever may connect to its socket, one request a connection."""

    def __init__(self, containers: Containers) -> None:
        self._containers = containers

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        try:
            await self._serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = await reader.readline()
        if not line:
            return
        try:
            request = messages.decode_request(line)
            if request.verb == "observe":
                await self._observe(reader, writer)
                return
            if request.verb == "exec":
                entered = await self._enter(request)
                writer.write(messages.encode(Answer()))
                await entered.carry(reader, writer)
                return
            answer = await self._answer(request)
        except NoSuchContainer as error:
            answer = Answer(error=str(error), code="unknown")
        except EngineError as error:
            answer = Answer(error=str(error), code="refused")
        except (OSError, ValueError) as error:
            answer = Answer(error=f"{type(error).__name__}: {error}", code="failed")
        writer.write(messages.encode(answer))
        await writer.drain()

    async def _answer(self, request: Request) -> Answer:
        containers, container = self._containers, ContainerId(request.container)
        match request.verb:
            case "start":
                assert request.order is not None
                return Answer(observed=await containers.start(request.order, request.node))
            case "stop":
                containers.stop(container, request.grace_s)
                return Answer()
            case "remove":
                containers.remove(container)
                return Answer()
            case "nodes":
                told = containers.node(request.ports)
                return Answer(nodes=(told,), pid=os.getpid(), version=__version__)
            case "usage":
                return Answer(usage=containers.usage(container))
            case "measure":
                return Answer(reading=containers.measure())
            case "listening":
                return Answer(addresses=containers.listening(container))
            case _:
                raise EngineError(f"the agent does not know {request.verb!r}: versions differ")

    async def _enter(self, request: Request) -> Entered:
        container = ContainerId(request.container)
        return await self._containers.enter(container, request.argv, request.terminal)

    async def _observe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        gone = asyncio.create_task(reader.read(1))
        try:
            with self._containers.followed() as changes:
                await self._tell(changes, gone, writer)
        finally:
            gone.cancel()

    async def _tell(
        self,
        changes: "asyncio.Queue[Observed | None]",
        gone: "asyncio.Task[bytes]",
        writer: asyncio.StreamWriter,
    ) -> None:
        """Write the listing, then each change, until who observes is gone or too slow."""
        writer.write(messages.encode(Answer(listing=self._containers.listing())))
        await writer.drain()
        while not gone.done():
            following = asyncio.create_task(changes.get())
            await asyncio.wait({gone, following}, return_when=asyncio.FIRST_COMPLETED)
            if not following.done():
                following.cancel()
                return
            fact = following.result()
            if fact is None:
                return
            writer.write(messages.encode(Answer(observed=fact)))
            await writer.drain()


async def run(folder: Path, shared: Path, index: int) -> None:
    """Serve until told to end; containers live on."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    containers = Containers(folder, shared, index)
    containers.adopt()
    socket = folder / "agent.sock"
    socket.unlink(missing_ok=True)
    with named(socket) as name:
        server = await asyncio.start_unix_server(
            Agent(containers).serve, path=name, limit=messages.LINE_BYTES_MAX, backlog=512
        )
    socket.chmod(0o600)
    async with server:
        await stop.wait()


def main() -> int:
    """Run the agent of a directory, unless one runs already."""
    folder = Path(sys.argv[1])
    shared, index = (Path(sys.argv[2]), int(sys.argv[3])) if sys.argv[2:] else (folder, 0)
    descriptor = _lock(folder)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return 0
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    asyncio.run(run(folder, shared, index))
    return 0


def _lock(folder: Path) -> int:
    """Give the descriptor of the lock that it lives by: who starts it has taken that already."""
    if given := os.environ.pop(LOCK, ""):
        os.set_inheritable(int(given), False)
        return int(given)
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    return os.open(folder / "agent.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


if __name__ == "__main__":
    sys.exit(main())
