"""Processes of an installation that its data directory tells of no more, as it was deleted."""

import os
import signal
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from headway.machine.processes import birth

_SERVE, _AGENT = "headway.serve", "headway.engines.process.agent"
_PROGRAMS = "/headway/engines/process/"
_END_S = 2.0


class Left(NamedTuple):
    """One of them."""

    pid: int
    name: str
    is_plane: bool
    """Whether it is the control plane itself."""


def left_running(data: Path) -> list[Left]:
    """List what runs here for a data directory, by what each was started with."""
    found = []
    for pid, words in _commands():
        if _is_plane(words, str(data)):
            found.append(Left(pid, "control plane", is_plane=True))
        elif is_part(words, str(data)):
            found.append(Left(pid, _name(words), is_plane=False))
    return found


def end(rows: Iterable[Left]) -> list[Left]:
    """End processes; gives those that would not, or are another user's.

    Supervisors go by files that are gone, so what they have ends with them at once.
    """
    began = {row: birth(row.pid) for row in rows}
    for number in (signal.SIGTERM, signal.SIGKILL):
        for row in began:
            if _is_there(row, began):
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(row.pid, number)
        ends_at = time.monotonic() + _END_S
        while any(_is_there(row, began) for row in began) and time.monotonic() < ends_at:
            time.sleep(0.05)
    return [row for row in began if _is_there(row, began)]


def _is_there(row: Left, began: dict[Left, int | None]) -> bool:
    return began[row] is not None and birth(row.pid) == began[row]


def _commands() -> Iterator[tuple[int, list[str]]]:
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            with suppress(OSError):
                words = (place / "cmdline").read_bytes().decode(errors="replace").split("\0")
                yield int(place.name), words


def _is_plane(words: Sequence[str], data: str) -> bool:
    return _SERVE in words and "up" in words and data in words


def is_part(words: Sequence[str], data: str) -> bool:
    """Say whether a command is of an agent, a supervisor or a router of a data directory.

    >>> is_part(["python3", "-m", "headway.engines.process.agent", "/d/agent"], "/d")
    True
    >>> is_part(["less", "/d/agent/agent.log"], "/d")
    False
    """
    if Path(words[0]).name == "haproxy":
        return any(word.startswith(f"{data}/router/") for word in words)
    is_ours = _AGENT in words or any(_PROGRAMS in word for word in words[1:])
    inside = (f"{data}/agent/", f"{data}/agents/")
    return is_ours and any(word == f"{data}/agent" or word.startswith(inside) for word in words)


def _name(words: Sequence[str]) -> str:
    if _AGENT in words:
        return "agent"
    programs = (Path(word).stem for word in words[1:] if _PROGRAMS in word)
    return next(programs, Path(words[0]).name)
