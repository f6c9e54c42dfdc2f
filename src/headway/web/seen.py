"""What of a page its reader has: from there on it is kept true."""

from typing import NamedTuple, Self

_BETWEEN = "~"


class Seen(NamedTuple):
    """Said by the page when its stream begins, and by the id of each message after that."""

    digests: str = ""
    """Of its parts, in the order of their names."""
    resume: str = ""
    """Behind what new lines are sent."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read it from an address.

        >>> Seen.parse("0a.1b~1772323200;web-1:7")
        Seen(digests='0a.1b', resume='1772323200;web-1:7')
        """
        digests, _, resume = text.partition(_BETWEEN)
        return cls(digests, resume)

    def render(self) -> str:
        """Write it; nothing for a page that stays as it is.

        >>> Seen("0a.1b").render(), Seen().render()
        ('0a.1b~', '')
        """
        return f"{self.digests}{_BETWEEN}{self.resume}" if any(self) else ""
