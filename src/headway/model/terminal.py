"""The size of a terminal."""

from headway.model.value import Value

_MOST = 10_000


class TerminalSize(Value, kw_only=True):
    """How many characters a terminal has."""

    columns: int = 80
    rows: int = 24

    @property
    def possible(self) -> "TerminalSize":
        """Give the nearest size that a terminal can have."""
        return TerminalSize(
            columns=max(1, min(self.columns, _MOST)), rows=max(1, min(self.rows, _MOST))
        )
