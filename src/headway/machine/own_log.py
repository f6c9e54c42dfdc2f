"""Headway's own log: lines of JSON, bounded, and for its user only."""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from headway.machine.files import keep_private

_BYTES_MAX = 16 * 1024 * 1024
_logger = logging.getLogger("headway")


class Log:
    """What headway says of itself: an event and its words, as a line."""

    def info(self, event: str, **words: object) -> None:
        """Say what is worth knowing."""
        _say(logging.INFO, event, words)

    def warning(self, event: str, **words: object) -> None:
        """Say what somebody should look at."""
        _say(logging.WARNING, event, words)

    def error(self, event: str, *, exc_info: BaseException | None = None, **words: object) -> None:
        """Say what went wrong, and where it did."""
        if exc_info is not None:
            words["exception"] = "".join(traceback.format_exception(exc_info)).rstrip()
        _say(logging.ERROR, event, words)


def _say(level: int, event: str, words: dict[str, object]) -> None:
    if not _logger.isEnabledFor(level):
        return
    at = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    said = {"event": event, **words, "level": logging.getLevelName(level).lower(), "timestamp": at}
    _logger.log(level, json.dumps(said, default=repr))


class _PrivateLog(RotatingFileHandler):
    """A bounded log that only its owner reads."""

    def _open(self) -> "TextIOWrapper[Any]":
        keep_private(Path(self.baseFilename))
        return super()._open()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's own name)
        """Go on without the line where the disk is full, which those who ask are told."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


def log_to(path: Path | None) -> None:
    """Write headway's own log to a file that is bounded, or to standard error."""
    handler: logging.Handler = (
        _PrivateLog(path, maxBytes=_BYTES_MAX, backupCount=1)
        if path is not None
        else logging.StreamHandler()
    )
    handler.setFormatter(logging.Formatter("%(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in ("uvicorn", "uvicorn.error", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # Streams are broken off on purpose when headway stops.
    logging.getLogger("uvicorn.error").addFilter(
        lambda record: "without completing response" not in record.getMessage()
    )
