"""Unpacks what somebody sent, trusting none of it."""

import tarfile
import zlib
from pathlib import Path, PurePosixPath

from headway.machine.trees import stays_inside
from headway.model.settings import Settings
from headway.ports.builder import SourceRefused

_PATH_BYTES = 1000
_DEPTH = 50
_READ_BYTES = 256 * 1024


class _Unzipped:
    """Reads a gzip file, and no more of it than a source may have."""

    def __init__(self, path: Path, limits: Settings) -> None:
        self._most = limits.source_unpacked_bytes_max
        # Every entry has a header of its own, and is filled up to whole blocks.
        self._most_tar = self._most + limits.source_files_max * 1024
        self._file = path.open("rb")
        self._inflate = zlib.decompressobj(wbits=31)
        self._ready = b""
        self._total = 0

    def read(self, size: int) -> bytes:
        """Give so many bytes, or what is left."""
        while len(self._ready) < size and not self._inflate.eof:
            packed = self._inflate.unconsumed_tail or self._file.read(_READ_BYTES)
            if not packed:
                break
            part = self._inflate.decompress(packed, _READ_BYTES)
            self._total += len(part)
            if self._total > self._most_tar:
                raise SourceRefused(f"it unpacks to more than {self._most >> 20} MiB")
            self._ready += part
        given, self._ready = self._ready[:size], self._ready[size:]
        return given

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def unpack(packed: Path, target: Path, limits: Settings) -> None:
    """Unpack a gzipped tar archive into a new directory.

    Only regular files, directories and relative links that stay inside are taken. Whether a file
    may be executed is kept; every other mode, owner and time is not.

    Raises:
        SourceRefused: It is no such archive, too large, or an entry is not to be trusted.
    """
    target.mkdir(mode=0o755)
    unzipped = _Unzipped(packed, limits)
    most = limits.source_unpacked_bytes_max
    try:
        with tarfile.open(fileobj=unzipped, mode="r|") as tar:  # type: ignore[call-overload]
            links: set[str] = set()
            size = 0
            for number, member in enumerate(tar):
                if number >= limits.source_files_max:
                    raise SourceRefused(f"it has more than {limits.source_files_max} entries")
                size += member.size
                if size > most:
                    raise SourceRefused(f"it unpacks to more than {most >> 20} MiB")
                _take(tar, member, target, links)
    except (tarfile.TarError, zlib.error, EOFError, UnicodeError) as error:
        raise SourceRefused(f"it is no gzipped tar archive: {error}") from error
    finally:
        unzipped.close()


def _take(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path, links: set[str]) -> None:
    path = _checked(member.name, links)
    if path == "":
        return
    place = target / path
    if member.isdir():
        place.mkdir(mode=0o755, parents=True, exist_ok=True)
        return
    place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    if place.is_symlink() or place.exists():
        raise SourceRefused(f"{path} is in it twice")
    if member.issym():
        if not stays_inside(path, member.linkname):
            raise SourceRefused(f"the link {path} leads outside, to {member.linkname}")
        place.symlink_to(member.linkname)
        links.add(path)
        return
    content = tar.extractfile(member) if member.isreg() else None
    if content is None:
        raise SourceRefused(f"{path} is no file, directory or link")
    with place.open("xb") as file:
        while part := content.read(_READ_BYTES):
            file.write(part)
    place.chmod(0o755 if member.mode & 0o100 else 0o644)


def _checked(name: str, links: set[str]) -> str:
    """Give an entry's path below the source, in one form."""
    pure = PurePosixPath(name)
    parts = [part for part in pure.parts if part != "."]
    if pure.is_absolute() or ".." in parts or "\0" in name:
        raise SourceRefused(f"{name!r} leads outside")
    path = "/".join(parts)
    if len(path.encode()) > _PATH_BYTES or len(parts) > _DEPTH:
        raise SourceRefused(f"{path[:80]!r}… is too long or too deep a path")
    for end in range(1, len(parts)):
        if "/".join(parts[:end]) in links:
            raise SourceRefused(f"{path} lies behind a link")
    return path
