"""A clean sandbox a run: how soon it begins, how many a second, and what sharing one would give.

The floor is a program that does nothing else than to clone into the same namespaces and groups, to
isolate what it cloned (limits, user, /proc and a disk of its own, no capability) and to have it
exit. Beside it stands one that isolates nothing: it clones, and makes and removes the same groups.
All are measured in turn, in the same run.
"""

import asyncio
import ctypes
import os
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NoReturn

import msgspec

from benchmarks.figure import Figure, percentile
from headway.engines.process import cgroups
from headway.engines.process.engine import ProcessEngine
from headway.engines.process.zygote import kernel
from headway.model.build import Mount
from headway.model.container import ContainerKind
from headway.model.ids import AppName, ContainerId, EnvironmentId, RunId
from headway.model.job import Job
from headway.model.order import Order
from headway.model.resources import Resources
from headway.model.run import RunFactState, Task
from headway.ports.engine import Runner

CODE = """
import time
def first(): return time.monotonic()
def nothing(): pass
def shared(): pass
"""
ALONE = 200
IN_FLIGHT = 2
SECONDS = 6.0
ROUNDS = 3
SHARED = 60_000
_NAMESPACES = (
    kernel.CLONE_NEWUSER
    | kernel.CLONE_NEWPID
    | kernel.CLONE_NEWNS
    | kernel.CLONE_NEWIPC
    | kernel.CLONE_NEWUTS
    | kernel.CLONE_NEWCGROUP
    | kernel.CLONE_NEWNET
)
_USER = 300_000
_MOUNTS = (
    kernel.Mount("proc", "/proc", "proc", kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC),
    kernel.Mount("tmpfs", "/tmp", "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "size=64m"),
)
_call = ctypes.CDLL(None, use_errno=True).syscall


def run() -> list[Figure]:
    """Measure."""
    return asyncio.run(_run())


async def _run() -> list[Figure]:
    async with _runner() as line:
        facts = _Facts(line)
        waits = await _latency(line, facts)
        bares, floors, cleans = [], [], []
        for number in range(ROUNDS):
            bares.append(await asyncio.to_thread(_floor, isolates=False))
            floors.append(await asyncio.to_thread(_floor, isolates=True))
            cleans.append(await _throughput(line, facts, number))
        shared = await _shared(line, facts)
        bare, floor, clean = (sum(rates) / ROUNDS for rates in (bares, floors, cleans))
        p50 = percentile(waits, 0.5)
        return [
            Figure(
                what="parked: send to first line, p50",
                value=p50,
                unit="ms",
                goal="under 1 ms",
                holds=p50 < 1,
            ),
            Figure(
                what="parked: send to first line, p99", value=percentile(waits, 0.99), unit="ms"
            ),
            Figure(
                what=f"clean runs, {IN_FLIGHT} in flight",
                value=clean,
                unit="/s",
                against=f"clone, isolate, exit, {IN_FLIGHT} in flight {floor:.0f}/s",
                ratio=clean / floor,
                goal="at least 0.8",
                holds=clean / floor >= 0.8,
            ),
            Figure(
                what="the same",
                value=clean,
                unit="/s",
                against=f"clone, exit, {IN_FLIGHT} in flight {bare:.0f}/s",
                ratio=clean / bare,
            ),
            Figure(
                what="runs that share a process, through the line",
                value=shared,
                unit="/s",
                goal="at least 20,000",
                holds=shared >= 20_000,
            ),
        ]


class _Facts:
    """Waits for the ends of runs, and acknowledges them."""

    def __init__(self, line: Runner) -> None:
        self._line = line
        self._news = aiter(line.facts())

    async def ends(self) -> list:
        while True:
            found = [fact for fact in await anext(self._news) if fact.state is RunFactState.ENDED]
            if found:
                self._line.acknowledge(found)
                for fact in found:
                    assert fact.exit is not None
                    assert fact.exit.status == 0, fact
                return found


@asynccontextmanager
async def _runner() -> AsyncIterator[Runner]:
    folder = Path(tempfile.mkdtemp(prefix="hw-"))
    folder.chmod(0o755)
    slug = folder / "slug"
    slug.mkdir()
    (slug / "tasks.py").write_text(CODE)
    engine = ProcessEngine(folder)
    await engine.open()
    small = Resources(memory_mib=128)
    order = Order(
        id=ContainerId(f"bench-{os.getpid()}"),
        kind=ContainerKind.RUNNER,
        app=AppName("bench"),
        environment=EnvironmentId("bench"),
        name="bench/runner",
        argv=(),
        mounts=(Mount(source=str(slug), path="/app"),),
        jobs=(
            Job(name="first", function="tasks:first", resources=small),
            Job(name="nothing", function="tasks:nothing", resources=small),
            Job(name="shared", function="tasks:shared", resources=small, reuse=1000),
        ),
    )
    try:
        node, *_ = await engine.nodes()
        await engine.start(order, node.id)
        line = await engine.attach(order.id)
        await asyncio.sleep(1)
        yield line
        await line.close()
    finally:
        await engine.stop(order.id, 0)
        await asyncio.sleep(2.5)
        await engine.close(stop=True)
        await asyncio.sleep(0.3)
        shutil.rmtree(folder, ignore_errors=True)


def _tasks(job: str, count: int, start: int) -> list[Task]:
    return [
        Task(
            run=RunId(f"{number:08d}-{job}"),
            attempt=1,
            job=job,
            parameters=msgspec.Raw(b"{}"),
            timeout_s=60,
        )
        for number in range(start, start + count)
    ]


async def _latency(line: Runner, facts: _Facts) -> list[float]:
    """One at a time, with a moment between them for a process to be parked."""
    waits = []
    for task in _tasks("first", ALONE, 0):
        await asyncio.sleep(0.02)
        at = time.monotonic()
        line.send([task])
        (fact,) = await facts.ends()
        waits.append(1000 * (msgspec.json.decode(fact.result) - at))
    return waits


async def _throughput(line: Runner, facts: _Facts, round_: int) -> float:
    tasks = iter(_tasks("nothing", 100_000, 100_000 * round_))
    line.send([next(tasks) for _ in range(IN_FLIGHT)])
    at, ended = time.monotonic(), 0
    while time.monotonic() < at + SECONDS:
        found = await facts.ends()
        ended += len(found)
        line.send([next(tasks) for _ in found])
    rate = ended / (time.monotonic() - at)
    left = IN_FLIGHT
    while left:
        left -= len(await facts.ends())
    return rate


async def _shared(line: Runner, facts: _Facts) -> float:
    tasks = _tasks("shared", SHARED, 0)
    at, sent, ended = time.monotonic(), 0, 0
    while ended < SHARED:
        while sent < SHARED and sent - ended < 2000:
            line.send(tasks[sent : sent + 500])
            sent += 500
        ended += len(await facts.ends())
    return SHARED / (time.monotonic() - at)


def _floor(*, isolates: bool) -> float:
    """Some programs that clone, wait and clear up; nothing else."""
    read, write = os.pipe()
    for number in range(IN_FLIGHT):
        if os.fork() == 0:
            try:
                os.write(write, b"%d\n" % _clones(number, isolates=isolates))
            finally:
                os._exit(0)
    os.close(write)
    for _ in range(IN_FLIGHT):
        os.wait()
    with os.fdopen(read) as file:
        return sum(map(int, file.read().split())) / SECONDS


def _clones(number: int, *, isolates: bool) -> int:
    hierarchy = cgroups.of_runs(cgroups.find(), count_cpu=False)
    ends_at, count = time.monotonic() + SECONDS, 0
    while time.monotonic() < ends_at:
        name = f"floor-{os.getpid()}-{number}-{count}"
        group = cgroups.group(hierarchy, name, Resources())
        for folder in group.folders:
            os.mkdir(folder)
        if isolates:
            _isolated(group)
        else:
            pid = _clone()
            if pid == 0:
                os._exit(0)
            os.waitpid(pid, 0)
        for folder in group.folders:
            os.rmdir(folder)
        count += 1
    return count


def _clone() -> int:
    flags = ctypes.c_ulong(_NAMESPACES | signal.SIGCHLD)
    return _call(kernel._CLONE[os.uname().machine], flags, 0, 0, 0, 0)


def _isolated(group: cgroups.Group) -> None:
    """Have one process in a sandbox that is as good as nothing to it."""
    for path, value in group.writes:
        with suppress(OSError):  # not every kernel has every file
            _write(path, value.encode())
    doors = [os.open(path.replace("cgroup.procs", "tasks"), os.O_WRONLY) for path in group.joins]
    told, tell = os.pipe()
    pid = _clone()
    if pid == 0:
        _isolate(doors, told)
    for map_ in ("uid_map", "gid_map"):
        _write(f"/proc/{pid}/{map_}", b"%d %d 1" % (_USER, _USER))
    os.write(tell, b"G")
    _, status = os.waitpid(pid, 0)
    assert status == 0
    for descriptor in (*doors, told, tell):
        os.close(descriptor)


def _isolate(doors: list[int], told: int) -> NoReturn:
    try:
        for door in doors:
            os.write(door, b"0")
        os.read(told, 1)  # its user is mapped
        os.setresgid(_USER, _USER, _USER)
        os.setresuid(_USER, _USER, _USER)
        for mount in _MOUNTS:
            mount.make()
        kernel.drop_capabilities()
        os._exit(0)
    finally:
        os._exit(1)


def _write(path: str, value: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, value)
    finally:
        os.close(descriptor)
