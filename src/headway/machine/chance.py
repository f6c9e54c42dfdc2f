"""Where names and jitter come from: the machine's own chance, or a seed's in a simulated world.

What is secret is not drawn here: tokens and keys always come from the machine.
"""

import random
from contextvars import ContextVar

_drawn: ContextVar[random.Random | None] = ContextVar("chance", default=None)
_machine = random.SystemRandom()


def chance() -> random.Random:
    """Give what is drawn from here and now."""
    return _drawn.get() or _machine


def drawn_hex(length_bytes: int) -> str:
    """Draw hexadecimal digits, two for each byte."""
    return f"{chance().getrandbits(8 * length_bytes):0{2 * length_bytes}x}"


class DrawingFrom:
    """Draws from a source, here and in the tasks begun meanwhile, so that a run can be repeated.

    >>> with DrawingFrom(random.Random(1)):
    ...     drawn_hex(3)
    '2265b1'
    """

    __slots__ = ("_before", "_source")

    def __init__(self, source: random.Random) -> None:
        self._source = source

    def __enter__(self) -> None:
        self._before = _drawn.set(self._source)

    def __exit__(self, *_error: object) -> None:
        _drawn.reset(self._before)
