"""What a container cannot see, do or take, tried by programs that run in one."""

import ctypes
import os
import socket
from pathlib import Path

import pytest

from headway.engines.process.engine import ProcessEngine
from headway.model.build import Mount
from headway.model.ids import AppName
from headway.model.order import Network
from headway.model.resources import MIB, Resources
from tests.contract.engine.orders import begun, ended, order, result, run_inside, said
from tests.integration.process_engine import behind

# An agent outlives the engine that started it, on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
SCOPES = ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), 1) >= 6
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def python(script: str, **fields: object) -> object:
    return order(argv=("python3", "-c", script), **fields)


async def test_nothing_of_the_machine_is_writable_but_the_private_places(
    engine: ProcessEngine,
) -> None:
    script = "for p in / /usr /etc /bin /lib /dev /proc/sys/kernel /root /var; do"
    script += " touch $p/x 2>/dev/null && echo wrote $p; done;"
    script += " for p in /tmp /home /dev/shm; do touch $p/x && echo ok $p; done"
    _, log = await result(engine, order(script))
    assert log == ["ok /tmp", "ok /home", "ok /dev/shm"]


async def test_the_machines_other_files_are_not_there(engine: ProcessEngine, data: Path) -> None:
    script = f"ls -d /etc/shadow /work /var/lib /boot /sys {data} /run/docker.sock 2>/dev/null"
    script += "; ls -A /root /home /tmp"
    _, log = await result(engine, order(script))
    assert [line for line in log if line.startswith("/") and not line.endswith(":")] == []


async def test_no_other_process_can_be_seen(engine: ProcessEngine) -> None:
    other = order("exec sleep 600", variables={"OTHER": "mine"})
    await begun(engine, other)
    script = "for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline; echo; done"
    _, log = await result(engine, order(script))
    assert not any("sleep 600" in line or "headway" in line for line in log)
    assert len(log) <= 4


async def test_supervisors_show_no_variable_and_no_path(engine: ProcessEngine, data: Path) -> None:
    wanted = order(
        "tr '\\0' '\\n' < /proc/1/environ; tr '\\0' '\\n' < /proc/1/cmdline; echo up; sleep 600",
        variables={"TOKEN": "hunter2-hunter2"},
    )
    await begun(engine, wanted)
    await said(engine, wanted.id, "up")
    for pid in (*behind.processes(data, wanted.id).values(), behind.agent(data)):
        for name in ("environ", "cmdline"):
            assert b"hunter2" not in Path(f"/proc/{pid}/{name}").read_bytes()
    kept = [path for path in (data / "agent").rglob("*") if path.is_file()]
    assert kept
    assert not any(b"hunter2" in path.read_bytes() for path in kept)


async def test_only_the_three_standard_descriptors_are_inherited(engine: ProcessEngine) -> None:
    script = "import os; print(sorted(os.listdir('/proc/self/fd'), key=int)[:-1])"
    _, log = await result(engine, python(script))
    assert log == ["['0', '1', '2']"]


async def test_no_capability_and_no_new_privilege(engine: ProcessEngine) -> None:
    _, log = await result(engine, order("grep -E 'Cap|NoNewPrivs|Seccomp:' /proc/self/status"))
    found = dict(line.split(":\t") for line in log)
    assert {found[name] for name in found if name.startswith("Cap")} == {"0" * 16}
    assert (found["NoNewPrivs"], found["Seccomp"]) == ("1", "2")


DENIED = {
    "a mount": "libc.mount(b'none', b'/tmp', b'tmpfs', 0, None)",
    "a user namespace": "libc.unshare(0x10000000)",
    "a namespace by clone": "libc.syscall(56, 0x10000000 | 17, 0, 0, 0, 0)",
    "a namespace by clone, high bits set": "libc.syscall(56, (1 << 40) | 0x10000011, 0, 0, 0, 0)",
    "ptrace": "libc.ptrace(0, 0, 0, 0)",
    "bpf": "libc.syscall(321, 0, 0, 0)",
    "io_uring": "libc.syscall(425, 1, 0)",
    "the kernel's keys": "libc.syscall(248, b'user', b'x', b'y', 1, -2)",
    "perf events": "libc.syscall(298, 0, 0, -1, -1, 0)",
    "userfaultfd": "libc.syscall(323, 0)",
    "typing into the terminal": "libc.ioctl(0, 0x5412, b'x')",
    "typing into the terminal, high bits set": "libc.ioctl(0, ctypes.c_ulong(0x100005412), b'x')",
}


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of x86_64")
async def test_the_kernel_refuses_what_sandboxes_were_left_by(engine: ProcessEngine) -> None:
    calls = "".join(
        f"ctypes.set_errno(0); r = {call}; print({name!r}, r, ctypes.get_errno(), flush=True)\n"
        for name, call in DENIED.items()
    )
    script = f"import ctypes; libc = ctypes.CDLL(None, use_errno=True)\n{calls}"
    _, log = await result(engine, python(script))
    assert log == [f"{name} -1 1" for name in DENIED]


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of x86_64")
async def test_sockets_that_leave_the_network_namespace_are_refused(
    engine: ProcessEngine,
) -> None:
    script = (
        "import ctypes; libc = ctypes.CDLL(None, use_errno=True)\n"
        "for family in range(1, 46):\n"
        "  for high in (0, 1 << 32):\n"
        "    for kind in (1, 2, 3):\n"
        "      if libc.syscall(41, ctypes.c_long(high | family), kind, 0) >= 0: print(family)\n"
    )
    _, log = await result(engine, python(script))
    assert set(log) <= {"1", "2", "10", "16"}
    assert {"1", "2"} <= set(log)


async def test_calls_of_another_architecture_kill(engine: ProcessEngine) -> None:
    script = "import ctypes; ctypes.CDLL(None).syscall(0x40000000 + 39); print('lived')"
    fact, log = await result(engine, python(script))
    assert "lived" not in log
    assert fact.exit.signal == 31


async def test_without_network_there_is_only_a_loopback_of_its_own(engine: ProcessEngine) -> None:
    script = "tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '; tail -n +2 /proc/net/route"
    _, log = await result(engine, order(script, network=Network.NONE))
    assert log == ["lo"]


@pytest.mark.skipif(not SCOPES, reason="this kernel has no scopes of landlock")
async def test_sockets_of_the_machine_without_a_path_are_out_of_reach(
    engine: ProcessEngine,
) -> None:
    name = f"headway-trial-{os.getpid()}"
    script = (
        "import socket\n"
        "own = socket.socket(socket.AF_UNIX); own.bind('\\0own'); own.listen()\n"
        f"for name in ('own', {name!r}):\n"
        "  with socket.socket(socket.AF_UNIX) as trying:\n"
        "    try: trying.connect('\\0' + name); print(name)\n"
        "    except PermissionError: print('refused')\n"
    )
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"\0{name}")
        listening.listen()
        _, log = await result(engine, python(script, network=Network.HOST))
    assert log == ["own", "refused"]


async def test_names_of_other_apps_lead_to_the_router(engine: ProcessEngine) -> None:
    script = "getent hosts api.demo.localhost; getent ahostsv4 localhost"
    _, log = await result(engine, order(script, hosts=("api.demo.localhost",)))
    assert log[0].split() == ["127.0.0.1", "api.demo.localhost"]
    assert log[1].startswith("127.0.0.1")


async def test_a_mount_is_writable_only_when_its_order_says_so(
    engine: ProcessEngine, tmp_path: Path
) -> None:
    slug = tmp_path / "slug"
    slug.mkdir()
    (slug / "file").write_text("content\n")
    volume = await engine.volume("demo~7f3a2c/web", "uploads")
    wanted = order(
        "cat /app/file; echo x > /app/new || echo refused; echo kept > /data/file && echo written",
        mounts=(
            Mount(source=str(slug), path="/app"),
            Mount(source=volume, path="/data", writable=True),
        ),
    )
    _, log = await result(engine, wanted)
    assert [line for line in log if "cannot" not in line] == ["content", "refused", "written"]
    assert (Path(volume) / "file").read_text() == "kept\n"


async def test_private_space_is_bounded_in_bytes_and_files(engine: ProcessEngine) -> None:
    script = (
        "import os\n"
        "total = 0\n"
        "try:\n"
        "  for folder in ('/tmp', '/dev/shm', '/home'):\n"
        "    try:\n"
        "      with open(folder + '/big', 'wb', buffering=0) as f:\n"
        "        while True: total += f.write(b'x' * 65536)\n"
        "    except OSError as e: print(e.errno)\n"
        "finally: print(total)\n"
    )
    fact, log = await result(engine, python(script, resources=Resources(disk_mib=8)))
    assert fact.exit.status == 0
    assert log[:3] == ["28", "28", "28"]
    bound = 8 * MIB * (1 if os.geteuid() == 0 else 3)
    assert 7 * MIB <= int(log[3]) <= bound


@as_root
async def test_the_number_of_private_files_is_bounded(engine: ProcessEngine) -> None:
    script = (
        "n = 0\n"
        "try:\n"
        "  while n < 100000: open(f'/tmp/{n}', 'w').close(); n += 1\n"
        "except OSError as e: print(e.errno, n)\n"
    )
    _, log = await result(engine, python(script, resources=Resources(disk_mib=4)))
    errno, count = map(int, log[0].split())
    assert errno == 28
    assert count <= 1024


@as_root
async def test_apps_are_different_users_and_an_app_stays_the_same(engine: ProcessEngine) -> None:
    async def user(app: str) -> int:
        _, log = await result(engine, order("id -u", app=AppName(app)))
        return int(log[0])

    web, api = await user("web"), await user("api")
    assert web == await user("web")
    assert len({web, api, 0}) == 3


@as_root
async def test_no_file_of_a_container_belongs_to_root(engine: ProcessEngine) -> None:
    volume = await engine.volume("demo~7f3a2c/web", "uploads")
    assert Path(volume).stat().st_mode & 0o777 == 0o700
    wanted = order(
        "cp /bin/sh /data/sh; chmod 6755 /data/sh; mknod /data/d c 1 3 || echo refused",
        mounts=(Mount(source=volume, path="/data", writable=True),),
    )
    _, log = await result(engine, wanted)
    assert "refused" in log
    assert (Path(volume) / "sh").stat().st_uid == Path(volume).stat().st_uid != 0


@pytest.mark.skipif(not os.access(behind.CGROUPS / "memory", os.W_OK), reason="no control groups")
async def test_a_memory_limit_is_enforced_and_named(engine: ProcessEngine) -> None:
    wanted = python("x = bytearray(200 << 20); print('lived')", resources=Resources(memory_mib=64))
    fact, log = await result(engine, wanted)
    assert (fact.exit.signal, fact.exit.oom) == (9, True)
    assert fact.exit.reason == "memory limit 64 MiB reached"
    assert "lived" not in log


@pytest.mark.skipif(not os.access(behind.CGROUPS / "pids", os.W_OK), reason="no control groups")
async def test_a_fork_bomb_is_bounded_and_ends_at_once(engine: ProcessEngine) -> None:
    script = (
        "import os, signal\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('up', flush=True)\n"
        "while True:\n"
        "  try:\n"
        "    if os.fork() == 0: os.setsid()\n"
        "  except OSError: pass\n"
    )
    wanted = python(script, resources=Resources(processes=48))
    await begun(engine, wanted)
    await said(engine, wanted.id, "up")
    used = await engine.usage(wanted.id)
    assert used is not None
    assert used.processes <= 48
    await engine.stop(wanted.id, 0.1)
    assert (await ended(engine, wanted.id)).exit.signal == 9
    assert behind.groups(wanted.id) == []


async def test_children_that_changed_their_session_end_with_the_main_process(
    engine: ProcessEngine, data: Path
) -> None:
    wanted = order("(setsid sh -c 'sleep 600 & exec sleep 600' &); echo up; exec sleep 600")
    await begun(engine, wanted)
    await said(engine, wanted.id, "up")
    init = behind.processes(data, wanted.id)["init"]
    _, inside, _ = await run_inside(engine, wanted.id, "/bin/sh", "-c", "ls -d /proc/[0-9]*")
    assert len(inside.split()) >= 4
    await engine.stop(wanted.id, 20)
    await ended(engine, wanted.id)
    assert not behind.lives(init)
    assert behind.groups(wanted.id) == []


async def test_volumes_are_deleted_without_following_links(
    engine: ProcessEngine, tmp_path: Path
) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_text("stays")
    kept = Path(await engine.volume("demo~7f3a2c/api", "data"))
    volume = Path(await engine.volume("demo~7f3a2c/web", "data"))
    (volume / "link").symlink_to(tmp_path / "outside")
    deep = os.open(volume, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=deep)
        inner = os.open("d", os.O_RDONLY, dir_fd=deep)
        os.close(deep)
        deep = inner
    os.close(deep)
    await engine.remove_volumes("demo~7f3a2c/web")
    assert not volume.exists()
    assert kept.is_dir()
    assert (tmp_path / "outside" / "file").read_text() == "stays"
    await engine.remove_volumes("demo~7f3a2c")
    await engine.remove_volumes("demo~7f3a2c")
    assert not kept.exists()
