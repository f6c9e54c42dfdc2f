"""Headway's own log, where there is no room for it."""

import subprocess
import sys

CODE = """
import resource, sys
from pathlib import Path
from headway.machine.own_log import Log, log_to
log_to(Path(sys.argv[1]))
Log().info("begins")
resource.setrlimit(resource.RLIMIT_FSIZE, (30, resource.RLIM_INFINITY))
Log().info("too much")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
Log().info("goes on")
"""


def test_a_line_that_finds_no_room_is_left_out_without_a_word(tmp_path):
    path = tmp_path / "headway.log"
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    text = path.read_text()
    assert "begins" in text
    assert "goes on" in text
