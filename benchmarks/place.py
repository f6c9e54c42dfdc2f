"""An installation for a benchmark, in a directory of its own."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.installation import Installation

SERVER = (Path(__file__).with_name("server.py")).read_text()


@contextmanager
def installation() -> Iterator[Installation]:
    """Give a running headway, ended afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        place = Installation(Path(folder))
        place.up()
        try:
            yield place
        finally:
            place.down()


def app(
    place: Installation, name: str, text: str = "one", extra: str = "", cpu: str = "0.1"
) -> Path:
    """Write an app whose server is as quick as Python allows."""
    manifest = (
        "run: {type: process, command: python3 -S fast.py}\n"
        f"resources: {{cpu: {cpu}, max_mem: 64MiB}}\n"
        "expose:\n- name: http\n  health_check: {type: http, path: /, grace: 20s}\n" + extra
    )
    return place.app(name, text, manifest=manifest, **{"fast.py": SERVER})
