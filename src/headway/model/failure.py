"""Why something failed, with everything a person needs to see on the same screen."""

from headway.model.value import Value


class ProbeAnswer(Value, kw_only=True):
    """The last thing a health check did and got."""

    asked: str
    """Such as `GET http://127.0.0.1:20011/health` or `connect 127.0.0.1:20011`."""
    healthy: bool
    answer: str
    """Such as `503 {"db": "down"}`, `connection refused`, `no answer in 2 s`, `exit status 1`."""
    tries: int = 1
    """Probes in a row with this verdict."""
    listening: tuple[str, ...] = ()
    """Where the container's processes do listen, when the probe could not connect."""


class Failure(Value, kw_only=True):
    """A failure explained."""

    because: str
    """One sentence: what failed and how."""
    code: str = "failed"
    """Stable word for programs, such as `probe-failed`, `build-failed`, `exited`."""
    container: str | None = None
    probe: ProbeAnswer | None = None
    exit: str | None = None
    """How the process ended, such as `exit status 3` or `killed by SIGKILL: memory limit`."""
    log: tuple[str, ...] = ()
    """The last lines, oldest first."""
    hints: tuple[str, ...] = ()
    """What is likely, and what to try."""
    next: tuple[str, ...] = ()
    """Commands to run next."""
