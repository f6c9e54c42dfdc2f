"""Does one run of a job: `python -m headway.sdk.once MODULE:NAME PARAMETERS ANSWER`.

The answer is a file with `{"result": …}`, or `{"failure": {"type", "message", "traceback"}}`. Needs
the standard library only.
"""

from __future__ import annotations

import importlib
import json
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

from headway.sdk.discover import show_modules
from headway.sdk.job import Cancelled, Declared, declared


def main(function: str, parameters: str, answer: str) -> int:
    """Run a job once, in the current directory."""
    signal.signal(signal.SIGTERM, _cancel)
    show_modules(Path.cwd())
    try:
        result = _job(function).call(json.loads(parameters))
        found: dict[str, Any] = {"result": result}
    except Cancelled:
        found = {"failure": {"type": "Cancelled", "message": "it was told to end"}}
    except (Exception, SystemExit) as error:  # noqa: BLE001 (an app's own)
        found = {"failure": describe(error)}
    sys.stdout.flush()
    Path(answer).write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
    return 1 if "failure" in found else 0


def describe(error: BaseException) -> dict[str, str]:
    """Say what went wrong, without the lines that are headway's own."""
    lines = traceback.TracebackException.from_exception(error)
    here = str(Path(__file__).parent)
    own = [frame for frame in lines.stack if not frame.filename.startswith(here)]
    lines.stack = traceback.StackSummary.from_list(own)
    return {
        "type": type(error).__qualname__,
        "message": str(error),
        "traceback": "".join(lines.format()),
    }


def _job(function: str) -> Declared:
    module, _, name = function.partition(":")
    found = declared(getattr(importlib.import_module(module), name, None))
    if found is None:
        raise LookupError(f"{function} is no job")
    return found


def _cancel(*_: object) -> None:
    raise Cancelled


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
