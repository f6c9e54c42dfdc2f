"""Changes under load: nothing that a client sent is dropped, and nothing is done twice."""

import asyncio
import itertools
from collections.abc import AsyncIterator

import pytest

from headway.routers.haproxy import HaproxyRouter
from tests.contract.router.upstream import (
    Client,
    Upstream,
    get,
    route,
    table,
    until,
    upstreams,
)

WEB = "web.demo.localhost"
CHANGES = 60


async def test_sixty_changes_under_load_fail_no_request(router: HaproxyRouter) -> None:
    async with upstreams("a", "b", "c") as ups:
        await router.apply(table(route("web", (ups[0], 256))))
        done = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            socket = group.create_task(_socket(router.http_port, done))
            slow = group.create_task(get(router.http_port, WEB, "/slow"))
            upload = group.create_task(_upload(router.http_port, done))
            kept = [group.create_task(_kept_open(router.http_port, done)) for _ in range(4)]
            fresh = [group.create_task(_fresh(router.http_port, done)) for _ in range(2)]
            await until(lambda: _has_requests(ups[0], 10))
            await _change(router, ups)
            done.set()
            for upstream in ups:
                upstream.release.set()
        assert slow.result().status == 200
        assert upload.result() == 200
        assert socket.result() > CHANGES
        counts = [task.result() for task in kept + fresh]
        assert min(counts) >= CHANGES // 4


async def _change(router: HaproxyRouter, ups: list[Upstream]) -> None:
    """Swap servers, change weights, and have routes come and go, each followed by traffic."""
    for number in range(CHANGES):
        one, other = ups[number % 3], ups[(number + 1) % 3]
        routes = [route("web", (one, 256), (other, 1 + number))]
        if number % 3 == 0:
            routes.append(route(f"extra-{number}", (one, 256)))
        await router.apply(table(*routes))
        seen = one.requests
        await until(lambda one=one, seen=seen: _has_requests(one, seen + 2))


async def _has_requests(upstream: Upstream, count: int) -> bool:
    return upstream.requests >= count


async def _kept_open(port: int, done: asyncio.Event) -> int:
    client = Client(port)
    for count in itertools.count():
        if done.is_set():
            await client.close()
            return count
        assert (await client.get(WEB, method="POST", body="x" * 100)).status == 200
        await asyncio.sleep(0.001)
    raise AssertionError


async def _fresh(port: int, done: asyncio.Event) -> int:
    for count in itertools.count():
        if done.is_set():
            return count
        assert (await get(port, WEB)).status == 200
        await asyncio.sleep(0.002)
    raise AssertionError


async def _upload(port: int, done: asyncio.Event) -> int:
    """Send a body of 100 kB, the last of it only when all changes are made."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST / HTTP/1.1\r\nHost: {WEB}\r\nContent-Length: 100000\r\nConnection: close\r\n\r\n"
    writer.write(head.encode() + b"x" * 60_000)
    await done.wait()
    writer.write(b"x" * 40_000)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert b'"bytes": 100000' in answer
    return int(answer.split()[1])


async def _socket(port: int, done: asyncio.Event) -> int:
    """Keep one upgraded connection talking over all changes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    upgrade = (
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    writer.write(f"GET /socket HTTP/1.1\r\nHost: {WEB}\r\n{upgrade}".encode())
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    count = 0
    while not done.is_set():
        writer.write(b"%d\n" % count)
        assert await reader.readline() == b"%d\n" % count
        count += 1
        await asyncio.sleep(0.005)
    writer.close()
    await writer.wait_closed()
    return count


@pytest.fixture
async def pair() -> AsyncIterator[list[Upstream]]:
    async with upstreams("a", "b") as ups:
        yield ups


async def test_a_request_that_may_have_been_done_is_not_sent_again(
    router: HaproxyRouter, pair: list[Upstream]
) -> None:
    await router.apply(table(route("web", (pair[0], 256), (pair[1], 256))))
    answer = await get(router.http_port, WEB, "/hangup", method="POST", body="pay")
    assert answer.status == 502
    assert sum(upstream.requests for upstream in pair) == 1
    assert "did not answer it properly" in answer.body


async def test_a_request_goes_elsewhere_when_its_target_refuses_the_connection(
    router: HaproxyRouter, pair: list[Upstream]
) -> None:
    async with upstreams("gone") as (gone,):
        pass
    await router.apply(table(route("web", (pair[0], 256), (gone, 256))))
    for _ in range(10):
        answer = await get(router.http_port, WEB, method="POST", body="pay")
        assert answer.name == "a"
    view = await router.view()
    assert view.traffic["a"].errors == 0
    assert view.traffic["gone"].errors > 0
