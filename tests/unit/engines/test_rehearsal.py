"""What is done once before anything is forked."""

import subprocess
import sys

_PROGRAM = """
import os, signal
from headway.engines.process.zygote.rehearsal import rehearse
from headway.engines.process.zygote.worker import Worker

def seen():
    handlers = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGCHLD)]
    return dict(os.environ), len(os.listdir("/proc/self/fd")), handlers

os.environ["HEADWAY_RUN"] = "the app's own"
before = seen()
rehearse(Worker({}))
assert seen() == before, (before, seen())
"""


def test_a_rehearsal_leaves_no_trace():
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
