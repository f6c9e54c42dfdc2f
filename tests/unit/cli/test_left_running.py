"""What runs of an installation is known by what it was started with, where nothing else tells."""

import subprocess
import sys
from pathlib import Path

import pytest

from headway.cli.left_running import end, is_part, left_running

SHIM = "/x/headway/engines/process/shim.py"


@pytest.mark.parametrize(
    ("words", "is_so"),
    [
        (["python3", "-m", "headway.engines.process.agent", "/d/agent"], True),
        (["python3", "-m", "headway.engines.process.agent", "/d/agents/2"], True),
        (["python3", "-I", SHIM, "/d/agent/containers/web-1"], True),
        (["/usr/sbin/haproxy", "-f", "/d/router/processes/2/haproxy.cfg"], True),
        (["/usr/sbin/haproxy", "-f", "/etc/haproxy.cfg"], False),
        (["python3", "-m", "headway.engines.process.agent", "/d/other/agent"], False),
        (["python3", "-I", SHIM, "/d2/agent/containers/web-1"], False),
        (["tail", "-f", "/d/agent/agent.log"], False),
        ([""], False),
    ],
)
def test_only_what_is_headways_own_and_of_this_directory_is_meant(words, is_so):
    assert is_part(words, "/d") is is_so


def test_they_are_found_and_ended_also_where_they_do_not_want_to(tmp_path: Path):
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "print('deaf', flush=True); time.sleep(600)"
    )
    words = [sys.executable, "-c", deaf]
    plane = [*words, "-m", "headway.serve", "up", "--data", str(tmp_path)]
    agent = [*words, "-m", "headway.engines.process.agent", str(tmp_path / "agent")]
    started = [
        subprocess.Popen(one, stdout=subprocess.PIPE, text=True) for one in (plane, agent, words)
    ]
    try:
        for one in started:
            assert one.stdout is not None
            assert one.stdout.readline() == "deaf\n"
        found = left_running(tmp_path)
        assert [(row.pid, row.name) for row in found] == [
            (started[0].pid, "control plane"),
            (started[1].pid, "agent"),
        ]
        assert end(found) == []
        assert left_running(tmp_path) == []
        assert started[2].poll() is None
    finally:
        for one in started:
            one.kill()
            one.communicate()
