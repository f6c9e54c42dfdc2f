"""Finds the headway of this machine and the token of its own user."""

import os
from pathlib import Path

import msgspec

from headway.machine.processes import birth
from headway.sdk.errors import NotRunningError, SdkError


class Address(msgspec.Struct, frozen=True):
    """Where a headway is, and the token to speak to it."""

    url: str
    token: str


class _Running(msgspec.Struct, frozen=True):
    url: str
    pid: int
    birth: int = 0


def data_directory() -> Path:
    """Give the data directory: `HEADWAY_DATA`, or the place for this user."""
    chosen = os.environ.get("HEADWAY_DATA")
    if chosen:
        return Path(chosen).absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/headway")
    home = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(home) / "headway"


def running(data: Path) -> tuple[str, int] | None:
    """Give the URL and pid of the control plane that holds a data directory."""
    try:
        found = msgspec.json.decode((data / "server.json").read_bytes(), type=_Running)
    except (OSError, msgspec.DecodeError):
        return None
    # After a crash, its pid may be that of a stranger.
    return (found.url, found.pid) if birth(found.pid) == found.birth else None


def find() -> Address:
    """Find headway: `HEADWAY_URL` and `HEADWAY_TOKEN`, or the one of this machine.

    Raises:
        SdkError: There is none; the text says what to do.
    """
    url, token = os.environ.get("HEADWAY_URL"), os.environ.get("HEADWAY_TOKEN")
    if url and token:
        return Address(url.rstrip("/"), token)
    data = data_directory()
    found = running(data)
    if url is None and found is None:
        raise NotRunningError(
            f"headway does not run here (data directory {data}; HEADWAY_DATA names another)"
        )
    if token is None and url is not None and (found is None or url.rstrip("/") != found[0]):
        raise SdkError(f"HEADWAY_URL names {url}, which is not this machine's: set HEADWAY_TOKEN")
    try:
        token = token or (data / "token").read_text().strip()
    except OSError as error:
        raise SdkError(f"no token: {error} (set HEADWAY_TOKEN)") from error
    return Address(url.rstrip("/") if url else found[0] if found else "", token)
