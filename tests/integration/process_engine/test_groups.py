"""Control groups on the kernel of this machine: what is in them ends, and where they may be made.

Version 2 is tried as far as this machine has it. In a hybrid hierarchy its limits are version 1's,
so what is tried of them is that controllers are handed down as they must be.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from headway.engines.process import cgroups, delegation, own_groups
from headway.engines.process.shims import groups
from headway.model.resources import Resources
from tests.contract.engine.orders import eventually

UNIFIED = next(
    (
        folder
        for folder in (Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup"))
        if (folder / "cgroup.controllers").exists()
    ),
    None,
)
FREEZER = Path("/sys/fs/cgroup/freezer")
unified = pytest.mark.skipif(
    UNIFIED is None or not os.access(UNIFIED, os.W_OK), reason="no writable version 2 hierarchy"
)
COMET = """
import os, sys, time
for path in sys.argv[1:]: open(path, "w").write("0")
print("up", flush=True)
for _ in range(4): os.fork()
ends_at = time.monotonic() + 30  # whatever becomes of the test
while time.monotonic() < ends_at:
    try:
        if os.fork(): os._exit(0)
    except OSError: pass
"""


def _own_tests_group(base: Path) -> Iterator[Path]:
    folder = base / f"headway-trial-{os.getpid()}"
    folder.mkdir()
    yield folder
    for inner in sorted(folder.rglob("*"), reverse=True):
        if inner.is_dir():
            groups.clear([str(inner)])
    groups.clear([str(folder)])


@pytest.fixture
def below() -> Iterator[Path]:
    assert UNIFIED is not None
    control = UNIFIED / "cgroup.subtree_control"
    before = set(control.read_text().split())
    yield from _own_tests_group(UNIFIED)
    for controller in set(control.read_text().split()) - before:
        control.write_text(f"-{controller}")


@pytest.fixture
def frozen() -> Iterator[Path]:
    yield from _own_tests_group(FREEZER)


def comet(group: Path) -> None:
    """Start processes that fork and leave faster than anybody could list them."""
    words = [sys.executable, "-c", COMET, str(group / "cgroup.procs")]
    started = subprocess.Popen(words, stdout=subprocess.PIPE)
    assert started.stdout is not None
    assert started.stdout.readline() == b"up\n"
    started.stdout.close()
    started.wait()
    assert (group / "cgroup.procs").read_text()


@unified
async def test_a_comet_ends_with_its_group_in_version_2(below: Path) -> None:
    group = below / "comet"
    group.mkdir()
    comet(group)
    groups.end_all(str(group))
    await eventually(lambda: groups.clear([str(group)], ends=False) == [], "the group is gone")


@pytest.mark.skipif(not os.access(FREEZER, os.W_OK), reason="no freezer of version 1")
async def test_a_comet_ends_with_its_group_in_version_1(frozen: Path) -> None:
    group = frozen / "comet"
    group.mkdir()
    comet(group)
    await eventually(lambda: groups.clear([str(group)]) == [], "the group is gone")


@unified
def test_controllers_are_handed_down_and_processes_make_room(below: Path) -> None:
    available = (below.parent / "cgroup.controllers").read_text().split()
    if not available:
        pytest.skip("this hierarchy has no controller")
    wanted = available[0]
    with suppress(OSError):
        (below.parent / "cgroup.subtree_control").write_text(f"+{wanted}")
    sleeper = subprocess.Popen(["sleep", "600"])
    try:
        (below / "cgroup.procs").write_text(str(sleeper.pid))
        own = f"/{below.name}/scope"
        (below / "scope").mkdir()
        found = delegation.place(below.parent, own, "headway", is_root=False, controllers=(wanted,))
        assert found == (below / "headway", (wanted,))
        rest = (below / "headway-rest" / "cgroup.procs").read_text().split()
        assert rest == [str(sleeper.pid)]
        run = found.folder / "run"
        run.mkdir()
        assert wanted in (run / "cgroup.controllers").read_text()
    finally:
        sleeper.kill()
        sleeper.wait()


def test_a_fake_tree_of_version_2(tmp_path: Path) -> None:
    folder = tmp_path / "headway"
    folder.mkdir()
    (tmp_path / "cgroup.controllers").write_text("memory pids cpu io")
    for place in (tmp_path, folder):
        (place / "cgroup.subtree_control").write_text("cpu memory pids")
        (place / "cgroup.procs").write_text("")
    found = cgroups.find(tmp_path, own="/", is_root=True)
    assert (found.version, found.parents, found.missing) == (2, {"unified": folder}, ())
    assert found.counts_cpu
    resources = Resources(cpu=0.5, memory_mib=64, processes=9)
    group = cgroups.group(found, "run", resources)
    run = folder / "run"
    assert group.folders == [str(run)]
    assert group.joins == [str(run / "cgroup.procs")]
    assert {Path(path).name: value for path, value in group.writes} == {
        "memory.max": str(64 << 20),
        "memory.swap.max": "0",
        "memory.oom.group": "1",
        "pids.max": "9",
        "cpu.weight": "50",
    }
    run.mkdir()
    (run / "memory.current").write_text("10\n")
    (run / "pids.current").write_text("2\n")
    (run / "cpu.stat").write_text("usage_usec 1500000\nuser_usec 1000000\n")
    assert cgroups.usage([str(run)]) == (10, 1.5, 2)


def test_groups_of_agents_that_are_gone_are_removed(tmp_path: Path) -> None:
    hierarchy, held = own_groups.made(tmp_path, 0)
    if not held:
        pytest.skip("no control group can be made here")
    (own, *_) = hierarchy.parents.values()
    gone = [own.with_name(f"headway-{'0' * 8}-{os.getpid()}{end}") for end in (1, 2)]
    for folder in gone:
        folder.mkdir()
    (gone[1] / "container").mkdir()
    try:
        own_groups.remove_unheld(own.parent)
        assert [folder.is_dir() for folder in (own, *gone)] == [True, False, True]
        for descriptor in held:
            os.close(descriptor)
        own_groups.remove_unheld(own.parent)
        assert not own.is_dir()
    finally:
        (gone[1] / "container").rmdir()
        gone[1].rmdir()
        for parent in hierarchy.parents.values():
            own_groups.remove_unheld(parent.parent)


def test_an_agent_has_all_groups_though_others_that_start_remove_those_nobody_holds(
    tmp_path: Path,
) -> None:
    hierarchy, held = own_groups.made(tmp_path, 0)
    if not held:
        pytest.skip("no control group can be made here")
    for descriptor in held:
        os.close(descriptor)
    bases = [parent.parent for parent in hierarchy.parents.values()]
    stop = threading.Event()

    def remove() -> None:
        while not stop.is_set():
            for base in bases:
                own_groups.remove_unheld(base)

    removing = threading.Thread(target=remove)
    removing.start()
    try:
        for _ in range(200):
            found, held = own_groups.made(tmp_path, 0)
            for descriptor in held:
                os.close(descriptor)
            assert found == hierarchy
    finally:
        stop.set()
        removing.join()
        for base in bases:
            own_groups.remove_unheld(base)


def test_what_is_not_handed_down_is_missing(tmp_path: Path) -> None:
    folder = tmp_path / "user.slice" / "headway"
    folder.mkdir(parents=True)
    (tmp_path / "cgroup.controllers").write_text("memory pids cpu")
    for place in (folder.parent, folder):
        (place / "cgroup.subtree_control").write_text("pids")
        (place / "cgroup.procs").write_text("")
        (place / "cgroup.subtree_control").chmod(0o444)
    found = cgroups.find(tmp_path, own="/user.slice/some.scope", is_root=False)
    if os.geteuid() != 0:  # root may write to what nobody may write to
        assert found.missing == (
            "memory: the memory controller is not delegated",
            "cpu: the cpu controller is not delegated",
        )
    assert found.parents == {"unified": folder}
