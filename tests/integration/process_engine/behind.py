"""Looks behind the engine: its directories, processes and control groups."""

import json
import os
import signal
from contextlib import suppress
from pathlib import Path

from headway.model.ids import ContainerId

CGROUPS = Path("/sys/fs/cgroup")


def folder(data: Path, container: ContainerId) -> Path:
    """Where the engine keeps a container."""
    return data / "agent" / "containers" / container


def processes(data: Path, container: ContainerId) -> dict[str, int]:
    """Give a container's supervising processes: shim, sandbox, init."""
    status = json.loads((folder(data, container) / "status.json").read_text())
    return {name: status[name] for name in ("shim", "sandbox", "init")}


def agent(data: Path) -> int:
    """Give the agent's process id; 0 before it has written it."""
    try:
        return int((data / "agent" / "agent.lock").read_text() or 0)
    except FileNotFoundError:
        return 0


def agents(data: Path) -> list[int]:
    """List the processes that were started as its agent, those that have not begun yet, too."""
    wanted = {b"headway.engines.process.agent", str(data / "agent").encode()}
    found: list[int] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(FileNotFoundError, ProcessLookupError):
            if wanted <= {*path.read_bytes().split(b"\0")}:
                found.append(int(path.parent.name))
    return found


def kill(pid: int) -> None:
    """Kill a process, if it is there."""
    if pid:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def lives(pid: int) -> bool:
    """Whether a process runs. One that ended and was not collected does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def groups(container: ContainerId) -> list[Path]:
    """List a container's control groups. Those of other tests come and go meanwhile."""
    return [path for path in groups_below(f"{container}.") if path.name.count(".") == 1]


def groups_below(prefix: str) -> list[Path]:
    """List control groups whose names begin like this."""
    parents = [*CGROUPS.glob("headway-*"), *CGROUPS.glob("*/headway-*")]
    return sorted(
        parent / name
        for parent in parents
        if parent.is_dir()
        for name in os.listdir(parent)
        if name.startswith(prefix)
    )
