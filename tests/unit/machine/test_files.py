"""Files that only their owner reads."""

import os
import stat

from headway.machine.files import keep_private


def _mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_made_and_one_that_is_there_becomes_private(tmp_path):
    new, old = tmp_path / "new", tmp_path / "old"
    old.write_text("kept")
    old.chmod(0o644)
    for path in (new, old):
        keep_private(path)
        assert _mode(path) == 0o600
    assert old.read_text() == "kept"


def test_what_is_no_file_is_left_as_it_is(tmp_path):
    device = tmp_path / "pipe"
    os.mkfifo(device)
    device.chmod(0o666)
    keep_private(device)
    assert _mode(device) == 0o666
