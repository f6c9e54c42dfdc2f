"""Becomes a user who is not root: `python tests/plain_user.py COMMAND …`, started by root.

The interpreter or the checkout may lie where only root may pass, such as below `/root`. In a mount
namespace of its own, what of them is needed is then seen at the same place, by anybody.
"""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

UID = 54321
_CLONE_NEWNS = 0x00020000
_MS_BIND, _MS_REC, _MS_PRIVATE, _MS_MOVE = 4096, 16384, 1 << 18, 8192
_ASIDE = Path("/mnt")
_REPOSITORY = Path(__file__).parent.parent

_libc = ctypes.CDLL(None, use_errno=True)


possible = pytest.mark.skipif(
    os.geteuid() == 0
    and subprocess.run(["unshare", "--mount", "true"], check=False).returncode != 0,
    reason="this root may make no mount namespace, so it cannot become somebody else",
)


def prefix() -> tuple[str, ...]:
    """What to put before a command to run it as a plain user."""
    return (sys.executable, str(Path(__file__).resolve())) if os.geteuid() == 0 else ()


TRIES_S = 300
"""So long the tests of a file may take once more."""


def try_again(file: str, which: str) -> None:
    """Run the tests of a file once more, those whose names match, as a plain user."""
    words = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", file, "-k", which)
    done = subprocess.run(
        [*prefix(), *words], capture_output=True, text=True, check=False, timeout=TRIES_S
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    assert "passed" in done.stdout


def main(argv: list[str]) -> None:
    _call("unshare", _CLONE_NEWNS)
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE)
    needed = list(dict.fromkeys(map(Path, (sys.base_prefix, sys.prefix, str(_REPOSITORY)))))
    for closed in {folder for path in needed if (folder := _closed(path))}:
        _open_up(closed, [path for path in needed if path.is_relative_to(closed)])
    os.setgroups([])
    os.setresgid(UID, UID, UID)
    os.setresuid(UID, UID, UID)
    os.execvp(argv[0], argv)


def _closed(path: Path) -> Path | None:
    """The outermost directory on the way that others may not pass."""
    above = [*reversed(path.resolve().parents)]
    return next((folder for folder in above if not folder.stat().st_mode & 0o001), None)


def _open_up(closed: Path, kept: list[Path]) -> None:
    _mount("tmpfs", str(_ASIDE), "tmpfs", 0, "mode=0755")
    for number, path in enumerate(kept):
        place = _ASIDE / str(number)
        place.mkdir()
        _mount(str(path), str(place), None, _MS_BIND | _MS_REC)
    _mount("tmpfs", str(closed), "tmpfs", 0, "mode=0755")
    for number, path in enumerate(kept):
        path.mkdir(parents=True, exist_ok=True)
        _mount(str(_ASIDE / str(number)), str(path), None, _MS_BIND | _MS_REC)
    _call("umount2", str(_ASIDE).encode(), 2)


def _mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    words = [None if word is None else word.encode() for word in (source, target, kind, data)]
    _call("mount", words[0], words[1], words[2], ctypes.c_ulong(flags), words[3])


def _call(name: str, *values: object) -> None:
    if getattr(_libc, name)(*values) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


if __name__ == "__main__":
    main(sys.argv[1:])
