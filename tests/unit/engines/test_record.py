"""How a container ended is kept, whatever has become of its directory."""

import json
import subprocess
import sys

END = """
import os, sys
from headway.engines.process.shims.record import record_exit
os.chdir(sys.argv[1])
if sys.argv[2:]:
    os.rmdir(sys.argv[1])
record_exit(3, None, "")
"""


def test_an_end_is_kept_and_of_what_somebody_has_removed_nobody_waits_to_tell(tmp_path):
    kept, removed = tmp_path / "kept", tmp_path / "removed"
    kept.mkdir()
    removed.mkdir()
    subprocess.run([sys.executable, "-c", END, kept], check=True, timeout=30)
    subprocess.run([sys.executable, "-c", END, removed, "remove"], check=True, timeout=30)
    assert json.loads((kept / "exit.json").read_text())["status"] == 3
