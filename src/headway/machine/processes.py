"""Processes of this machine: where programs are, and how two with one number are told apart."""

from pathlib import Path

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_STATE, _BIRTH = 0, 19
"""Places in /proc/PID/stat behind the name, which may hold anything: proc(5), fields 3 and 22."""


def birth(pid: int) -> int | None:
    """Say when a process began, in clock ticks since the machine started.

    None: there is no such process, or it has ended and only waits to be reaped.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return None
    return None if fields[_STATE] == "Z" else int(fields[_BIRTH])
