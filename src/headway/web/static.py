"""Files that pages use: style, script, and what others published."""

from functools import cache
from gzip import compress
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

_FOLDER = Path(__file__).parent / "static"
_KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class Asset(NamedTuple):
    """One file, as it is sent."""

    content: bytes
    packed: bytes
    """The same, by gzip."""
    kind: str
    tag: str


@cache
def assets() -> dict[str, Asset]:
    """Give all files by their names."""
    found: dict[str, Asset] = {}
    for path in sorted(_FOLDER.rglob("*")):
        if path.suffix in _KINDS:
            content = path.read_bytes()
            name = path.relative_to(_FOLDER).as_posix()
            tag = sha256(content).hexdigest()[:12]
            found[name] = Asset(content, compress(content, mtime=0), _KINDS[path.suffix], tag)
    return found


def address(name: str) -> str:
    """Give where a file is; another content has another address, so that browsers may keep it."""
    return f"/static/{name}?v={assets()[name].tag}"
