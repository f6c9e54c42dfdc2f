"""Whole directory trees: hashed, copied, measured and deleted, without following a link."""

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from headway.model.ids import Digest

_READ_BYTES = 1024 * 1024


def entries(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    """List everything below a directory as (relative path, status), in path order."""
    found: list[tuple[str, os.stat_result]] = []
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        with os.scandir(root / folder) as listing:
            for entry in listing:
                path = f"{folder}{entry.name}"
                status = entry.stat(follow_symlinks=False)
                found.append((path, status))
                if stat.S_ISDIR(status.st_mode):
                    waiting.append(f"{path}/")
    yield from sorted(found, key=lambda pair: pair[0])


def digest(root: Path) -> tuple[Digest, int]:
    """Hash a tree and give its size in bytes.

    Paths, contents, link targets and whether a file may be executed count; times, owners and other
    modes do not.
    """
    whole = hashlib.sha256()
    size = 0
    for path, status in entries(root):
        mode = status.st_mode
        if stat.S_ISLNK(mode):
            kind, content = b"link", os.fsencode((root / path).readlink())
        elif stat.S_ISREG(mode):
            kind = b"program" if mode & 0o100 else b"file"
            content = _file_digest(root / path)
            size += status.st_size
        elif stat.S_ISDIR(mode):
            kind, content = b"folder", b""
        else:
            continue
        for part in (kind, os.fsencode(path), content):
            whole.update(len(part).to_bytes(8, "big") + part)
    return Digest(f"sha256-{whole.hexdigest()}"), size


def _file_digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def copy(source: Path, target: Path, *, link: bool) -> None:
    """Copy a tree: directories, files and links that stay inside. `link` shares the files' content.

    Anything else, such as sockets and devices, is left out.

    Raises:
        ValueError: A link leads outside.
    """
    target.mkdir(mode=0o755, parents=True)
    for path, status in entries(source):
        mode = status.st_mode
        if stat.S_ISDIR(mode):
            (target / path).mkdir(mode=0o755, exist_ok=True)
        elif stat.S_ISLNK(mode):
            aim = str((source / path).readlink())
            if not stays_inside(path, aim):
                raise ValueError(f"the link {path} leads outside, to {aim}")
            (target / path).symlink_to(aim)
        elif stat.S_ISREG(mode):
            if link:
                os.link(source / path, target / path, follow_symlinks=False)
            else:
                _copy_file(source / path, target / path, mode)


def _copy_file(source: Path, target: Path, mode: int) -> None:
    descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as reading, target.open("xb") as writing:
        while part := reading.read(_READ_BYTES):
            writing.write(part)
    target.chmod(0o755 if mode & 0o100 else 0o644)


def stays_inside(path: str, aim: str) -> bool:
    """Say whether a link at a relative path leads to something in the same tree.

    >>> stays_inside("a/b", "../c"), stays_inside("a/b", "../../c"), stays_inside("a", "/etc")
    (True, False, False)
    """
    if aim.startswith("/"):
        return False
    depth = path.count("/")
    for part in aim.split("/"):
        if part == "..":
            depth -= 1
            if depth < 0:
                return False
        elif part not in ("", "."):
            depth += 1
    return True


def give(root: Path, uid: int) -> None:
    """Give a tree to a user. Only for trees in which nobody untrusted has written yet."""
    os.chown(root, uid, uid, follow_symlinks=False)
    for path, _ in entries(root):
        os.chown(root / path, uid, uid, follow_symlinks=False)


def measure(root: Path) -> int:
    """Add up the space that a tree takes, in bytes, while others may change it."""
    total = 0
    waiting = [str(root)]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as listing:
                for entry in listing:
                    try:
                        total += entry.stat(follow_symlinks=False).st_blocks * 512
                    except FileNotFoundError:
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
        except (FileNotFoundError, NotADirectoryError):
            continue
    return total


def remove(root: Path) -> int:
    """Delete a tree, however deep, and give the bytes freed.

    Directories are moved to the top before they are emptied, so no path gets long, and everything
    is named relative to an open directory, so no name is looked up through a link.
    """
    try:
        top = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return 0
    freed, moved = 0, 0
    try:
        os.fchmod(top, 0o700)
        while names := os.listdir(top):
            for name in names:
                status = os.lstat(name, dir_fd=top)
                if stat.S_ISDIR(status.st_mode):
                    bytes_freed, moved = _empty(top, name, moved)
                    freed += bytes_freed
                    os.rmdir(name, dir_fd=top)
                else:
                    os.unlink(name, dir_fd=top)
                    freed += status.st_blocks * 512
    finally:
        os.close(top)
    root.rmdir()
    return freed


def _empty(top: int, name: str, moved: int) -> tuple[int, int]:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    freed = 0
    folder = os.open(name, flags, dir_fd=top)
    try:
        os.fchmod(folder, 0o700)
        for inner in os.listdir(folder):
            status = os.lstat(inner, dir_fd=folder)
            if stat.S_ISDIR(status.st_mode):
                moved += 1
                os.rename(inner, f".removed-{moved}", src_dir_fd=folder, dst_dir_fd=top)
            else:
                os.unlink(inner, dir_fd=folder)
                freed += status.st_blocks * 512
    finally:
        os.close(folder)
    return freed, moved
