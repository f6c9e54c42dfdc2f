"""Little real servers behind the router, and a client that sees every byte."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

from headway.model.ids import AppName, ContainerId, EnvironmentId
from headway.model.manifest import Protocol
from headway.model.route import Route, RouteTable, Target


class Upstream:
    """An HTTP server that says its name; some paths behave in other ways."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.requests = 0
        self.connections: set[asyncio.StreamWriter] = set()
        self.headers: dict[str, str] = {}
        self.release = asyncio.Event()
        """Set it to let requests to /slow end."""
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.add(writer)
        try:
            while await self._one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self.connections.discard(writer)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        path = head[0].split()[1]
        self.headers = {
            name.lower(): value
            for name, _, value in (line.partition(": ") for line in head[1:] if line)
        }
        self.requests += 1
        body = await reader.readexactly(int(self.headers.get("content-length", "0")))
        if path == "/hangup":
            return False
        if path == "/socket":
            return await self._echo(reader, writer)
        if path == "/slow":
            await self.release.wait()
        status = "500 Broken" if path == "/broken" else "200 OK"
        answer = json.dumps({"name": self.name, "headers": self.headers, "bytes": len(body)})
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(answer)}\r\n\r\n{answer}".encode())
        await writer.drain()
        return True

    async def _echo(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
        )
        while line := await reader.readline():
            writer.write(line)
            await writer.drain()
        return False


@contextlib.asynccontextmanager
async def upstreams(*names: str) -> AsyncIterator[list[Upstream]]:
    async with contextlib.AsyncExitStack() as stack:
        made = []
        for name in names:
            upstream = Upstream(name)
            server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0)
            stack.push_async_callback(_close, server, upstream)
            upstream.port = server.sockets[0].getsockname()[1]
            made.append(upstream)
        yield made


async def _close(server: asyncio.Server, upstream: Upstream) -> None:
    upstream.release.set()
    server.close()
    for writer in upstream.connections:
        writer.transport.abort()
    await until(lambda: _gone(upstream))


async def _gone(upstream: Upstream) -> bool:
    return not upstream.connections


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def route(app: str, *targets: tuple[Upstream, int], hosts: tuple[str, ...] | None = None) -> Route:
    return Route(
        environment=EnvironmentId("demo~7f3a2c"),
        app=AppName(app),
        expose="http",
        protocol=Protocol.HTTP,
        hosts=(f"{app}.demo.localhost",) if hosts is None else hosts,
        targets=tuple(target(*row) for row in targets),
    )


def tcp_route(app: str, port: int, *targets: tuple[Upstream, int]) -> Route:
    return Route(
        environment=EnvironmentId("demo~7f3a2c"),
        app=AppName(app),
        expose="tcp",
        protocol=Protocol.TCP,
        port=port,
        targets=tuple(target(*row) for row in targets),
    )


def target(upstream: Upstream, weight: int) -> Target:
    return Target(
        container=ContainerId(upstream.name),
        host="127.0.0.1",
        port=upstream.port,
        weight=weight,
        release=1,
    )


def table(*routes: Route) -> RouteTable:
    return RouteTable(routes=tuple(sorted(routes, key=lambda row: row.key)))


class Answer:
    def __init__(self, status: int, headers: dict[str, str], body: str) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def name(self) -> str:
        """Which upstream answered."""
        return str(json.loads(self.body)["name"])


class Client:
    """One connection, kept open as long as the other side does."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, host: str, path: str = "/", *, headers: str = "", **more: str) -> Answer:
        body = more.get("body", "")
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        method = more.get("method", "GET")
        reader, writer = await self.connection()
        writer.write(
            f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{length}{headers}\r\n{body}".encode()
        )
        answer = await self._answer(reader)
        if answer.headers.get("connection") == "close":
            await self.close()
        return answer

    async def connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._open is None:
            self._open = await asyncio.open_connection("127.0.0.1", self.port)
        return self._open

    async def _answer(self, reader: asyncio.StreamReader) -> Answer:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {
            name.lower(): value
            for name, _, value in (line.partition(": ") for line in head[1:] if line)
        }
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        return Answer(int(head[0].split()[1]), headers, body.decode())

    async def close(self) -> None:
        if self._open is not None:
            _, writer = self._open
            self._open = None
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def get(port: int, host: str, path: str = "/", **more: str) -> Answer:
    client = Client(port)
    try:
        return await client.get(host, path, **more)
    finally:
        await client.close()


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 10.0) -> None:
    """Wait for a condition, with a deadline."""
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.01)
