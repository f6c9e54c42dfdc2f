"""A thousand apps in one environment, all of them running."""

import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.e2e.installation import Installation

MIB_EACH = 10
TIMEOUT_S = 600


def as_many_as_fit() -> int:
    """A thousand, or on a small machine as many as half of its memory holds."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    (available,) = [line.split()[1] for line in lines if line.startswith("MemAvailable")]
    return min(1000, int(available) // 1024 // 2 // MIB_EACH)


def write_apps(own: Installation, count: int) -> list[str]:
    names = [f"app{number:04d}" for number in range(count)]
    for name in names:
        folder = own.folder / "apps" / name
        folder.mkdir(parents=True)
        (folder / "headway.yaml").write_text(
            f"name: {name}\nrun: {{type: process, command: exec sleep 100000}}\n"
            "resources: {cpu: 0.001, max_mem: 16MiB}\n"
        )
    return names


def states(own: Installation) -> Counter[str]:
    (view,) = own.json("status", "-e", "thousand")["environments"]
    return Counter(member["state"] for member in view["members"])


@pytest.mark.slow
@pytest.mark.timeout(TIMEOUT_S)
def test_a_thousand_apps_start_are_shown_and_end(own):
    count = as_many_as_fit()
    own.up()
    names = write_apps(own, count)
    folders = [str(own.folder / "apps" / name) for name in names]
    assert own.run("apps", "add", *folders, timeout=TIMEOUT_S).status == 0
    done = own.run("start", "-e", "thousand", *names, timeout=TIMEOUT_S)
    assert done.status == 0, done.err[-2000:]
    assert states(own) == {"healthy": count}
    assert len(own.ok("ps", "-e", "thousand").splitlines()) == count + 1
    assert own.run("envs", "destroy", "thousand", "--yes", timeout=TIMEOUT_S).status == 0
    left = subprocess.run(
        ["pgrep", "-fc", f"shim.py {own.data}"], capture_output=True, text=True, check=False
    )
    assert left.stdout.strip() == "0"
