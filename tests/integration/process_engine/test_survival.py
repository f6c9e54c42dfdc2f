"""What survives `kill -9` of what: containers, lines, ends, and that nothing runs twice."""

import asyncio
import os
import random
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from headway.engines.process.ending import end_agent
from headway.engines.process.engine import ProcessEngine
from headway.model.order import ObservedState
from headway.ports.engine import EngineUnavailable
from tests.contract.engine.orders import (
    begun,
    ended,
    eventually,
    lines,
    order,
    result,
    run_inside,
    said,
    texts,
)
from tests.integration.process_engine import behind

# An agent outlives the engine that started it, on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")


async def test_a_container_and_its_log_outlive_the_agent(engine: ProcessEngine, data: Path) -> None:
    wanted = order(
        "i=0; while ! [ -e /tmp/go ]; do i=$((i+1)); echo $i; sleep 0.02; done; echo last; exit 3",
        expose=("http",),
    )
    one = await begun(engine, wanted)
    await said(engine, wanted.id, "2")
    behind.kill(behind.agent(data))
    two = await begun(engine, wanted)
    assert (two.state, two.ports, two.started_at) == (one.state, one.ports, one.started_at)
    assert await run_inside(engine, wanted.id, "touch", "/tmp/go") == (0, b"", b"")
    assert (await ended(engine, wanted.id)).exit.status == 3
    log = await texts(engine, wanted.id)
    assert log == [str(number) for number in range(1, len(log))] + ["last"]


async def test_an_end_while_no_agent_runs_is_told_by_the_next(
    engine: ProcessEngine, data: Path
) -> None:
    wanted = order("echo up; while ! [ -e /tmp/go ]; do sleep 0.01; done; exit 11")
    await begun(engine, wanted)
    await said(engine, wanted.id, "up")
    init = behind.processes(data, wanted.id)["init"]
    behind.kill(behind.agent(data))
    Path(f"/proc/{init}/root/tmp/go").touch()
    await eventually((behind.folder(data, wanted.id) / "exit.json").exists, "the shim wrote it")
    assert (await ended(engine, wanted.id)).exit.status == 11


async def test_an_observer_hears_of_an_agents_successor(engine: ProcessEngine, data: Path) -> None:
    wanted = order("exec sleep 600")
    await begun(engine, wanted)
    observed = engine.observe()
    async with asyncio.timeout(20):
        before = await anext(observed)
        killed = behind.agent(data)
        behind.kill(killed)
        assert await anext(observed) == before  # by the one that was started again
    assert behind.agent(data) != killed


async def test_only_one_agent_runs_on_a_directory(engine: ProcessEngine, data: Path) -> None:
    running = behind.agent(data)
    others = [ProcessEngine(data) for _ in range(4)]
    await asyncio.gather(*(other.open() for other in others))
    assert behind.agent(data) == running
    behind.kill(running)
    started: set[int] = set()
    opening = asyncio.gather(*(other.open() for other in others))
    while not opening.done():
        started.update(behind.agents(data))
        await asyncio.sleep(0.005)
    await opening
    assert started - {running} == {behind.agent(data)}
    assert behind.lives(behind.agent(data))


async def test_a_container_whose_shim_hangs_is_ended_all_the_same(
    engine: ProcessEngine, data: Path
) -> None:
    wanted = order("echo up; exec sleep 600")
    await begun(engine, wanted)
    await said(engine, wanted.id, "up")
    pids = behind.processes(data, wanted.id)
    for pid in pids.values():
        os.kill(pid, signal.SIGSTOP)
    await engine.stop(wanted.id, 0)
    assert (await ended(engine, wanted.id)).state is ObservedState.LOST
    await eventually(
        lambda: not any(behind.lives(pid) for pid in pids.values()), "its processes ended"
    )


async def test_a_container_dies_with_its_shim_and_is_lost(
    engine: ProcessEngine, data: Path
) -> None:
    wanted = order("echo up; (setsid sleep 600 &); exec sleep 600")
    await begun(engine, wanted)
    await said(engine, wanted.id, "up")
    pids = behind.processes(data, wanted.id)
    behind.kill(pids["shim"])
    fact = await ended(engine, wanted.id)
    assert fact.state is ObservedState.LOST
    assert "killed" in fact.exit.reason
    await eventually(lambda: not behind.lives(pids["init"]), "its processes are gone")
    again = await begun(engine, wanted)
    assert again.state is ObservedState.LOST
    assert await texts(engine, wanted.id) == ["up"]


async def test_what_was_lost_while_no_agent_ran_is_lost(engine: ProcessEngine, data: Path) -> None:
    wanted = order("echo up; exec sleep 600")
    await begun(engine, wanted)
    await said(engine, wanted.id, "up")
    behind.kill(behind.agent(data))
    behind.kill(behind.processes(data, wanted.id)["shim"])
    assert (await begun(engine, wanted)).state is ObservedState.LOST
    await eventually(lambda: behind.groups(wanted.id) == [], "its control groups are gone")


async def test_a_stop_is_carried_out_although_the_agent_dies(
    engine: ProcessEngine, data: Path
) -> None:
    wanted = order("trap '' TERM; echo up; while :; do sleep 0.02; done")
    await begun(engine, wanted)
    await said(engine, wanted.id, "up")
    await engine.stop(wanted.id, 0.2)
    behind.kill(behind.agent(data))
    await eventually((behind.folder(data, wanted.id) / "exit.json").exists, "it was ended")
    assert (await ended(engine, wanted.id)).exit.signal == 9


async def test_a_stop_that_its_shim_was_not_told_of_is_found_on_its_next_wake(
    engine: ProcessEngine, data: Path
) -> None:
    wanted = order("echo up; exec sleep 600")
    await begun(engine, wanted)
    await said(engine, wanted.id, "up")
    (behind.folder(data, wanted.id) / "stop.json").write_text('{"grace_s": 5}')
    os.kill(behind.processes(data, wanted.id)["shim"], signal.SIGTERM)
    assert (await ended(engine, wanted.id)).exit.signal == 15


async def test_a_shim_is_not_ended_by_a_bare_signal(engine: ProcessEngine, data: Path) -> None:
    wanted = order("echo up; exec sleep 600")
    await begun(engine, wanted)
    await said(engine, wanted.id, "up")
    shim = behind.processes(data, wanted.id)["shim"]
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        os.kill(shim, number)
    assert (await run_inside(engine, wanted.id, "echo", "alive"))[1] == b"alive\n"
    assert behind.lives(shim)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_killed_at_random_nothing_is_lost_and_nothing_runs_twice(
    engine: ProcessEngine, data: Path, seed: int
) -> None:
    chance = random.Random(seed)
    wanted = [order(f"echo begin; sleep 0.0{chance.randrange(9)}; echo end") for _ in range(8)]

    async def killing() -> None:
        for _ in range(6):
            await asyncio.sleep(chance.random() * 0.15)
            behind.kill(behind.agent(data))

    async def start(one: int) -> None:
        while True:
            with suppress(EngineUnavailable):
                await begun(engine, wanted[one])
                return

    killer = asyncio.create_task(killing())
    await asyncio.gather(*(start(one) for one in range(len(wanted))))
    await killer
    for one in wanted:
        fact = await ended(engine, one.id)
        assert (fact.state, fact.exit.status) == (ObservedState.EXITED, 0)
        assert await texts(engine, one.id) == ["begin", "end"]


async def test_a_second_engine_reads_what_the_first_started(
    engine: ProcessEngine, data: Path
) -> None:
    wanted = order("echo one; exit 2")
    fact, _ = await result(engine, wanted)
    other = ProcessEngine(data)
    assert await ended(other, wanted.id) == fact
    assert [line.text for line in await lines(other, wanted.id)] == ["one"]


async def test_an_agent_that_was_told_to_end_leaves_containers_running(
    engine: ProcessEngine, data: Path
) -> None:
    wanted = order("echo up; exec sleep 600")
    await begun(engine, wanted)
    await said(engine, wanted.id, "up")
    gone = behind.agent(data)
    await engine.close(stop=True)
    await eventually(lambda: not behind.lives(gone), "the agent ended")
    assert behind.lives(behind.processes(data, wanted.id)["init"])
    assert (await run_inside(engine, wanted.id, "echo", "alive"))[1] == b"alive\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount")
async def test_an_agent_that_finds_no_room_says_so_and_starts_once_there_is(data: Path) -> None:
    folder = data / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], check=True)
    engine = ProcessEngine(folder)
    try:
        await engine.open()
        await engine.nodes()
        behind.kill(behind.agent(folder))
        with suppress(OSError), (folder / "fill").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(512))
        with pytest.raises(EngineUnavailable, match="no space is left on"):
            await ProcessEngine(folder).open()
        (folder / "fill").unlink()
        await eventually_opened(folder)
    finally:
        await engine.close()
        await end_agent(folder / "agent")
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


async def eventually_opened(folder: Path) -> None:
    engine = ProcessEngine(folder)
    await engine.open()
    assert await engine.nodes()
    await engine.close()
