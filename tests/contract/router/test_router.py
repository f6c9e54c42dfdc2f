"""What every filling of the router port promises."""

import asyncio
from collections import Counter
from contextlib import suppress

import msgspec
import pytest

from headway.ports.router import Router, RouterError
from tests.contract.router.upstream import (
    Client,
    free_port,
    get,
    route,
    table,
    target,
    tcp_route,
    until,
    upstreams,
)

WEB = "web.demo.localhost"


@pytest.mark.parametrize(
    "host", [WEB, "WEB.Demo.localhost", f"{WEB}:7080", f"{WEB}.", f"{WEB}.:80"]
)
async def test_a_request_reaches_the_app_of_its_host(router: Router, host: str) -> None:
    async with upstreams("a", "b") as (a, b):
        await router.apply(table(route("web", (a, 256)), route("other", (b, 256))))
        assert (await get(router.http_port, host)).name == "a"


async def test_an_unknown_host_is_told_so_by_name(router: Router) -> None:
    answer = await get(router.http_port, "nobody.demo.localhost")
    assert answer.status == 404
    assert "'nobody.demo.localhost'" in answer.body
    assert "headway status" in answer.body


async def test_an_app_without_instances_says_so(router: Router) -> None:
    await router.apply(table(route("web")))
    answer = await get(router.http_port, WEB)
    assert answer.status == 503
    assert "web in demo has no healthy instance" in answer.body


async def test_targets_get_requests_by_their_weights(router: Router) -> None:
    async with upstreams("a", "b") as (a, b):
        await router.apply(table(route("web", (a, 90), (b, 10))))
        client = Client(router.http_port)
        names = Counter([(await client.get(WEB)).name for _ in range(1000)])
        await client.close()
    assert names["a"] == pytest.approx(900, abs=10)
    assert names["b"] == pytest.approx(100, abs=10)


async def test_a_weight_of_zero_gets_nothing(router: Router) -> None:
    async with upstreams("a", "b") as (a, b):
        await router.apply(table(route("web", (a, 256), (b, 256))))
        await router.apply(table(route("web", (a, 0), (b, 256))))
        assert {(await get(router.http_port, WEB)).name for _ in range(10)} == {"b"}
        view = await router.view()
        assert view.targets == {"b"}


async def test_a_target_that_left_gets_no_request_once_apply_returned(router: Router) -> None:
    async with upstreams("a", "b") as (a, b):
        client = Client(router.http_port)
        for here, gone in [(a, b), (b, a)] * 5:
            await router.apply(table(route("web", (here, 256))))
            seen = gone.requests
            assert {(await client.get(WEB)).name for _ in range(20)} == {here.name}
            assert gone.requests == seen
        await client.close()


async def test_a_target_that_left_is_seen_until_its_request_ended(router: Router) -> None:
    async with upstreams("a", "b") as (a, b):
        await router.apply(table(route("web", (a, 256))))
        slow = asyncio.create_task(get(router.http_port, WEB, "/slow"))
        await until(lambda: _in_flight(router, "a", 1))
        await router.apply(table(route("web", (b, 256))))
        view = await router.view()
        assert view.targets == {"b"}
        assert view.traffic["a"].in_flight == 1
        a.release.set()
        assert (await slow).name == "a"
        await until(lambda: _is_forgotten(router, "a"))


async def test_a_request_is_seen_though_the_router_was_reloaded(router: Router) -> None:
    async with upstreams("a", "b") as (a, b):
        await router.apply(table(route("web", (a, 256))))
        slow = asyncio.create_task(get(router.http_port, WEB, "/slow"))
        await until(lambda: _in_flight(router, "a", 1))
        await router.apply(table(route("web", (b, 256)), route("new", (b, 256))))
        await router.apply(table(route("web", (b, 256)), route("newer", (b, 256))))
        view = await router.view()
        assert view.targets == {"b"}
        assert view.traffic["a"].in_flight == 1
        a.release.set()
        assert (await slow).status == 200
        await until(lambda: _is_forgotten(router, "a"))


async def test_an_open_connection_reaches_new_targets_after_a_reload(router: Router) -> None:
    async with upstreams("a", "b") as (a, b):
        await router.apply(table(route("web", (a, 256))))
        client = Client(router.http_port)
        assert (await client.get(WEB)).name == "a"
        await router.apply(table(route("web", (b, 256)), route("new", (b, 256))))
        assert (await client.get(WEB)).name == "b"
        await client.close()


async def test_idle_connections_do_not_hold_a_target_that_left(router: Router) -> None:
    async with upstreams("a", "b") as (a, b):
        await router.apply(table(route("web", (a, 256))))
        clients = [Client(router.http_port) for _ in range(5)]
        for client in clients:
            await client.get(WEB)
        await router.apply(table(route("web", (b, 256))))
        await until(lambda: _is_forgotten(router, "a"))
        for client in clients:
            assert (await client.get(WEB)).name == "b"
            await client.close()


async def test_hosts_move_between_routes(router: Router) -> None:
    async with upstreams("a", "b") as (a, b):
        await router.apply(
            table(route("web", (a, 256), hosts=("x.example",)), route("new", (b, 256), hosts=()))
        )
        assert (await get(router.http_port, "x.example")).name == "a"
        await router.apply(
            table(route("web", (a, 256), hosts=()), route("new", (b, 256), hosts=("x.example",)))
        )
        assert (await get(router.http_port, "x.example")).name == "b"
        await router.apply(
            table(route("web", (a, 256), hosts=()), route("new", (b, 256), hosts=()))
        )
        assert (await get(router.http_port, "x.example")).status == 404


async def test_forged_forwarding_headers_are_replaced(router: Router) -> None:
    forged = (
        "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\n"
        "Forwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\n"
    )
    async with upstreams("a") as (a,):
        await router.apply(table(route("web", (a, 256))))
        await get(router.http_port, WEB, headers=forged)
    assert a.headers["x-forwarded-for"] == "127.0.0.1"
    assert a.headers["x-forwarded-proto"] == "http"
    assert a.headers["x-forwarded-host"] == WEB
    assert "forwarded" not in a.headers
    assert "x-real-ip" not in a.headers


async def test_a_tcp_route_has_its_port_as_long_as_it_is_there(router: Router) -> None:
    port = free_port()
    async with upstreams("a") as (a,):
        await router.apply(table(tcp_route("db", port, (a, 256))))
        assert (await get(port, "whatever")).name == "a"
        assert (await router.view()).traffic["a"].requests == 1
        await router.apply(table())
        with pytest.raises(ConnectionRefusedError):
            await get(port, "whatever")


async def test_counters_rise_over_reloads(router: Router) -> None:
    async with upstreams("a") as (a,):
        routes = [route("web", (a, 256))]
        for number in range(3):
            await router.apply(table(*routes))
            for path in ("/", "/", "/broken"):
                await get(router.http_port, WEB, path)
            traffic = (await router.view()).traffic["a"]
            assert (traffic.requests, traffic.errors) == (3 * number + 3, number + 1)
            routes.append(route(f"more-{number}"))


async def test_what_nobody_could_take_is_counted_apart_and_rises_over_reloads(
    router: Router,
) -> None:
    port = free_port()
    async with upstreams("a") as (a,):
        taking, closed = route("web", (a, 256)), route("gone", (a, 0))
        await router.apply(table(taking, closed, tcp_route("db", port)))
        for number in range(2):
            await get(router.http_port, WEB, "/broken")
            assert (await get(router.http_port, "gone.demo.localhost")).status == 503
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await get(port, "whatever")
            view = await router.view()
            assert view.refused.get(closed.key) == number + 1
            assert view.refused.get(tcp_route("db", port).key) == number + 1
            assert taking.key not in view.refused
            assert (view.traffic["a"].requests, view.traffic["a"].errors) == (number + 1,) * 2
            await router.apply(table(taking, closed, tcp_route("db", port), route("more")))


async def test_what_a_copy_does_not_accept_is_its_own_error_and_counts_once(
    router: Router,
) -> None:
    async with upstreams("a") as (a,):
        await router.apply(table(route("web", (a, 256))))
    assert (await get(router.http_port, WEB)).status == 503
    view = await router.view()
    assert view.refused == {}
    assert view.traffic["a"].errors >= 1


async def test_the_same_table_changes_nothing(router: Router, tmp_path) -> None:
    async with upstreams("a") as (a,):
        wanted = table(route("web", (a, 256)))
        await router.apply(wanted)
        before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.json")}
        await router.apply(wanted)
        after = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.json")}
    assert before
    assert after.items() <= before.items()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"container": "x 1.2.3.4:80\n    server evil"}, "characters"),
        ({"host": "1.2.3.4; shutdown"}, "no IP address"),
        ({"port": 0}, "port 0"),
        ({"weight": 257}, "weight 257"),
    ],
)
async def test_a_table_that_cannot_be_is_refused_and_the_last_one_stays(
    router: Router, change: dict[str, object], named: str
) -> None:
    async with upstreams("a") as (a,):
        await router.apply(table(route("web", (a, 256))))
        wrong = msgspec.structs.replace(target(a, 256), **change)
        bad = msgspec.structs.replace(route("web"), targets=(wrong,))
        with pytest.raises(RouterError, match=named):
            await router.apply(table(bad))
        assert (await get(router.http_port, WEB)).name == "a"


async def test_a_host_that_could_be_a_command_is_refused(router: Router) -> None:
    with pytest.raises(RouterError, match="no host name"):
        await router.apply(table(route("web", hosts=("a.example x\nb.example",))))


async def test_a_router_is_adopted_with_all_it_holds(make) -> None:
    async with upstreams("a", "b") as (a, b):
        first = make()
        await first.start()
        await first.apply(table(route("web", (a, 256))))
        slow = asyncio.create_task(get(first.http_port, WEB, "/slow"))
        await until(lambda: _in_flight(first, "a", 1))
        await first.apply(table(route("web", (b, 256)), route("new", (b, 256))))
        await first.close(stop=False)
        assert (await get(first.http_port, WEB)).name == "b"
        second = make()
        await second.start()
        view = await second.view()
        assert view.targets == {"b"}
        assert view.traffic["a"].in_flight == 1
        await second.apply(table(route("web", (a, 256)), route("new", (b, 256))))
        assert (await get(second.http_port, WEB)).name == "a"
        a.release.set()
        assert (await slow).name == "a"


async def test_a_stopped_router_listens_no_more(make) -> None:
    router = make()
    await router.start()
    await router.close(stop=True)
    with pytest.raises(ConnectionRefusedError):
        await get(router.http_port, WEB)


async def _in_flight(router: Router, name: str, count: int) -> bool:
    traffic = (await router.view()).traffic.get(name)
    return traffic is not None and traffic.in_flight == count


async def _is_forgotten(router: Router, name: str) -> bool:
    return name not in (await router.view()).traffic
