"""The door to encryption at rest."""

from typing import Protocol


class VaultError(Exception):
    """A sealed text cannot be opened: the key is another one, or it was changed or moved."""


class Vault(Protocol):
    """Seals texts so that only this installation opens them."""

    def seal(self, text: str, place: str) -> str:
        """Encrypt a text for one place, such as `demo~7f3a2c/web/SESSION_SECRET`."""
        ...

    def open(self, sealed: str, place: str) -> str:
        """Decrypt what was sealed for this place.

        Raises:
            VaultError: Sealed with another key or for another place.
        """
        ...

    def mark(self, text: str) -> str:
        """Give a keyed hash: equal for equal texts, and telling nothing else."""
        ...
