"""What a run prints: passed on as it comes, and kept with the run."""

import contextlib
import io
import sys
from collections.abc import Iterator
from typing import Any

from headway.model.progress import progress_of
from headway.testing.run import Run


class _Lines(io.TextIOBase):
    """Passes on what is printed, and keeps its lines."""

    def __init__(self, run: Run, out: Any) -> None:
        self._run = run
        self._out = out
        self._rest = ""

    def write(self, text: str) -> int:
        self._out.write(text)
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._keep(line)
        return len(text)

    def flush(self) -> None:
        self._out.flush()

    def end(self) -> None:
        """Keep what is left without a line end."""
        if self._rest:
            self._keep(self._rest)

    def _keep(self, line: str) -> None:
        said = progress_of(line)
        if said is None:
            self._run.output.append(line)
        else:
            self._run.progress.append(said)


@contextlib.contextmanager
def printed(run: Run) -> Iterator[None]:
    """Keep what a run prints, and the progress that it tells of."""
    lines = _Lines(run, sys.stdout)
    with contextlib.redirect_stdout(lines):
        try:
            yield
        finally:
            lines.end()
