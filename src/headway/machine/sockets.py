"""Unix sockets in directories of any depth."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def named(path: Path) -> Iterator[str]:
    """Give a name for a socket that fits into the kernel's 107 bytes, as long as this is held.

    Raises:
        OSError: The directory is not there.
    """
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
