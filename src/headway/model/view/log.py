"""Lines of logs, with who wrote them."""

from headway.model.ids import AppName, ContainerId
from headway.model.log import LogLine
from headway.model.value import Value


class LogEntry(Value, kw_only=True):
    """A log line and who wrote it."""

    container: ContainerId
    app: AppName
    label: str
    release: int
    line: LogLine
