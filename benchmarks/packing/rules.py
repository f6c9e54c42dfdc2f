"""How others choose a node: each rule gives the place of one of the open nodes that fit."""

from collections.abc import Callable
from typing import Any

Rule = Callable[[Any, Any, Any], int]
"""Free amounts of the open nodes that fit (nodes by resources), the need, the size: the choice."""


def first_fit(_free: Any, _need: Any, _size: Any) -> int:
    """The one that was opened first."""
    return 0


def ecs_binpack(free: Any, _need: Any, _size: Any) -> int:
    """Amazon ECS `binpack memory`: the least memory left."""
    return int(free[:, 1].argmin())


def most_allocated(free: Any, _need: Any, size: Any) -> int:
    """Kubernetes' MostAllocated: the largest mean share in use."""
    return int((free / size).sum(axis=1).argmin())


def least_allocated(free: Any, _need: Any, size: Any) -> int:
    """Kubernetes' LeastAllocated, its default: the smallest mean share in use."""
    return int((free / size).sum(axis=1).argmax())


def nomad(free: Any, need: Any, size: Any) -> int:
    """Nomad's bin packing: the least of 10^free cores + 10^free memory, once it is there."""
    left = (free[:, :2] - need[:2]) / size[:2]
    return int((10.0**left).sum(axis=1).argmin())


RULES: dict[str, Rule] = {
    "first-fit": first_fit,
    "ECS binpack": ecs_binpack,
    "MostAllocated": most_allocated,
    "LeastAllocated": least_allocated,
    "Nomad binpack": nomad,
}
