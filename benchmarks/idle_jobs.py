"""What jobs cost while none is due: writes to the store, processor, and memory beside Celery's."""

import shutil
import subprocess
import time
from contextlib import suppress

from benchmarks.figure import Figure
from benchmarks.idle import _cpu, _memory
from benchmarks.peers import peers
from benchmarks.work import below, work

SECONDS = 30
_CALLS = "fsync,fdatasync,pwrite64,pwritev,pread64"


def run() -> list[Figure]:
    """Count the system calls by which SQLite reads and writes its file, and weigh processes."""
    with work() as own, peers("celery -c 2") as others:
        time.sleep(8)  # what was done for the start is over
        plane = own.place.pid()
        agent = int((own.place.data / "agent" / "agent.lock").read_text())
        runner = below(own.runner())
        everything = [plane, agent, *runner]
        before = sum(map(_cpu, everything))
        at = time.monotonic()
        if shutil.which("strace") is None:
            print("without calls: there is no strace")
            time.sleep(SECONDS)
            calls = None
        else:
            calls = _calls(plane)
        share = 100 * (sum(map(_cpu, everything)) - before) / (time.monotonic() - at)
        parts = {
            "control plane": _memory(plane),
            "agent": _memory(agent),
            "runner with one warm release": sum(map(_memory, runner)),
        }
        theirs = sum(
            _memory(pid) for peer in others for worker in peer.workers for pid in below(worker)
        )
    figures = []
    if calls is not None:
        figures.append(
            Figure(
                what="calls that read or write the store, a minute",
                value=60 * calls / SECONDS,
                unit="",
                against="DBOS 60 a queue, pg-boss 120",
                goal="0",
                holds=calls == 0,
            )
        )
    figures += [
        Figure(what=f"{name}: memory", value=value, unit="MiB") for name, value in parts.items()
    ]
    both = parts["control plane"] + parts["agent"]
    for what, value, is_goal in (
        ("control plane and agent: memory", both, bool(theirs)),
        ("all of it, with the release's modules: memory", sum(parts.values()), False),
    ):
        figures.append(
            Figure(
                what=what,
                value=value,
                unit="MiB",
                against=f"Celery prefork -c 2, without Redis {theirs:.0f} MiB" if others else "",
                ratio=value / theirs if theirs else None,
                goal="at most Celery's" if is_goal else "",
                holds=value <= theirs if is_goal else None,
            )
        )
    return [*figures, Figure(what="all of it: processor", value=share, unit="%")]


def _calls(pid: int) -> int:
    words = ["strace", "-f", "-qq", "-e", f"trace={_CALLS}", "-p", str(pid)]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as tracer:
        time.sleep(SECONDS)
        tracer.terminate()
        _, said = tracer.communicate()
    lines = [
        line for line in said.splitlines() if any(f"{name}(" in line for name in _CALLS.split(","))
    ]
    with suppress(IndexError):
        print("seen:", lines[0])
    return len(lines)
