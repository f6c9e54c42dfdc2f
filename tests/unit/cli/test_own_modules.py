"""Modules of the directory in which a command is given are none of headway's."""

import subprocess
import sys
from pathlib import Path

import pytest

HEADWAY = Path(sys.executable).with_name("headway")


@pytest.mark.parametrize("words", [("sim", "--", "init", "--help"), ("down", "--data", "there")])
def test_a_module_of_an_app_is_not_taken_for_one_of_python(tmp_path, words):
    (tmp_path / "there").mkdir()
    for name in ("token", "platform", "msgspec"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('this is the app')")
    done = subprocess.run(
        [HEADWAY, *words], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
