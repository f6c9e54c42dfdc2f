"""A program that cannot be started: the log says why, by the file itself."""

import platform
import struct
import subprocess
from pathlib import Path

import msgspec
import pytest

from headway.calculate.rollout.explain import likely_causes
from headway.engines.process.engine import ProcessEngine
from headway.model.build import Mount
from tests.contract.engine.orders import order, result

# An agent outlives the engine that started it, on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")

OTHER = ("aarch64", 0xB7) if platform.machine() == "x86_64" else ("x86_64", 0x3E)


def elf(machine: int, loader: bytes = b"") -> bytes:
    """Make a program of 64 bits that does nothing, for a machine, loaded by another program."""
    head = b"\x7fELF\x02\x01\x01" + bytes(9)
    head += struct.pack("<HHIQQQIHHHHHH", 3, machine, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    return (
        head + struct.pack("<IIQQQQQQ", 3, 4, 120, 120, 120, len(loader), len(loader), 1) + loader
    )


def own_machine() -> int:
    (number,) = struct.unpack_from("<H", Path("/bin/sh").read_bytes(), 18)
    return number


CASES = {
    "mode": (b"#!/bin/sh\necho hi\n", 0o644, "its mode is 0644"),
    "owner": (b"#!/bin/sh\necho hi\n", 0o700, "its mode is 0700"),
    "script": (b"#!/opt/nodejs/bin/node\n", 0o755, "names /opt/nodejs/bin/node, which is not"),
    "env": (b"#!/usr/bin/env python9\n", 0o755, "asks for python9, which is not in the PATH"),
    "windows": (b"#!/bin/sh\r\necho hi\r\n", 0o755, "carriage return"),
    "other": (elf(OTHER[1]), 0o755, f"built for {OTHER[0]}, and this machine is"),
    "loader": (elf(own_machine(), b"/lib/ld-none.so.1\0"), 0o755, "needs /lib/ld-none.so.1"),
    "loop": (b"#!/app/loop\n", 0o755, "lead to no program"),
    "empty": (b"", 0o644, "its mode is 0644"),
}


@pytest.fixture
def slug(tmp_path: Path) -> Path:
    folder = tmp_path / "slug"
    folder.mkdir()
    for name, (content, mode, _) in CASES.items():
        (folder / name).write_bytes(content)
        (folder / name).chmod(mode)
    (folder / "folder").mkdir()
    (folder / "linked").symlink_to("mode")
    (folder / "outside").symlink_to("/root/.profile")
    folder.chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ("command", "said"),
    [
        *((f"exec ./{name} --flag", said) for name, (_, _, said) in CASES.items()),
        ("A=1 exec /app/folder", "/app/folder is a directory"),
        ("./linked", "its mode is 0644"),
        ("./nothing", "there is no /app/./nothing"),
        ("./outside", "there is no /app/./outside"),
    ],
)
async def test_the_log_says_why(engine: ProcessEngine, slug: Path, command: str, said: str) -> None:
    wanted = order(command, mounts=(Mount(source=str(slug), path="/app", writable=False),))
    wanted = msgspec.structs.replace(wanted, directory="/app")
    fact, log = await result(engine, wanted)
    assert fact.exit is not None
    assert fact.exit.status in (2, 126, 127), log
    assert said in log[-1]
    assert "cannot be started" in log[-1]
    assert log[-1] in likely_causes(tuple(log))


async def test_a_filesystem_that_runs_nothing_is_named(
    engine: ProcessEngine, tmp_path: Path
) -> None:
    mounting = ["mount", "-t", "tmpfs", "-o", "noexec,size=1m", "none", str(tmp_path)]
    if subprocess.run(mounting, capture_output=True, check=False).returncode != 0:
        pytest.skip("no filesystem can be mounted here")
    try:
        (tmp_path / "run").write_text("#!/bin/sh\necho hi\n")
        (tmp_path / "run").chmod(0o755)
        mount = Mount(source=str(tmp_path), path="/app", writable=False)
        _, log = await result(engine, order("exec /app/run", mounts=(mount,)))
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
    assert log[-1].endswith("/app/run is on a filesystem that is mounted noexec")


@pytest.mark.parametrize(
    "command", ["exit 126", "no-such-program", "true; exit 2", "sh -c 'exit 127'"]
)
async def test_nothing_is_said_where_no_file_speaks_for_it(
    engine: ProcessEngine, command: str
) -> None:
    _, log = await result(engine, order(command))
    assert not any("cannot be started" in line for line in log)
