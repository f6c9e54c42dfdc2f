"""The control plane: the server and the loops of an installation."""

import asyncio
import contextlib
import gc
import os
import sys
from pathlib import Path

import msgspec

from headway import __version__
from headway.api.app import create_app
from headway.api.server import BACKLOG, serve
from headway.control.heart import Heart
from headway.control.tokens import create_local, owner
from headway.control.world import World
from headway.machine.files import write_whole
from headway.machine.listening import PortTaken, listen
from headway.machine.processes import birth
from headway.serve.composition import compose
from headway.serve.installation import Options, Refused, Running
from headway.web.house import House
from headway.web.site import Site

_SWITCH_S = 0.0005
"""So long the thread that writes waits for a busy event loop after each sync, and not 5 ms."""


async def run(options: Options, stop: asyncio.Event) -> None:
    """Run the control plane until `stop` is set.

    Raises:
        Refused: Something that it needs is missing or taken.
    """
    data = options.data
    async with contextlib.AsyncExitStack() as stack:
        try:
            listener = listen(options.host, options.port, option="--port", backlog=BACKLOG)
        except PortTaken as error:
            raise Refused(str(error)) from error
        stack.callback(listener.close)
        world, checks = await compose(options, stack)
        heart = Heart(world)
        token = await _local_token(world, data)
        app = create_app(
            world,
            heart=heart,
            data=data,
            hosts=frozenset({*options.hosts, options.host}),
            stop=stop,
            machine_checks=checks,
            pages=[Site(House(world, heart, data, stop, checks))],
        )
        beating = asyncio.create_task(heart.run(), name="heart")
        stack.push_async_callback(_end, beating)
        url = f"http://{options.host}:{options.port}"
        running = Running(
            url=url,
            pid=os.getpid(),
            birth=birth(os.getpid()) or 0,
            http_port=options.http_port,
            version=__version__,
            started_at=world.started_at,
        )
        write_whole(data / "token", token.encode())
        write_whole(data / "server.json", msgspec.json.encode(running))
        stack.callback((data / "server.json").unlink, missing_ok=True)
        keep_for_good()
        sys.setswitchinterval(_SWITCH_S)
        await serve(app, listener, stop=stop)


def keep_for_good() -> None:
    """Have no collection look at what was made so far, which is never garbage: code and routes.

    It is a hundred thousand objects, and to look at them all stops everything for 50 ms.
    """
    gc.collect()
    gc.freeze()


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _local_token(world: World, data: Path) -> str:
    """Give the token of this machine's own user, kept where only that user reads.

    One that was revoked or is not known is followed by another: who owns the directory owns all.
    """
    path = data / "token"
    with contextlib.suppress(FileNotFoundError):
        kept = path.read_text().strip()
        if await owner(world, kept) is not None:
            return kept
    name = os.environ.get("SUDO_USER") or os.environ.get("USER") or "operator"
    return await create_local(world.store, name, world.clock.now())
