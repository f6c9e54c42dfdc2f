"""What an upgrade finds: agents and runners that the version before left at work."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import headway
from headway.engines.process import link
from headway.engines.process.engine import ProcessEngine
from headway.machine.files import is_locked
from tests.contract.engine.orders import begun, ended, eventually, order, run_inside, said, texts
from tests.integration.process_engine import behind

# An agent outlives the engine that started it, on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")

_OTHER = """
import sys, headway
headway.__version__ = sys.argv.pop(1)
from headway.engines.process import agent
sys.exit(agent.main())
"""
"""An agent as another version has it; what says "" is left out, as by those before it was told."""

_WORKER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
from headway.engines.process.zygote.worker import Worker
Worker({"tell": lambda given: [given, os.environ["HEADWAY_RUN"], os.environ.get("MORE")]}).serve()
"""


async def with_agent_of(version: str, engine: ProcessEngine, data: Path) -> int:
    """Put an agent of another version in the place of the one that runs."""
    lock = data / "agent" / "agent.lock"
    behind.kill(behind.agent(data))
    await eventually(lambda: not is_locked(lock), "the agent is gone")
    old = subprocess.Popen(
        [sys.executable, "-c", _OTHER, version, str(data / "agent")], start_new_session=True
    )
    await eventually(lambda: is_locked(lock) and behind.agent(data) == old.pid, "it runs")
    await engine.nodes()
    assert behind.agent(data) == old.pid
    return old.pid


@pytest.mark.parametrize("version", ["0.0.9", ""])
async def test_an_agent_that_another_version_left_is_replaced_and_its_containers_live_on(
    engine: ProcessEngine, data: Path, version: str
) -> None:
    old = await with_agent_of(version, engine, data)
    wanted = order("echo one; while ! [ -e /tmp/go ]; do sleep 0.02; done; echo two; exit 3")
    before = await begun(engine, wanted)
    await said(engine, wanted.id, "one")
    assert behind.agent(data) == old
    processes = behind.processes(data, wanted.id)

    upgraded = ProcessEngine(data)
    await upgraded.open()
    new = behind.agent(data)
    assert new != old
    assert not behind.lives(old)
    assert behind.processes(data, wanted.id) == processes
    assert await begun(upgraded, wanted) == before
    assert await run_inside(upgraded, wanted.id, "touch", "/tmp/go") == (0, b"", b"")
    assert (await ended(upgraded, wanted.id)).exit.status == 3
    assert await texts(upgraded, wanted.id) == ["one", "two"]
    again = ProcessEngine(data)
    await again.open()
    assert behind.agent(data) == new


async def test_an_agent_that_says_another_version_even_when_begun_anew_is_kept(
    engine: ProcessEngine, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = behind.agent(data)
    monkeypatch.setattr(link, "__version__", f"{headway.__version__}.dev1")
    upgraded = ProcessEngine(data)
    await upgraded.open()
    second = behind.agent(data)
    assert second != first
    for _ in range(3):
        await upgraded.open()
        assert len(await upgraded.nodes()) == 1
    assert behind.agent(data) == second


@pytest.mark.parametrize(
    ("more", "told"), [([], None), ([{"MORE": "yes"}], "yes")], ids=["older", "this"]
)
def test_a_worker_does_tasks_of_a_runner_that_knows_of_no_variables(
    more: list[dict[str, str]], told: str | None
) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        number = theirs.fileno()
        words = [sys.executable, "-c", _WORKER, str(number)]
        with subprocess.Popen(words, pass_fds=[number]) as worker:
            theirs.close()
            task = [7, "tell", "run-1", 2, {"n": 5}, False, True, *more]
            ours.sendall(json.dumps(task).encode() + b"\n")
            with ours.makefile("rb") as answers:
                said_number, _, _, word, result = answers.readline().split(b" ", 4)
        assert worker.returncode == os.EX_OK
    assert (said_number, word) == (b"7", b"ok")
    assert json.loads(result) == [{"n": 5}, "run-1", told]
