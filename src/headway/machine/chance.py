"""Where names and jitter come from: the machine's own chance, or a seed's in a simulated world.

What is secret is not drawn here: tokens and keys always come from the machine.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_drawn: ContextVar[random.Random | None] = ContextVar("chance", default=None)
_machine = random.SystemRandom()


def chance() -> random.Random:
    """Give what is drawn from here and now."""
    return _drawn.get() or _machine


def drawn_hex(length_bytes: int) -> str:
    """Draw hexadecimal digits, two for each byte."""
    return f"{chance().getrandbits(8 * length_bytes):0{2 * length_bytes}x}"


@contextmanager
def drawing_from(source: random.Random) -> Iterator[None]:
    """Draw from a source, in this context and the tasks begun in it, so that a run can be repeated.

    >>> with drawing_from(random.Random(1)):
    ...     drawn_hex(3)
    '2265b1'
    """
    token = _drawn.set(source)
    try:
        yield
    finally:
        _drawn.reset(token)
