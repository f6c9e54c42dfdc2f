"""Every limit of a run ends it, and its outcome names the limit. Tried as a plain user, too."""

import os
from pathlib import Path

import pytest

from headway.engines.process.engine import ProcessEngine
from headway.model.job import StartMode
from headway.model.resources import Resources
from tests import plain_user
from tests.integration.process_engine import behind
from tests.integration.process_engine.runs import SMALL, job, started

# An agent outlives the engine that started it, on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
HAS_GROUPS = os.access(behind.CGROUPS / "memory", os.W_OK)
with_groups = pytest.mark.skipif(not HAS_GROUPS, reason="no control groups")

JOBS = """
import os, signal, sys, time
def burns():
    while True: pass
def stubborn():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True: pass
def breeds():
    while True:
        if os.fork() == 0:
            end = time.process_time() + 0.05
            while time.process_time() < end: pass
            os._exit(0)
        os.wait()
def sleeps(): time.sleep(0.3); return "slept"
def shouts():
    block = b"x" * 65535 + b"\\n"
    while True: os.write(1, block)
def quiet(): print("x" * 1000)
def forks():
    children = []
    while True:
        pid = os.fork()
        if pid == 0: signal.pause()
def copes():
    for _ in range(100):
        try: pid = os.fork()
        except OSError: break
        if pid == 0: signal.pause()
    raise ValueError("of another kind")
def opens():
    found = []
    while True: found.append(open("/dev/null"))
def eats():
    found = []
    while True: found.append(bytearray(1 << 20))
def fills():
    with open("/tmp/big", "wb", buffering=0) as file:
        while True: file.write(bytes(1 << 20))
"""


async def test_processor_time_is_limited_and_named(engine: ProcessEngine, data: Path) -> None:
    # Without groups it is whole seconds.
    limited = {"cpu_time_s": 0.2 if HAS_GROUPS else 1.0, "grace_s": 0.2}
    trial = await started(
        engine,
        data,
        JOBS,
        job("burns", **limited),
        job("stubborn", **limited),
        job("anew", function="tasks:burns", start=StartMode.COLD, **limited),
        job("shell", command="while :; do :; done", **limited),
        job("sleeps", **limited),
    )
    for name in ("burns", "stubborn", "anew", "shell"):
        fact = await trial.run(name, timeout_s=60)
        assert (fact.limit, fact.exit.status == 0, fact.cancelled) == ("cpu", False, False), name
        assert fact.exit.reason.startswith(f"cpu time limit {limited['cpu_time_s']:g} s reached")
        assert fact.cpu_s >= limited["cpu_time_s"] * 0.9 or not HAS_GROUPS
    assert await trial.value("sleeps") == "slept"


@with_groups
async def test_processor_time_is_that_of_all_processes(engine: ProcessEngine, data: Path) -> None:
    trial = await started(engine, data, JOBS, job("breeds", cpu_time_s=0.5, grace_s=0.2))
    fact = await trial.run("breeds", timeout_s=60)
    assert (fact.limit, fact.failure.type) == ("cpu", "Cancelled")


@with_groups
async def test_processor_time_begins_anew_with_each_run_of_a_process(
    engine: ProcessEngine, data: Path
) -> None:
    code = (
        "import time\n"
        "def some(s=0.3):\n"
        "  end = time.process_time() + s\n"
        "  while time.process_time() < end: pass\n"
    )
    trial = await started(engine, data, code, job("some", cpu_time_s=0.6, reuse=10, grace_s=5))
    for _ in range(4):
        assert await trial.value("some") is None
    assert (await trial.run("some", s=60)).limit == "cpu"
    assert await trial.value("some") is None


async def test_output_is_limited_and_its_end_is_kept(engine: ProcessEngine, data: Path) -> None:
    trial = await started(
        engine,
        data,
        JOBS,
        job("shouts", output_mib=1),
        job("quiet", output_mib=1),
        job("shell", output_mib=1, command="trap '' TERM; yes & yes >&2"),
    )
    for name in ("shouts", "shell"):
        fact = await trial.run(name, timeout_s=60)
        assert (fact.limit, fact.exit.signal) == ("output", 9), name
        assert fact.exit.reason == "output limit 1 MiB reached"
        assert sum(len(text) for _, text in await trial.log(fact)) <= 1 << 20
    assert await trial.log(await trial.run("quiet")) == [("stdout", "x" * 1000)]


async def test_output_is_counted_for_each_run_of_a_process(
    engine: ProcessEngine, data: Path
) -> None:
    code = "def says(n): print('x' * n)\n"
    trial = await started(engine, data, code, job("says", output_mib=1, reuse=100))
    for _ in range(4):
        assert await trial.value("says", n=700_000) is None
    assert (await trial.run("says", n=2_000_000)).limit == "output"


async def test_processes_are_limited_and_named(engine: ProcessEngine, data: Path) -> None:
    few = Resources(memory_mib=128, disk_mib=16, processes=16)
    trial = await started(
        engine,
        data,
        JOBS,
        job("forks", resources=few),
        job("copes", resources=few),
        job("shell", resources=few, command="while :; do sleep 60 & done"),
    )
    fact = await trial.run("forks")
    assert fact.failure.type == "BlockingIOError"
    if HAS_GROUPS:
        shell = await trial.run("shell")
        for one in (fact, shell):
            assert (one.limit, one.exit.reason) == ("processes", "limit of 16 processes reached")
    fact = await trial.run("copes")
    assert (fact.limit, fact.failure.type) == ("", "ValueError")


async def test_open_files_are_limited_and_named(engine: ProcessEngine, data: Path) -> None:
    few = Resources(memory_mib=128, disk_mib=16, processes=16, open_files=64)
    trial = await started(engine, data, JOBS, job("opens", resources=few))
    fact = await trial.run("opens")
    assert (fact.limit, fact.exit.reason) == ("files", "limit of 64 open files reached")


async def test_memory_and_disk_are_limited_and_named(engine: ProcessEngine, data: Path) -> None:
    trial = await started(
        engine,
        data,
        JOBS,
        job("eats"),
        job("fills"),
        job("anew", function="tasks:fills", start=StartMode.COLD),
    )
    fact = await trial.run("eats", timeout_s=60)
    assert fact.limit == "memory"
    peak = "; peak 1" if HAS_GROUPS else ""
    assert fact.exit.reason.startswith(f"memory limit {SMALL.memory_mib} MiB reached{peak}")
    for name in ("fills", "anew"):
        fact = await trial.run(name)
        assert (fact.limit, fact.exit.reason) == ("disk", "disk limit 16 MiB reached")


@plain_user.possible
@pytest.mark.skipif(os.geteuid() != 0, reason="the tests above were a plain user's")
@pytest.mark.timeout(plain_user.TRIES_S + 20)
def test_limits_hold_for_a_plain_user() -> None:
    plain_user.try_again(__file__, "named or kept")
