"""What can go wrong between a client and headway."""

from headway.model.view.refusal import Refusal


class SdkError(Exception):
    """Something went wrong; the text says what."""


class NotRunningError(SdkError):
    """No headway runs on this machine, for this user."""


class UnreachableError(SdkError):
    """Nobody answers at the address."""


class RefusedError(SdkError):
    """Headway refused, with a reason."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.detail)
        self.refusal = refusal

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.refusal.status
