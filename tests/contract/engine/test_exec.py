"""What every filling of the engine port promises about commands in a running container."""

import asyncio

import pytest

from headway.model.ids import ContainerId
from headway.model.terminal import TerminalSize
from headway.ports.engine import Engine, NoSuchContainer
from tests.contract.engine.orders import begun, ended, order, result, run_inside, said

# An agent outlives the engine that started it, on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")


@pytest.fixture
async def running(engine: Engine) -> ContainerId:
    wanted = order("echo up; exec sleep 600", variables={"GREETING": "hello"})
    await begun(engine, wanted)
    await said(engine, wanted.id, "up")
    return wanted.id


async def test_output_and_status_come_back(engine: Engine, running: ContainerId) -> None:
    got = await run_inside(engine, running, "/bin/sh", "-c", "echo out; echo err >&2; exit 7")
    assert got == (7, b"out\n", b"err\n")


async def test_an_end_by_a_signal_is_128_and_its_number(
    engine: Engine, running: ContainerId
) -> None:
    status, _, _ = await run_inside(engine, running, "/bin/sh", "-c", "kill -USR1 $$; sleep 60")
    assert status == 138


async def test_the_command_has_the_containers_environment_user_and_namespaces(
    engine: Engine,
) -> None:
    show = "echo $GREETING; id -u; readlink /proc/self/ns/*; grep -E 'Cap|NoNew|Seccomp:' "
    show += "/proc/self/status; ulimit -n; hostname"
    wanted = order(f"({show}) > /tmp/seen; echo up; exec sleep 600", variables={"GREETING": "hi"})
    await begun(engine, wanted)
    await said(engine, wanted.id, "up")
    _, main, _ = await run_inside(engine, wanted.id, "cat", "/tmp/seen")
    _, entered, _ = await run_inside(engine, wanted.id, "/bin/sh", "-c", show)
    assert main.startswith(b"hi\n")
    assert entered == main


async def test_input_reaches_the_command_and_ends(engine: Engine, running: ContainerId) -> None:
    given = bytes(range(256)) * 4096
    status, out, _ = await run_inside(engine, running, "cat", given=given)
    assert (status, out) == (0, given)


async def test_a_terminal_has_a_size_that_can_change(engine: Engine, running: ContainerId) -> None:
    script = "trap 'stty size; exit 0' WINCH; stty -echo; echo ready; while :; do sleep 0.05; done"
    async with asyncio.timeout(20):
        session = await engine.exec(running, ("/bin/sh", "-c", script), terminal=TerminalSize())
        out, is_resized = b"", False
        async for _, part in session.output():
            out += part
            if b"ready" in out and not is_resized:
                await session.resize(TerminalSize(columns=132, rows=43))
                is_resized = True
        assert await session.close() == 0
    assert out.replace(b"\r", b"").endswith(b"ready\n43 132\n")


async def test_keys_typed_in_a_terminal_reach_its_foreground(
    engine: Engine, running: ContainerId
) -> None:
    async with asyncio.timeout(20):
        session = await engine.exec(running, ("/bin/sh",), terminal=TerminalSize())
        await session.send(b"tty -s && echo is-a-tty-$((40+2)); exit 9\n")
        out = b"".join([part async for _, part in session.output()])
        assert await session.close() == 9
    assert b"is-a-tty-42" in out


async def _gone(engine: Engine, running: ContainerId, words: bytes) -> None:
    """Wait until no process of a container has these words in its command."""
    while True:
        _, seen, _ = await run_inside(engine, running, "/bin/sh", "-c", "cat /proc/*/cmdline")
        if words not in seen:
            return


@pytest.mark.parametrize("terminal", [None, TerminalSize()])
async def test_input_after_the_end_loses_no_status(
    engine: Engine, running: ContainerId, terminal: TerminalSize | None
) -> None:
    async with asyncio.timeout(20):
        script = "echo last; exit 7 # ends-soon"
        session = await engine.exec(running, ("/bin/sh", "-c", script), terminal=terminal)
        await _gone(engine, running, b"# ends-soon")
        for _ in range(5):  # typed on, while nobody has read yet that it is over
            await session.send(b"too late\n")
            await run_inside(engine, running, "true")
        out = b"".join([part async for _, part in session.output()])
        assert await session.close() == 7
    assert b"last" in out  # a terminal may echo what was typed ahead of it


async def test_closing_ends_the_command(engine: Engine, running: ContainerId) -> None:
    async with asyncio.timeout(20):
        session = await engine.exec(running, ("/bin/sh", "-c", "echo up; exec sleep 4321"))
        async for _ in session.output():
            break
        await session.close()
        await _gone(engine, running, b"sleep\x004321")


async def test_a_command_that_is_not_there_says_so(engine: Engine, running: ContainerId) -> None:
    status, _, err = await run_inside(engine, running, "no-such-command")
    assert status == 127
    assert b"no-such-command" in err


async def test_nothing_runs_in_what_does_not(engine: Engine) -> None:
    with pytest.raises(NoSuchContainer):
        await engine.exec(ContainerId("never-started"), ("true",))
    wanted = order("true")
    await result(engine, wanted)
    with pytest.raises(NoSuchContainer):
        await engine.exec(wanted.id, ("true",))


async def test_a_session_ends_with_its_container(engine: Engine, running: ContainerId) -> None:
    async with asyncio.timeout(20):
        session = await engine.exec(running, ("/bin/sh", "-c", "echo up; exec sleep 600"))
        output = session.output()
        assert await anext(output) == ("stdout", b"up\n")
        await engine.stop(running, 0)
        assert [part async for part in output] == []
        assert await session.close() != 0
    await ended(engine, running)
