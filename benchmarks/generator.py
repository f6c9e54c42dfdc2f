"""Starts and ends the load."""

import json
import subprocess
import sys
from typing import Any


class Generator:
    """A load that goes on until it is ended, or its time is over."""

    def __init__(self, port: int, host: str, seconds: float = 3600, keep_alive: int = 8) -> None:
        words = [
            sys.executable,
            "-m",
            "benchmarks.load",
            str(port),
            host,
            str(seconds),
            str(keep_alive),
        ]
        self._process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def end(self) -> dict[str, Any]:
        """End it, and give what it counted."""
        out, _ = self._process.communicate("stop\n", timeout=60)
        return json.loads(out)

    def wait(self) -> dict[str, Any]:
        """Wait for its time to be over, and give what it counted."""
        assert self._process.stdout is not None
        out = self._process.stdout.read()
        self._process.wait()
        return json.loads(out)
