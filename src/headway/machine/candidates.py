"""Python files that may declare jobs, told from their text. Needs the standard library only."""

import os
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

_LEFT_OUT = frozenset(
    {"node_modules", "venv", "env", "site-packages", "__pycache__", "build", "dist"}
    | {"tests", "test"}
)
_NO_JOBS = re.compile(r"test_.*|.*_test|conftest|setup")
_TEXT_BYTES_MAX = 1024 * 1024
_FROM = re.compile(rb"^[ \t]*from[ \t]+headway(\.sdk)?[ \t]+import[ \t]*(\(?)", re.MULTILINE)
_DIRECT = re.compile(
    rb"^[ \t]*(?:from[ \t]+headway\.sdk\.job[ \t]+import|import[ \t]+headway\.sdk)\b", re.MULTILINE
)
_NAMES_BYTES_MAX = 2000
_LOOKS_MAX = 50
"""A file that was made to be slow to look through is not."""


def candidates(directory: Path) -> list[str]:
    """List the files below a directory that import `job` of `headway.sdk`, sorted.

    Environments, hidden directories, tests and what is behind links are left out.
    """
    return sorted(path for path in _python_files(directory) if _imports(directory / path))


def uses_sdk(directory: Path) -> bool:
    """Say whether a file below a directory imports `job` or `invoke` of `headway.sdk`."""
    return any(
        _imports(directory / path, rb"\b(?:job|invoke)\b") for path in _python_files(directory)
    )


def _python_files(directory: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(directory):
        here = Path(folder)
        folders[:] = [name for name in folders if _is_searched(here / name)]
        for name in files:
            stem, dot, ending = name.rpartition(".")
            if dot and ending == "py" and not _NO_JOBS.fullmatch(stem):
                yield (here / name).relative_to(directory).as_posix()


def _is_searched(folder: Path) -> bool:
    name = folder.name
    return (
        not name.startswith(".")
        and name not in _LEFT_OUT
        and not name.endswith(".egg-info")
        and not (folder / "pyvenv.cfg").exists()
    )


def _imports(path: Path, wanted: bytes = rb"\bjob\b") -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            text = file.read(_TEXT_BYTES_MAX)
    except OSError:
        return False
    if b"headway" not in text:
        return False
    found = islice(_FROM.finditer(text), _LOOKS_MAX)
    return _DIRECT.search(text) is not None or any(_names(text, match, wanted) for match in found)


def _names(text: bytes, match: "re.Match[bytes]", wanted: bytes) -> bool:
    names = text[match.end() : match.end() + _NAMES_BYTES_MAX]
    names = names.partition(b")" if match[2] else b"\n")[0]
    return re.search(wanted if match[1] else rb"\bsdk\b", names) is not None


def is_src_layout(directory: Path) -> bool:
    """Say whether `src` holds packages and is none itself."""
    return (directory / "src").is_dir() and not (directory / "src" / "__init__.py").exists()
