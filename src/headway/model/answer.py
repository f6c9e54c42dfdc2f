"""An answer that was given, kept so that the same request is not done twice."""

from datetime import datetime

from headway.model.instant import microseconds
from headway.model.value import Value


class Answer(Value, kw_only=True):
    """What was answered to a request that came with an Idempotency-Key."""

    key: str
    """A hash of who asked and of the key they chose."""
    request: str
    """A hash of what was asked."""
    body: str
    at: datetime

    @property
    def at_us(self) -> int:
        """When it was given, in microseconds."""
        return microseconds(self.at)
