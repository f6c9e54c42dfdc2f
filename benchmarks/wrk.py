"""Load by wrk, which is installed where it is missing and may be."""

import re
import shutil
import subprocess
from dataclasses import dataclass

CONNECTIONS = 32


@dataclass(kw_only=True)
class Loaded:
    """What a run of load saw."""

    rate: float
    """Answers a second."""
    p99_ms: float
    failed: int


def ensure() -> None:
    """Install wrk from the distribution's packages where it is missing."""
    if shutil.which("wrk") is None:
        print("installing wrk")
        subprocess.run(["apt-get", "install", "-y", "-q", "wrk"], check=True, capture_output=True)


def load(port: int, host: str, seconds: int) -> Loaded:
    """Ask for `/` as fast as one core can, over kept connections."""
    words = f"wrk -t 1 -c {CONNECTIONS} -d {seconds}s --latency".split()
    done = subprocess.run(
        [*words, "-H", f"Host: {host}", f"http://127.0.0.1:{port}/"],
        capture_output=True,
        text=True,
        check=True,
    )
    rate = re.search(r"Requests/sec:\s*([\d.]+)", done.stdout)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", done.stdout)
    errors = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
    assert rate is not None, done.stdout
    assert p99 is not None, done.stdout
    unit = {"us": 0.001, "ms": 1.0, "s": 1000.0}[p99[2]]
    return Loaded(
        rate=float(rate[1]), p99_ms=float(p99[1]) * unit, failed=int(errors[1]) if errors else 0
    )
