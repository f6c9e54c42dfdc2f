"""What runs leave lying about is gone with them: however many, and however they strew it.

`LEFTOVER_RUNS` says how many; `make crash` has 10,000 of them.
"""

import os
from pathlib import Path

import pytest

from headway.engines.process.engine import ProcessEngine
from headway.model.order import ObservedState
from headway.model.run import RunFact
from tests.contract.engine.orders import ended, eventually
from tests.integration.process_engine import behind
from tests.integration.process_engine.runs import Trial, job, started

# An agent outlives the engine that started it, on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
RUNS = int(os.environ.get("LEFTOVER_RUNS", "150"))
_AT_ONCE = 20
_ANEW_EVERY = 15

STREWS = """
import ctypes, os, socket, time
libc = ctypes.CDLL(None)
def strews(mark):
    for n in range(3):
        if os.fork() == 0:
            os.setsid()
            open("/proc/self/comm", "w").write(mark)
            if os.fork() == 0:
                os.closerange(0, 64)
                time.sleep(600)
            os._exit(0)
    for call in ("shmget", "msgget", "semget"):
        number = int(mark[-6:])
        values = {"shmget": (number, 4096, 0o1666), "msgget": (number, 0o1666),
                  "semget": (number, 1, 0o1666)}
        assert getattr(libc, call)(*values[call]) >= 0, call
    for place in ("/tmp", "/dev/shm", "/home"):
        for n in range(5): open(f"{place}/{mark}-{n}", "w").write("x" * 1000)
    held = open(f"/tmp/{mark}", "w"); os.unlink(held.name)
    os.symlink("/etc/passwd", f"/tmp/{mark}-link")
    os.mkfifo(f"/tmp/{mark}-pipe")
    listening = socket.socket(socket.AF_UNIX); listening.bind("\\0" + mark); listening.listen()
    return sorted(os.listdir("/tmp"))[0]
def deep(mark):
    os.chdir("/tmp")
    for n in range(1500): os.mkdir(mark); os.chdir(mark)
    open("file", "w").write("at the bottom")
    return "deep"
def comet(mark):
    open("/proc/self/comm", "w").write(mark)
    if os.fork(): time.sleep(600)
    while True:
        try:
            if os.fork(): os._exit(0)
        except OSError: pass
def flees(mark):
    open("/proc/self/comm", "w").write(mark)
    for n in range(20):
        if os.fork() == 0: os.setsid(); time.sleep(600)
    os._exit(5)
"""
COMMAND = "mkdir -p /tmp/a/b/c; setsid sleep 600 & setsid sleep 600 & echo $! > /home/pid; true"


def with_mark(mark: str) -> list[int]:
    """List the processes that call themselves this."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (folder / "comm").read_text().strip() == mark:
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def of_runner(container: str) -> list[int]:
    """List the processes in a runner's control groups, and in its runs'."""
    found: list[int] = []
    for folder in behind.groups_below(container):
        try:
            found += map(int, (folder / "cgroup.procs").read_text().split())
        except OSError:
            continue
    return found


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


async def done(trial: Trial, mark: str, count: int) -> list[RunFact]:
    """Have so many runs strew, some at a time."""
    facts = []
    for start in range(0, count, _AT_ONCE):
        tasks = [
            trial.send("shell" if number % _ANEW_EVERY == 0 else "strews", mark=mark)
            for number in range(start, min(count, start + _AT_ONCE))
        ]
        facts += [await trial.ended(task) for task in tasks]
        trial.line.acknowledge(facts[start:])
        trial.seen.clear()
        await trial.engine.remove_runs({fact.run for fact in facts[start:]})
    return facts


@pytest.mark.timeout(3600 if RUNS > 1000 else 120)
async def test_many_runs_leave_nothing(engine: ProcessEngine, data: Path) -> None:
    mark = f"strew{os.getpid() % 1_000_000:06d}"
    commands = job("shell", command=COMMAND)
    trial = await started(engine, data, STREWS, job("strews"), commands)
    shim = behind.processes(data, trial.id)["shim"]
    await done(trial, mark, _AT_ONCE)
    before = descriptors(shim)
    facts = await done(trial, mark, RUNS)
    assert {fact.exit.status for fact in facts} == {0}
    # Processes made ahead hold some; a hundred runs would show what each leaves.
    await eventually(lambda: descriptors(shim) < before + 100, "no descriptor is kept of a run")
    await eventually(lambda: not with_mark(mark), "no process is left")
    await engine.stop(trial.id, 5)
    assert (await ended(engine, trial.id)).state is ObservedState.EXITED
    await eventually(lambda: not of_runner(trial.id), "no process is left in a group")
    await eventually(lambda: not behind.groups_below(trial.id), "no group is left")
    assert str(data) not in Path("/proc/self/mounts").read_text()
    for name in ("shm", "msg", "sem"):
        rows = Path(f"/proc/sysvipc/{name}").read_text().splitlines()[1:]
        assert not [row for row in rows if int(row.split()[0]) == int(mark[-6:])], name
    for place in ("/tmp", "/dev/shm", "/home", "/mnt", "/run"):
        assert not list(Path(place).glob(f"*{mark}*")), place
    kept = {path.name for path in behind.folder(data, trial.id).iterdir()}
    assert not {name for name in kept if mark in name}
    await engine.remove(trial.id)
    assert not list((data / "agent" / "containers").iterdir())
    assert not [path for path in (data / "agent" / "runs").rglob("*") if path.is_file()]


async def test_folders_without_end_are_no_trouble(engine: ProcessEngine, data: Path) -> None:
    command = job("shell", command="mkdir -p /tmp/$(printf 'd/%.0s' $(seq 1500))")
    trial = await started(engine, data, STREWS, job("deep"), command)
    for _ in range(3):
        assert await trial.value("deep", mark="d") == "deep"
    assert await trial.value("shell") is None


async def test_who_forks_and_leaves_is_caught(engine: ProcessEngine, data: Path) -> None:
    trial = await started(engine, data, STREWS, job("comet"), job("flees"))
    for name in ("comet", "flees"):
        mark = f"{name}{os.getpid() % 1_000_000:06d}"
        fact = await trial.run(name, timeout_s=0.5 if name == "comet" else 20, mark=mark)
        assert fact.limit == ("time" if name == "comet" else "")
        await eventually(lambda mark=mark: not with_mark(mark), "no process is left")
    assert fact.exit.status == 5
