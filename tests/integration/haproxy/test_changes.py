"""The commands and counters that need no HAProxy to be looked at."""

from headway.routers.haproxy import changes
from headway.routers.haproxy.statistics import ServerRow
from headway.routers.haproxy.traffic import Ledger
from tests.contract.router.upstream import Upstream, route, table

BACKEND = "demo:7f3a2c.web.http"


def _upstream(name: str, port: int) -> Upstream:
    made = Upstream(name)
    made.port = port
    return made


def _row(server: str, **more: object) -> ServerRow:
    fields: dict[str, object] = {
        "backend": BACKEND,
        "server": server,
        "address": "127.0.0.1:5001",
        "weight": 256,
        "status": "no check",
        "in_flight": 0,
        "requests": 0,
        "errors": 0,
        "response_ms": 0,
    }
    return ServerRow(**{**fields, **more})  # type: ignore[arg-type]


A = _upstream("a", 5001)


def test_a_server_that_is_as_wanted_gets_no_command() -> None:
    assert changes.server_changes(table(route("web", (A, 256))), [_row("a")], [BACKEND]) == []


def test_a_new_server_is_added_before_an_old_one_leaves() -> None:
    wanted = table(route("web", (A, 256)))
    rows = [_row("b", address="127.0.0.1:5002")]
    assert changes.server_changes(wanted, rows, [BACKEND]) == [
        f"add server {BACKEND}/a 127.0.0.1:5001 weight 256",
        f"set server {BACKEND}/a state ready",
        f"set server {BACKEND}/b state maint",
        f"del server {BACKEND}/b",
    ]


def test_a_server_with_requests_leaves_and_is_kept() -> None:
    assert changes.server_changes(table(), [_row("a", in_flight=2)], [BACKEND]) == [
        f"set server {BACKEND}/a state maint"
    ]
    left = _row("a", in_flight=1, status="MAINT")
    assert changes.server_changes(table(), [left], [BACKEND]) == []


def test_a_server_that_left_comes_back_with_its_weight() -> None:
    row = _row("a", status="MAINT", weight=0)
    assert changes.server_changes(table(route("web", (A, 7))), [row], [BACKEND]) == [
        f"set weight {BACKEND}/a 7",
        f"set server {BACKEND}/a state ready",
    ]


def test_a_container_that_moved_gets_its_new_address() -> None:
    wanted = table(route("web", (_upstream("a", 5009), 256)))
    assert changes.server_changes(wanted, [_row("a")], [BACKEND]) == [
        f"set server {BACKEND}/a addr 127.0.0.1 port 5009"
    ]


def test_a_process_is_not_told_of_backends_that_it_lacks() -> None:
    wanted = table(route("web", (A, 256)))
    assert changes.server_changes(wanted, [], []) == []
    assert changes.host_changes("m", {"x.example": BACKEND}, {"y.example": "old"}, []) == [
        "del map m y.example"
    ]


def test_counters_add_up_over_processes_and_survive_their_ends() -> None:
    ledger = Ledger()
    ledger.note(1, [_row("a", requests=10, errors=1, response_ms=20, in_flight=1)], {})
    ledger.note(2, [_row("a", requests=5, errors=0, response_ms=50, in_flight=2)], {})
    seen = ledger.view().traffic["a"]
    assert (seen.requests, seen.errors, seen.in_flight, seen.response_ms) == (15, 1, 3, 30)
    ledger.drop(1)
    ledger.note(2, [_row("a", requests=6)], {})
    ledger.forget(["a"])
    seen = ledger.view().traffic["a"]
    assert (seen.requests, seen.errors, seen.in_flight) == (16, 1, 0)


def test_a_server_that_was_deleted_and_came_back_adds_to_its_total() -> None:
    ledger = Ledger()
    ledger.note(1, [_row("a", requests=10, errors=2)], {})
    ledger.note(1, [_row("a", requests=3, errors=1)], {})
    seen = ledger.view().traffic["a"]
    assert (seen.requests, seen.errors) == (13, 3)


def test_a_container_that_nobody_knows_any_more_is_forgotten() -> None:
    ledger = Ledger()
    ledger.note(1, [_row("a", requests=10)], {})
    ledger.note(1, [], {})
    ledger.forget([])
    assert ledger.view().traffic == {}


def test_what_no_server_counted_was_refused() -> None:
    ledger = Ledger()
    ledger.note(1, [_row("a", unreached=1)], {BACKEND: 4})
    assert ledger.view().refused == {BACKEND.replace(":", "~"): 3}
    ledger.note(1, [_row("a", unreached=3)], {BACKEND: 7})
    ledger.note(2, [], {BACKEND: 5})
    assert ledger.view().refused == {BACKEND.replace(":", "~"): 9}
    ledger.drop(1)
    ledger.note(2, [], {})
    ledger.forget(["a"])
    assert ledger.view().refused == {}
