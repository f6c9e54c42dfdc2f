"""What others published is here as they published it."""

import tomllib
from hashlib import sha256
from pathlib import Path

from headway import web

_FOLDER = Path(web.__file__).parent / "static" / "vendor"


def test_every_file_is_the_one_that_is_named_and_no_other_is_there():
    rows = tomllib.loads((_FOLDER / "vendor.toml").read_text())["file"]
    assert {path.name for path in _FOLDER.iterdir()} == {
        "vendor.toml",
        *(row["path"] for row in rows),
    }
    for row in rows:
        assert sha256((_FOLDER / row["path"]).read_bytes()).hexdigest() == row["sha256"]
