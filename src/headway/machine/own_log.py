"""Headway's own log: lines of JSON, bounded, and for its user only."""

import logging
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import structlog

from headway.machine.files import keep_private

_BYTES_MAX = 16 * 1024 * 1024


class _PrivateLog(RotatingFileHandler):
    """A bounded log that only its owner reads."""

    def _open(self) -> "TextIOWrapper[Any]":
        keep_private(Path(self.baseFilename))
        return super()._open()


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
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
