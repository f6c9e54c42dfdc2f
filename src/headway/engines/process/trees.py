"""Whole directory trees, handled without following a link and however deep they are."""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def give(path: Path, uid: int) -> None:
    """Give a tree to a user. Only for trees in which no container has written yet."""
    os.chown(path, uid, uid, follow_symlinks=False)
    for folder, folders, files in _walk(path):
        for name in (*folders, *files):
            os.chown(os.path.join(folder, name), uid, uid, follow_symlinks=False)


def _walk(path: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    waiting = [str(path)]
    while waiting:
        folder = waiting.pop()
        folders: list[str] = []
        files: list[str] = []
        with os.scandir(folder) as entries:
            for entry in entries:
                (folders if entry.is_dir(follow_symlinks=False) else files).append(entry.name)
        waiting += [os.path.join(folder, name) for name in folders]
        yield folder, folders, files


def remove(path: Path) -> int:
    """Delete a tree that a container may have written, and give the bytes freed.

    Works by descriptors, so that no name is resolved twice, and flattens as it goes: directories
    are moved up to the top before they are emptied, so depth costs nothing.
    """
    try:
        top = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return 0
    freed = 0
    count = 0
    try:
        while names := os.listdir(top):
            for name in names:
                freed_here, count = _remove_entry(top, name, count)
                freed += freed_here
    finally:
        os.close(top)
    path.rmdir()
    return freed


def _remove_entry(top: int, name: str, count: int) -> tuple[int, int]:
    found = os.lstat(name, dir_fd=top)
    if not stat.S_ISDIR(found.st_mode):
        os.unlink(name, dir_fd=top)
        return found.st_blocks * 512, count
    with suppress(OSError):
        os.chmod(name, 0o700, dir_fd=top, follow_symlinks=False)
    folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=top)
    freed = 0
    try:
        os.fchmod(folder, 0o700)
        for inner in os.listdir(folder):
            entry = os.lstat(inner, dir_fd=folder)
            if stat.S_ISDIR(entry.st_mode):
                count += 1
                os.rename(inner, f".removed-{count}", src_dir_fd=folder, dst_dir_fd=top)
            else:
                os.unlink(inner, dir_fd=folder)
                freed += entry.st_blocks * 512
    finally:
        os.close(folder)
    os.rmdir(name, dir_fd=top)
    return freed, count
