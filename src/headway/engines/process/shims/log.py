"""A container's log: lines in the CRI format, without the values that are secret."""

from __future__ import annotations

import errno
import fcntl
import os
import time

LINE_BYTES = 16384
SECRET_BYTES_MIN = 4


class Log:
    """The container's log: two files at most, the older one dropped when the newer is full.

    Who reads can tell by the lock on the newer one that more may come.
    """

    def __init__(self, limit: int, secrets: dict[str, str], stem: str = "log") -> None:
        self._stem = stem
        self._half = max(limit // 2, 4 * LINE_BYTES)
        self._secrets = sorted(
            (
                (value.encode(), b"[" + name.encode() + b"]")
                for name, text in secrets.items()
                for value in text.splitlines()
                if len(value.encode()) >= SECRET_BYTES_MIN
            ),
            key=lambda pair: -len(pair[0]),
        )
        self._base = 0
        self._size = 0
        self._older: int | None = None
        self._file: int | None = None
        self._dropped = 0

    def write(self, stream: bytes, lines: list[tuple[bytes, bool]]) -> None:
        """Add lines, given as (bytes, whether the line ends here)."""
        if not lines:
            return
        at = stamp()
        text = b"".join(
            b"%s %s %s %s\n" % (at, stream, b"F" if ends else b"P", self._clean(line))
            for line, ends in lines
        )
        try:
            if self._dropped:
                note = b"%s headway F %d writes to the log were dropped: no space\n"
                text = note % (at, self._dropped) + text
            self._append(text)
            self._dropped = 0
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
                raise
            self._dropped += 1

    def _append(self, text: bytes) -> None:
        if self._file is None or self._size + len(text) > self._half:
            self._turn()
        assert self._file is not None
        whole = self._size
        try:
            while text:
                done = os.write(self._file, text)
                self._size += done
                text = text[done:]
        except OSError:
            os.ftruncate(self._file, whole)  # no half line
            os.lseek(self._file, whole, os.SEEK_SET)
            self._size = whole
            raise

    def _turn(self) -> None:
        if self._older is not None:
            self._point_to(self._base)
        base = self._base + self._size
        name = "%s.%d" % (self._stem, base)
        file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if self._file is not None:
            os.close(self._file)
            if self._older is not None:
                os.unlink("%s.%d" % (self._stem, self._older))
            self._older = self._base
        self._file, self._base, self._size = file, base, 0

    def _point_to(self, oldest: int) -> None:
        """Say which file is the oldest, so that who reads need not look for it among many."""
        link = self._stem + ".oldest"
        part = link + "~"
        try:
            os.unlink(part)
        except FileNotFoundError:
            pass
        os.symlink(str(oldest), part)
        os.rename(part, link)

    def close(self) -> None:
        """Say that nothing more will come."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _clean(self, line: bytes) -> bytes:
        for value, name in self._secrets:
            if value in line:
                line = line.replace(value, name)
        return line


def stamp() -> bytes:
    """Give the time as the CRI log format writes it."""
    now = time.time_ns()
    seconds, rest = divmod(now, 1_000_000_000)
    t = time.gmtime(seconds)
    return b"%04d-%02d-%02dT%02d:%02d:%02d.%09dZ" % (*t[:6], rest)


class Lines:
    """Cuts what arrives into lines; one longer than the limit is given in parts."""

    def __init__(self, longest_secret: int) -> None:
        self._kept = b""
        # A part ends early enough that no secret is cut in two.
        self._overlap = min(longest_secret, LINE_BYTES // 2)

    def feed(self, data: bytes) -> list[tuple[bytes, bool]]:
        """Take what arrived and give the lines that are whole."""
        data = self._kept + data
        *lines, self._kept = data.split(b"\n")
        found: list[tuple[bytes, bool]] = []
        for line in lines:
            found += self._parts(line, True)
        while len(self._kept) > LINE_BYTES + self._overlap:
            found.append((self._kept[:LINE_BYTES], False))
            self._kept = self._kept[LINE_BYTES:]
        return found

    def rest(self) -> list[tuple[bytes, bool]]:
        """Give what no line end followed."""
        found = self._parts(self._kept, True) if self._kept else []
        self._kept = b""
        return found

    def _parts(self, line: bytes, ends: bool) -> list[tuple[bytes, bool]]:
        parts: list[tuple[bytes, bool]] = []
        while len(line) > LINE_BYTES + self._overlap:
            parts.append((line[:LINE_BYTES], False))
            line = line[LINE_BYTES:]
        parts.append((line, ends))
        return parts


def longest_of(secrets: dict[str, str]) -> int:
    """Give the length of the longest value that is to be left out of a log."""
    return max([len(value) for value in secrets.values()] or [0])
