"""Packs a directory, or a commit of it, for sending."""

import gzip
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from headway.model.app import Commit
from headway.model.settings import Settings
from headway.sdk.errors import SdkError

_LIMITS = Settings()
_PART_BYTES = 256 * 1024
_LEFT_OUT = frozenset(
    {".git", ".hg", ".svn", "node_modules", ".venv", "venv", "__pycache__", ".mypy_cache"}
    | {".pytest_cache", ".ruff_cache", ".tox", ".idea", ".vscode", ".DS_Store"}
)
"""What is never sent of a directory that git does not know."""


class Packed:
    """A packed source, and where it comes from."""

    def __init__(self, name: str, file: IO[bytes]) -> None:
        self.name = name
        self.commit = ""
        self.subject = ""
        self.author = ""
        self.branch = ""
        self.dirty = False
        self.file = file

    def parts(self) -> Iterator[bytes]:
        """Give the archive, piece by piece."""
        self.file.seek(0)
        with self.file:
            while part := self.file.read(_PART_BYTES):
                yield part


def pack(directory: Path, commit: str | None = None, *, limits: Settings = _LIMITS) -> Packed:
    """Pack a directory as it is, or a commit of it.

    Where git knows the directory, what it ignores is left out. Equal files give equal archives.

    Raises:
        SdkError: There is no such directory or commit, or it is too large, with the largest files.
    """
    directory = directory.resolve()
    if not directory.is_dir():
        raise SdkError(f"{directory} is no directory")
    packed = Packed(directory.name, tempfile.TemporaryFile())  # noqa: SIM115 (it lives as long as it is sent)
    in_git = _git(directory, "rev-parse", "--is-inside-work-tree") == "true"
    if not in_git:
        _check_refusal(directory)
    if commit is not None:
        if not in_git:
            raise SdkError(f"{directory} is no git repository, so it has no commit {commit}")
        _describe(packed, directory, commit)
        _pack_commit(packed, directory, packed.commit)
        if packed.file.tell() > limits.source_bytes_max:
            raise SdkError(f"{commit} of {directory} is larger than {_shown(limits)}, packed")
        return packed
    names = _tracked(directory) if in_git else _all_files(directory)
    if in_git:
        _describe(packed, directory, "HEAD")
        packed.dirty = bool(_git(directory, "status", "--porcelain", "--", "."))
    _pack_files(packed, directory, names, limits)
    return packed


def commits_between(directory: Path, before: str, after: str) -> list[Commit]:
    """List the commits after one up to another, newest first, at most 100."""
    form = ("log", "--format=%H%x1f%s%x1f%an", "-n", "100", "--end-of-options")
    said = _git(directory, *form, f"{before}..{after}")
    rows = [line.split("\x1f") for line in (said or "").splitlines()]
    return [Commit(id=row[0], subject=row[1][:500], author=row[2]) for row in rows if len(row) == 3]


def _check_refusal(directory: Path) -> None:
    """Refuse a repository that git refuses: what it ignores would be sent.

    Raises:
        SdkError: Git will not look at it, in git's words.
    """
    try:
        done = subprocess.run(
            ["git", "-C", str(directory), "status", "--porcelain"],
            capture_output=True,
            text=True,
            check=False,
            errors="replace",
        )
    except FileNotFoundError:
        return
    if "dubious ownership" in done.stderr:
        raise SdkError(done.stderr.strip())


def _git(directory: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(directory), *words],
            capture_output=True,
            text=True,
            check=False,
            errors="replace",
        )
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _describe(packed: Packed, directory: Path, commit: str) -> None:
    words = ("log", "-1", "--format=%H%x1f%s%x1f%an", "--end-of-options", commit)
    said = _git(directory, *words)
    if said is None:
        if commit != "HEAD":
            raise SdkError(f"there is no commit {commit} in {directory}")
        return
    packed.commit, packed.subject, packed.author = [*said.split("\x1f"), "", ""][:3]
    packed.subject = packed.subject[:500]
    packed.branch = _git(directory, "rev-parse", "--abbrev-ref", "HEAD") or ""


def _pack_commit(packed: Packed, directory: Path, commit: str) -> None:
    prefix = _git(directory, "rev-parse", "--show-prefix") or ""
    top = _git(directory, "rev-parse", "--show-toplevel") or str(directory)
    done = subprocess.run(
        ["git", "-C", top, "archive", "--format=tar", f"{commit}:{prefix}"],
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        raise SdkError(f"git could not give commit {commit}: {said}")
    with gzip.GzipFile(fileobj=packed.file, mode="wb", mtime=0, compresslevel=6) as zipped:
        zipped.write(done.stdout)


def _tracked(directory: Path) -> list[str]:
    done = subprocess.run(
        ["git", "-C", str(directory), "ls-files", "-z", "-co", "--exclude-standard"],
        capture_output=True,
        check=True,
    )
    names = [os.fsdecode(name) for name in done.stdout.split(b"\0") if name]
    inside = [name for name in names if name.endswith("/")]
    if inside:
        raise SdkError(
            f"{directory} holds a repository of its own, {inside[0]}: add it as a submodule, "
            "or list it in .gitignore"
        )
    return sorted(name for name in set(names) if os.path.lexists(directory / name))


def _all_files(directory: Path) -> list[str]:
    found: list[str] = []
    for folder, folders, files in os.walk(directory):
        folders[:] = [name for name in folders if name not in _LEFT_OUT]
        here = Path(folder).relative_to(directory)
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        found += [str(here / name) for name in (*files, *links) if name not in _LEFT_OUT]
    return sorted(found)


def _pack_files(packed: Packed, directory: Path, names: list[str], limits: Settings) -> None:
    sizes = _sizes(directory, names)
    if sum(sizes.values()) > limits.source_unpacked_bytes_max:  # not packed only to be refused
        raise SdkError(_too_large(directory, sizes, limits))
    with (
        gzip.GzipFile(fileobj=packed.file, mode="wb", mtime=0, compresslevel=6) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as tar,
    ):
        for name in names:
            _add(tar, directory, name)
            if packed.file.tell() > limits.source_bytes_max:
                raise SdkError(_too_large(directory, sizes, limits))


def _add(tar: tarfile.TarFile, directory: Path, name: str) -> None:
    path = directory / name
    member = tarfile.TarInfo(name)
    if path.is_symlink():
        member.type, member.linkname = tarfile.SYMTYPE, str(path.readlink())
        tar.addfile(member)
        return
    if not path.is_file():
        return
    try:
        with path.open("rb") as file:
            member.size = os.fstat(file.fileno()).st_size
            member.mode = 0o755 if os.access(path, os.X_OK) else 0o644
            tar.addfile(member, file)
    except OSError as error:
        raise SdkError(f"{path} cannot be read: {error.strerror or error}") from error


def _sizes(directory: Path, names: list[str]) -> dict[str, int]:
    return {
        name: (directory / name).lstat().st_size
        for name in names
        if os.path.lexists(directory / name)
    }


def _too_large(directory: Path, sizes: dict[str, int], limits: Settings) -> str:
    rows = sorted(sizes.items(), key=lambda row: -row[1])
    largest = ", ".join(f"{name} ({size >> 20} MiB)" for name, size in rows[:3])
    return (
        f"{directory} is larger than {_shown(limits)}, packed; the largest files are "
        f"{largest}: leave out what is not needed, by .gitignore"
    )


def _shown(limits: Settings) -> str:
    return f"{limits.source_bytes_max >> 20} MiB"
