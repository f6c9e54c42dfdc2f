"""A steady load, in a process of its own. Run as `python -m benchmarks.load PORT HOST SECONDS`.

Keep-alive connections, new connections, uploads, slow requests and a WebSocket. Says at its end, as
JSON, how many requests were made, which failed and how long they took.
"""

import asyncio
import json
import os
import sys
import time
from collections import Counter
from contextlib import suppress

UPLOAD = b"x" * 200_000


class Load:
    def __init__(self, port: int, host: str) -> None:
        self.port, self.host = port, host
        self.answers: Counter[str] = Counter()
        self.failures: list[str] = []
        self.times: list[float] = []
        self.releases: Counter[str] = Counter()
        self.stopping = False

    async def ask(
        self, reader, writer, path: str = "/", body: bytes = b"", close: bool = False
    ) -> bool:
        """One request; says whether the connection may be used again."""
        began = time.perf_counter()
        head = f"{'POST' if body else 'GET'} {path} HTTP/1.1\r\nHost: {self.host}\r\n"
        if body:
            head += f"Content-Length: {len(body)}\r\n"
        head += "Connection: close\r\n\r\n" if close else "\r\n"
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        status = answer.split(b" ", 2)[1].decode()
        lower = answer.lower()
        length = int(lower.split(b"content-length:")[1].split(b"\r\n")[0])
        text = (await reader.readexactly(length)).decode()
        self.times.append(time.perf_counter() - began)
        self.answers[status] += 1
        if status == "200":
            self.releases[text] += 1
        else:
            self.failures.append(f"{path}: {status} {text[:80]}")
        return b"connection: close" not in lower

    async def connect(self):
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def guarded(self, what: str, deed) -> None:
        while not self.stopping:
            try:
                await deed()
            except (OSError, asyncio.IncompleteReadError, IndexError) as error:
                self.answers["failed"] += 1
                self.failures.append(f"{what}: {error!r}")
                await asyncio.sleep(0.01)

    async def keep_alive(self) -> None:
        reader, writer = await self.connect()
        try:
            while not self.stopping and await self.ask(reader, writer):
                pass
        finally:
            writer.close()

    async def new(self) -> None:
        reader, writer = await self.connect()
        try:
            await self.ask(reader, writer, close=True)
        finally:
            writer.close()
        await asyncio.sleep(0.02)

    async def upload(self) -> None:
        reader, writer = await self.connect()
        try:
            await self.ask(reader, writer, "/upload", UPLOAD, close=True)
        finally:
            writer.close()
        await asyncio.sleep(0.2)

    async def slow(self) -> None:
        reader, writer = await self.connect()
        try:
            await self.ask(reader, writer, "/slow", close=True)
        finally:
            writer.close()

    async def websocket(self) -> None:
        """Echo until the other side goes, as it must when its container is replaced."""
        reader, writer = await self.connect()
        writer.write(
            f"GET /ws HTTP/1.1\r\nHost: {self.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in head:
            self.answers["failed"] += 1
            self.failures.append(f"websocket: {head[:60]!r}")
        self.answers["websocket"] += 1
        try:
            while not self.stopping:
                mask = os.urandom(4)
                text = bytes(byte ^ mask[index % 4] for index, byte in enumerate(b"hello"))
                writer.write(bytes([0x81, 0x85]) + mask + text)
                if await reader.readexactly(7) != b"\x81\x05hello":
                    raise OSError("a wrong echo")
                await asyncio.sleep(0.1)
        except (asyncio.IncompleteReadError, ConnectionResetError):
            pass  # its container was drained to its limit: a client connects again
        finally:
            writer.close()

    async def run(self, seconds: float, keep_alive: int) -> None:
        kinds = [
            (self.keep_alive, keep_alive),
            (self.new, 2),
            (self.upload, 1),
            (self.slow, 2),
            (self.websocket, 1),
        ]
        tasks = [
            asyncio.create_task(self.guarded(deed.__name__, deed))
            for deed, count in kinds
            for _ in range(count)
        ]
        told = asyncio.Event()
        asyncio.get_running_loop().add_reader(0, told.set)
        with suppress(TimeoutError):
            await asyncio.wait_for(told.wait(), seconds)
        asyncio.get_running_loop().remove_reader(0)
        self.stopping = True
        await asyncio.wait(tasks, timeout=5)
        for task in tasks:
            task.cancel()


def main() -> None:
    port, host, seconds, keep_alive = (
        int(sys.argv[1]),
        sys.argv[2],
        float(sys.argv[3]),
        int(sys.argv[4]),
    )
    load = Load(port, host)
    asyncio.run(load.run(seconds, keep_alive))
    times = sorted(load.times)
    print(
        json.dumps(
            {
                "answers": load.answers,
                "failures": load.failures[:50],
                "failed": len(load.failures),
                "made": len(times) + len(load.failures),
                "releases": load.releases,
                "p50_ms": 1000 * times[len(times) // 2],
                "p99_ms": 1000 * times[int(len(times) * 0.99)],
                "slowest_ms": 1000 * max(t for t in times),
            }
        ),
        flush=True,
    )
    os._exit(0)


if __name__ == "__main__":
    main()
