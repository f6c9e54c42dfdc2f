"""What is read of the kernel: control groups, and processes where there are none."""

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from headway.engines.process.cgroups import Hierarchy
from headway.engines.process.engine import ProcessEngine
from headway.engines.process.measuring import Measuring
from headway.model.ids import ContainerId, NodeId
from headway.model.order import NodeReading, Reading
from tests.contract.engine.conftest import opened
from tests.integration.process_engine.runs import job, started

NODE = NodeId("here")
WEB, RUNNER = ContainerId("web-1"), ContainerId("runner-1")
NOBODY = 2**22 + 1
"""No process has this number."""
NO_GROUPS = Hierarchy(0, {}, ("memory: none", "cpu time: none"))

# An agent outlives the engine that started it, on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")


def group(parent: Path, name: str, *, usec: int, memory: int = 0, inactive: int = 0) -> Path:
    """Write a group's files, as version 2 has them."""
    folder = parent / name
    folder.mkdir(exist_ok=True)
    (folder / "cpu.stat").write_text(f"usage_usec {usec}\nuser_usec 1\n")
    (folder / "memory.current").write_text(f"{memory}\n")
    (folder / "memory.stat").write_text(f"anon 1\ninactive_file {inactive}\nactive_file 2\n")
    return folder


def test_files_that_were_read_once_are_no_memory_that_is_used(tmp_path: Path) -> None:
    measuring = Measuring(Hierarchy(2, {"unified": tmp_path}, ()))
    group(tmp_path, "", usec=9_000_000)
    group(tmp_path, WEB, usec=1_500_000, memory=1000, inactive=300)
    group(tmp_path, "another-1", usec=7_000_000, memory=1000)
    read = measuring.read(NODE, {WEB: 1})
    assert read.containers == {WEB: Reading(cpu_s=1.5, memory_bytes=700)}
    assert read.total == Reading(cpu_s=9.0, memory_bytes=700)


def test_what_runs_have_used_is_their_runners_when_they_have_ended(tmp_path: Path) -> None:
    measuring = Measuring(Hierarchy(2, {"unified": tmp_path}, ()))
    group(tmp_path, RUNNER, usec=1_000_000, memory=100)
    run = group(tmp_path, f"{RUNNER}.5", usec=2_000_000, memory=30)
    assert measuring.read(NODE, {RUNNER: 1}).containers[RUNNER] == Reading(
        cpu_s=3.0, memory_bytes=130
    )
    for path in run.iterdir():
        path.unlink()
    run.rmdir()
    group(tmp_path, RUNNER, usec=1_500_000, memory=100)
    group(tmp_path, f"{RUNNER}.6", usec=250_000, memory=10)
    assert measuring.read(NODE, {RUNNER: 1}).containers[RUNNER] == Reading(
        cpu_s=3.75, memory_bytes=110
    )
    assert measuring.read(NODE, {}).containers == {}


BURNING = """
import os, sys, time
held = bytearray(32 * 2**20)
held[::4096] = b"x" * len(held[::4096])
def burn(seconds):
    began = time.process_time()
    while time.process_time() - began < seconds: pass
if not (child := os.fork()):
    burn(0.5)
    print("burnt", flush=True)
    sys.stdin.readline()
    os._exit(0)
os.waitpid(child, 0)
print("gone", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def shim() -> Iterator["subprocess.Popen[str]"]:
    """A process as a supervisor is: what is below it is the container."""
    inner = [sys.executable, "-c", BURNING]
    command = [sys.executable, "-c", f"import subprocess; subprocess.run({inner})"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def test_without_groups_a_container_is_all_processes_below_its_supervisor(shim) -> None:
    measuring = Measuring(NO_GROUPS)
    assert shim.stdout.readline() == "burnt\n"
    first = read(measuring, shim)
    assert 0.5 <= first.containers[WEB].cpu_s < 60
    assert first.containers[WEB].memory_bytes >= 32 * 2**20
    shim.stdin.write("\n")
    shim.stdin.flush()
    assert shim.stdout.readline() == "gone\n"
    second = read(measuring, shim)
    assert second.containers[WEB].cpu_s >= first.containers[WEB].cpu_s
    assert measuring.read(NODE, {}).total.cpu_s == second.total.cpu_s
    shim.stdin.write("\n")
    shim.stdin.flush()


def read(measuring: Measuring, shim: "subprocess.Popen[str]") -> NodeReading:
    return measuring.read(NODE, {WEB: shim.pid, RUNNER: NOBODY})


CODE = """
import time
def burn(seconds=0.4):
    began = time.process_time()
    while time.process_time() - began < seconds: pass
    time.sleep(600)
"""


async def test_what_a_run_uses_its_runner_does(engine: ProcessEngine, data: Path) -> None:
    trial = await started(engine, data, CODE, job("burn"))
    before = await used(engine, trial.id)
    await trial.began(trial.send("burn"))
    while (await used(engine, trial.id)).cpu_s < before.cpu_s + 0.4:
        pass  # the test's own time limit ends it


@pytest.fixture
async def another(data: Path) -> AsyncIterator[ProcessEngine]:
    """An engine of another installation on the same machine."""
    folder = data / "another"
    folder.mkdir()
    async for made in opened(folder):
        yield made


async def test_a_node_has_not_used_what_another_installation_did(
    engine: ProcessEngine, data: Path, another: ProcessEngine
) -> None:
    trial = await started(engine, data, CODE, job("burn"))
    await trial.began(trial.send("burn"))
    while (await used(engine, trial.id)).cpu_s < 0.4:
        pass  # the test's own time limit ends it
    (row,) = await another.measure()
    assert row.total.cpu_s == 0


async def used(engine: ProcessEngine, container: ContainerId) -> Reading:
    (row,) = await engine.measure()
    return row.containers[container]
