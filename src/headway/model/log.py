"""A line of a container's log."""

from datetime import datetime
from enum import StrEnum

from headway.model.value import Value


class Stream(StrEnum):
    """Where a line was written."""

    STDOUT = "stdout"
    STDERR = "stderr"
    HEADWAY = "headway"
    """Said by headway itself, such as that lines were dropped."""


class LogLine(Value, kw_only=True):
    """One line, without its line end."""

    at: datetime
    stream: Stream
    text: str
    cursor: int
    """Position of the line's end in the container's log; strictly rising, stable over rotation."""
    partial: bool = False
    """The line goes on in the next one: it was longer than 16 KiB."""
