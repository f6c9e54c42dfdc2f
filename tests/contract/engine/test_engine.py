"""What every filling of the engine port promises about a container's life."""

import asyncio
from datetime import UTC, datetime

import msgspec
import pytest

from headway.model.ids import ContainerId
from headway.model.node import NodeState
from headway.model.order import ObservedState
from headway.ports.engine import Engine, EngineError, NoSuchContainer
from tests.contract.engine.orders import (
    begun,
    ended,
    first,
    lines,
    order,
    result,
    said,
    texts,
    until,
)

# An agent outlives the engine that started it, on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
NOBODY = ContainerId("never-started")


async def test_nodes_offer_capacity_and_name_their_engine(engine: Engine) -> None:
    nodes = await engine.nodes()
    assert [node.id for node in nodes] == sorted(node.id for node in nodes)
    assert all(node.cpu > 0 and node.memory_mib > 0 for node in nodes)
    assert all(node.state is NodeState.READY for node in nodes)
    assert {node.tags["engine"] for node in nodes} == {engine.name}


async def test_a_started_container_runs_on_the_node_it_was_ordered_to(engine: Engine) -> None:
    before = datetime.now(UTC)
    wanted = order("exec sleep 600")
    fact = await begun(engine, wanted)
    assert (fact.id, fact.state, fact.exit) == (wanted.id, ObservedState.RUNNING, None)
    assert fact.node == (await engine.nodes())[-1].id
    assert fact.started_at is not None
    assert before <= fact.started_at <= datetime.now(UTC)


@pytest.mark.parametrize("status", [0, 1, 3, 127])
async def test_the_exit_status_is_the_commands(engine: Engine, status: int) -> None:
    fact, _ = await result(engine, order(f"exit {status}"))
    assert fact.state is ObservedState.EXITED
    assert (fact.exit.status, fact.exit.signal, fact.exit.oom) == (status, None, False)


async def test_an_end_by_a_signal_names_the_signal(engine: Engine) -> None:
    fact, _ = await result(engine, order("kill -USR1 $$; sleep 60"))
    assert (fact.exit.status, fact.exit.signal) == (None, 10)


async def test_starting_an_id_again_gives_the_container_that_there_is(engine: Engine) -> None:
    wanted = order("echo ran; exec sleep 600", expose=("http",))
    one = await begun(engine, wanted)
    await said(engine, wanted.id, "ran")
    two = await begun(engine, wanted)
    assert (two.state, two.ports, two.started_at) == (one.state, one.ports, one.started_at)
    assert await texts(engine, wanted.id) == ["ran"]


async def test_an_ended_id_is_never_run_again(engine: Engine) -> None:
    wanted = order("echo ran; exit 4")
    await result(engine, wanted)
    again = await begun(engine, wanted)
    assert again.state is ObservedState.EXITED
    assert again.exit.status == 4
    assert await texts(engine, wanted.id) == ["ran"]


async def test_many_starts_of_one_id_at_once_run_it_once(engine: Engine) -> None:
    wanted = order("echo ran")
    facts = await asyncio.gather(*(begun(engine, wanted) for _ in range(8)))
    assert {fact.id for fact in facts} == {wanted.id}
    await ended(engine, wanted.id)
    assert await texts(engine, wanted.id) == ["ran"]


async def test_stop_asks_the_main_process_to_end(engine: Engine) -> None:
    wanted = order("trap 'echo bye; exit 5' TERM; echo up; while :; do sleep 0.05; done")
    await begun(engine, wanted)
    await said(engine, wanted.id, "up")
    await engine.stop(wanted.id, 20)
    fact = await ended(engine, wanted.id)
    assert (fact.exit.status, fact.exit.reason, fact.exit.told) == (5, "stopped", True)
    assert await texts(engine, wanted.id) == ["up", "bye"]


async def test_what_ignores_the_request_is_killed_after_the_grace(engine: Engine) -> None:
    wanted = order("trap '' TERM; echo up; while :; do sleep 0.05; done")
    await begun(engine, wanted)
    await said(engine, wanted.id, "up")
    await engine.stop(wanted.id, 0.1)
    fact = await ended(engine, wanted.id)
    assert fact.exit.signal == 9
    assert "did not end in time" in fact.exit.reason
    assert fact.exit.told


async def test_a_second_stop_with_a_shorter_grace_shortens_it(engine: Engine) -> None:
    wanted = order("trap '' TERM; echo up; while :; do sleep 0.05; done")
    await begun(engine, wanted)
    await said(engine, wanted.id, "up")
    await engine.stop(wanted.id, 3600)
    await engine.stop(wanted.id, 0.1)
    assert (await ended(engine, wanted.id)).exit.signal == 9


async def test_stopping_what_is_unknown_or_ended_does_nothing(engine: Engine) -> None:
    await engine.stop(NOBODY, 1)
    wanted = order("exit 6")
    one, _ = await result(engine, wanted)
    await engine.stop(wanted.id, 0)
    await engine.stop(wanted.id, 0)
    (same,) = [fact for fact in await first(engine) if fact.id == wanted.id]
    assert same == one


async def test_a_time_limit_ends_a_container_and_is_the_reason(engine: Engine) -> None:
    fact, _ = await result(engine, order("exec sleep 600", timeout_s=0.5, stop_grace_s=5))
    assert fact.exit.signal == 15
    assert fact.exit.reason == "time limit 0.5 s reached"


async def test_a_time_limit_of_years_ends_nothing(engine: Engine) -> None:
    fact, _ = await result(engine, order("sleep 0.1; exit 5", timeout_s=3650 * 86_400.0))
    assert (fact.exit.status, fact.exit.reason) == (5, "")


async def test_observing_begins_with_everything_and_goes_on_with_changes(engine: Engine) -> None:
    wanted = order("read x; exit 2"), order("exec sleep 600")
    for one in wanted:
        await begun(engine, one)
    listing = await first(engine)
    assert {fact.id for fact in listing} == {one.id for one in wanted}
    await engine.stop(wanted[1].id, 20)
    fact = await until(engine, wanted[1].id, lambda fact: fact.exit is not None)
    assert fact.exit.signal == 15


async def test_ports_are_given_told_and_each_containers_own(engine: Engine) -> None:
    say = 'echo "$PORT $PORT_HTTP $PORT_ADMIN_UI"; exec sleep 600'
    wanted = [order(say, expose=("http", "admin-ui")) for _ in range(3)]
    facts = await asyncio.gather(*(begun(engine, one) for one in wanted))
    for one, fact in zip(wanted, facts, strict=True):
        http, admin = fact.ports["http"], fact.ports["admin-ui"]
        await said(engine, one.id, f"{http} {http} {admin}")
    given = [port for fact in facts for port in fact.ports.values()]
    assert len(set(given)) == 6
    assert all(20_000 <= port <= 29_999 for port in given)


async def test_a_container_has_the_variables_of_its_order(engine: Engine) -> None:
    odd = {"PLAIN": "a b", "QUOTED": "'\"$x\\", "EMPTY": "", "LINES": "one\ntwo", "WIDE": "äß🐙"}
    script = 'printf "%s|" "$PLAIN" "$QUOTED" "$EMPTY" "$LINES" "$WIDE"'
    _, log = await result(engine, order(script, variables=odd))
    assert "\n".join(log) == "".join(f"{value}|" for value in odd.values())


async def test_an_order_for_a_directory_that_is_not_there_is_refused(engine: Engine) -> None:
    wanted = msgspec.convert(
        msgspec.to_builtins(order("true"))
        | {"mounts": [{"source": "/no/such/slug", "path": "/app"}]},
        type(order()),
    )
    with pytest.raises(EngineError, match="/no/such/slug"):
        await begun(engine, wanted)


async def test_a_removed_container_is_forgotten(engine: Engine) -> None:
    wanted = order("echo ran")
    await result(engine, wanted)
    await engine.remove(wanted.id)
    await engine.remove(wanted.id)
    assert wanted.id not in {fact.id for fact in await first(engine)}
    with pytest.raises(NoSuchContainer):
        await lines(engine, wanted.id)


async def test_a_running_container_is_not_removed(engine: Engine) -> None:
    wanted = order("echo up; exec sleep 600")
    await begun(engine, wanted)
    await said(engine, wanted.id, "up")
    with pytest.raises(EngineError, match="still runs"):
        await engine.remove(wanted.id)
    assert await texts(engine, wanted.id) == ["up"]


async def test_usage_tells_of_a_running_container_only(engine: Engine) -> None:
    wanted = order("echo up; sleep 600 & exec sleep 600")
    await begun(engine, wanted)
    await said(engine, wanted.id, "up")
    used = await engine.usage(wanted.id)
    assert used is not None
    assert used.processes >= 2
    await engine.stop(wanted.id, 0)
    await ended(engine, wanted.id)
    assert await engine.usage(wanted.id) is None
    assert await engine.usage(NOBODY) is None


BURNING = """
import time
held = bytearray(48 * 2**20)
held[::4096] = b"x" * len(held[::4096])
began = time.process_time()
while time.process_time() - began < 0.5: pass
print("spent", flush=True)
time.sleep(600)
"""


async def test_measuring_tells_what_running_containers_use(engine: Engine) -> None:
    burning, idle = order(argv=("python3", "-c", BURNING)), order("echo up; exec sleep 600")
    await begun(engine, burning)
    await begun(engine, idle)
    await said(engine, burning.id, "spent")
    await said(engine, idle.id, "up")
    (first,) = [row for row in await engine.measure() if burning.id in row.containers]
    used, unused = first.containers[burning.id], first.containers[idle.id]
    assert used.cpu_s >= 0.5
    assert used.memory_bytes >= 48 * 2**20
    assert unused.cpu_s < used.cpu_s
    assert unused.memory_bytes < used.memory_bytes
    assert first.total.cpu_s >= used.cpu_s
    assert first.total.memory_bytes >= used.memory_bytes + unused.memory_bytes
    assert first.node in {node.id for node in await engine.nodes()}
    await engine.stop(burning.id, 0)
    await ended(engine, burning.id)
    (second,) = [row for row in await engine.measure() if row.node == first.node]
    assert burning.id not in second.containers
    assert second.at_s > first.at_s
    assert second.total.cpu_s >= first.total.cpu_s


async def test_it_is_told_where_a_container_listens(engine: Engine) -> None:
    listen = (
        "import os, socket, time; s = socket.create_server(('127.0.0.1', int(os.environ['PORT'])));"
        "print('up', flush=True); time.sleep(600)"
    )
    wanted = order(argv=("python3", "-c", listen), expose=("http",))
    other = order("echo up; exec sleep 600")
    fact = await begun(engine, wanted)
    await begun(engine, other)
    await said(engine, wanted.id, "up")
    assert await engine.listening(wanted.id) == (f"127.0.0.1:{fact.ports['http']}",)
    assert await engine.listening(other.id) == ()
