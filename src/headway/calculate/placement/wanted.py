"""A demand as a fleet sees it, measured in the fleet's units."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from headway.calculate.placement.willing import Conditions
from headway.model.demand import Demand
from headway.model.resources import Resources

CORES = "cores"
MEMORY = "MiB memory"
GPUS = "GPUs"
_MICRO = 1_000_000


def amounts_of(cpu: float, memory_mib: int, gpus: int, custom: dict[str, float]) -> dict[str, int]:
    """Count in whole units: millionths of a core and of anything custom, MiB, GPUs."""
    amounts = {CORES: round(cpu * _MICRO), MEMORY: int(memory_mib)}
    if gpus:
        amounts[GPUS] = gpus
    for name, amount in custom.items():
        amounts[name] = round(amount * _MICRO)
    return amounts


def resources_of(amounts: Mapping[str, int]) -> Resources:
    """Give the resources of which these are the amounts.

    >>> resources_of({CORES: 1_500_000, MEMORY: 512}).cpu
    1.5
    """
    rest = {name: amount for name, amount in amounts.items() if name not in (CORES, MEMORY, GPUS)}
    return Resources(
        cpu=amounts.get(CORES, 0) / _MICRO,
        memory_mib=amounts.get(MEMORY, 0),
        gpus=amounts.get(GPUS, 0),
        custom={name: amount / _MICRO for name, amount in rest.items()},
    )


def in_words(name: str, amount: float) -> str:
    """Give an amount in the unit that people write.

    >>> in_words(CORES, 1_500_000), in_words(MEMORY, 512.0)
    ('1.5', '512')
    """
    whole = name in (MEMORY, GPUS)
    return f"{max(0.0, amount):.0f}" if whole else f"{max(0.0, amount) / _MICRO:.4g}"


def asked(name: str, amount: float) -> str:
    """Give an amount with what it is of.

    >>> asked(CORES, 1_000_000), asked(GPUS, 2), asked("licences", 3_000_000)
    ('1 core', '2 GPUs', '3 licences')
    """
    number = in_words(name, amount)
    return f"{number} {name[:-1] if number == '1' and name in (CORES, GPUS) else name}"


def crowd_words(crowd: str) -> str:
    """Name a crowd to people: without the environment's id, and the release's number.

    >>> crowd_words("demo~1/shop/web@3"), crowd_words("demo~1/db")
    ('shop/web', 'db')
    """
    return crowd.partition("/")[2].partition("@")[0] or crowd


class Key(NamedTuple):
    """All of a demand that decides where it fits. When it ends is not in it."""

    amounts: tuple[tuple[str, int], ...]
    conditions: Conditions
    crowd: str
    spread: tuple[str, ...]
    alone: bool
    apart: tuple[str, ...]

    @classmethod
    def of(cls, demand: Demand) -> "Key":
        """Take it from a demand."""
        asked = demand.resources
        amounts = amounts_of(asked.cpu, asked.memory_mib, asked.gpus, asked.custom)
        return cls(
            tuple(amounts.items()),
            Conditions.of(demand),
            demand.crowd,
            demand.spread,
            demand.alone,
            demand.apart,
        )


class Wanted:
    """One for all demands with the same key. Never changed once made, so that copies share it."""

    __slots__ = ("amounts", "avoided", "conditions", "crowd", "crowds", "special", "spread")

    def __init__(self, key: Key, dimension: Callable[[str], int]) -> None:
        self.conditions = key.conditions
        self.amounts = tuple((dimension(name), amount) for name, amount in key.amounts if amount)
        """Dimension and amount; only what is more than nothing."""
        self.special = bits_of(number for number, _ in self.amounts)
        self.crowd = key.crowd
        self.spread = key.spread if key.crowd else ()
        self.crowds = names_of(key.crowd)
        """All crowds that it is of, its own first."""
        self.avoided = (*((key.crowd,) if key.alone and key.crowd else ()), *key.apart)
        """Crowds: no node with any of them takes it, and none of them goes where it is."""


def names_of(crowd: str) -> tuple[str, ...]:
    """Name the crowds that something is of.

    >>> names_of("demo~1/shop/web@3")
    ('demo~1/shop/web@3', 'demo~1/shop/web', 'demo~1/shop')
    """
    if not crowd:
        return ()
    kind = crowd.partition("@")[0]
    app = "/".join(kind.split("/")[:2])
    return tuple(dict.fromkeys((crowd, kind, app)))


def bits_of(dimensions: Iterable[int]) -> int:
    """Give the bits of the dimensions beyond cores and memory."""
    bits = 0
    for number in dimensions:
        if number > 1:
            bits |= 1 << min(number, 62)
    return bits
