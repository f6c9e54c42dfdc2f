"""Amounts as people read them at a glance."""

from headway.web.pictures.parts.svg import number

_MIB_A_GIB = 1024


def amount(value: float) -> str:
    """Write an amount as exactly as somebody reads it.

    >>> amount(0.1234), amount(3.14159), amount(1234.5), amount(0)
    ('0.12', '3.1', '1234', '0')
    """
    if value and abs(value) < 0.01:
        return "< 0.01" if value > 0 else "0"
    return f"{value:.0f}" if abs(value) >= 100 else number(round(value, 1 if value >= 1 else 2))


def memory(mib: float) -> str:
    """Write an amount of memory.

    >>> memory(64), memory(12.34), memory(8192), memory(1536)
    ('64 MiB', '12.3 MiB', '8 GiB', '1.5 GiB')
    """
    if mib < _MIB_A_GIB:
        return f"{amount(mib)} MiB"
    return f"{amount(mib / _MIB_A_GIB)} GiB"
