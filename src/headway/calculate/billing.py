"""What a node costs: what is begun is paid, in steps of its type's billing."""

from math import ceil

from headway.model.pool import NodeType


def billed_s(kind: NodeType, lived_s: float) -> float:
    """Give the seconds that are paid for a node that lived so long.

    >>> hourly = NodeType(name="m", cpu=4, memory_mib=8192, billing_s=3600)
    >>> billed_s(hourly, 61), billed_s(hourly, 3601)
    (3600, 7200)
    >>> billed_s(NodeType(name="m", cpu=4, memory_mib=8192), 12.5)
    60.0
    """
    step = max(1.0, kind.billing_s)
    return max(kind.billing_least_s, step * max(1, ceil(lived_s / step - 1e-9)))


def price(kind: NodeType, lived_s: float) -> float:
    """Give what a node costs that lived so long.

    >>> price(NodeType(name="m", cpu=4, memory_mib=8192, price_hour=0.5, billing_s=3600), 3601)
    1.0
    """
    return kind.price_hour * billed_s(kind, lived_s) / 3600.0
