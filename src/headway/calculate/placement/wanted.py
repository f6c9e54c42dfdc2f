"""A demand as a fleet sees it, measured in the fleet's units."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from headway.calculate.placement.willing import Conditions
from headway.model.demand import Demand
from headway.model.node import Node
from headway.model.pool import NodeType
from headway.model.resources import Resources

CORES = "cores"
MEMORY = "MiB memory"
DISK = "MiB disk"
GPUS = "GPUs"
COMMON = frozenset((CORES, MEMORY, DISK))
"""What every node has, so that to have it makes none special."""
SHARED = frozenset((DISK,))
"""What belongs to a machine, and is counted once for all nodes that it is."""
UNCOUNTED = 1 << 50
"""More than anybody asks for: of what nobody counts."""
_MICRO = 1_000_000
_WEIGHT = 1_000_000.0
"""Of a tag over the next one in `spread`; no crowd has so many on one value."""


def asked_of(what: Resources) -> dict[str, int]:
    """Count what is asked for, in whole units: millionths of a core and of anything custom, MiB.

    >>> asked_of(Resources(cpu=0.5, memory_mib=64, disk_reserved_mib=100))
    {'cores': 500000, 'MiB memory': 64, 'MiB disk': 100}
    """
    amounts = {CORES: round(what.cpu * _MICRO), MEMORY: int(what.memory_mib)}
    if what.disk_reserved_mib:
        amounts[DISK] = what.disk_reserved_mib
    return _with_others(amounts, what.gpus, what.custom)


def offered_by(what: Node | NodeType) -> dict[str, int]:
    """Count what there is, in the same units; disk that nobody counts is left out."""
    amounts = {CORES: round(what.cpu * _MICRO), MEMORY: int(what.memory_mib)}
    if what.disk_mib is not None:
        amounts[DISK] = what.disk_mib
    return _with_others(amounts, what.gpus, what.custom)


def _with_others(amounts: dict[str, int], gpus: int, custom: dict[str, float]) -> dict[str, int]:
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
    plain = {*COMMON, GPUS}
    rest = {name: amount for name, amount in amounts.items() if name not in plain}
    return Resources(
        cpu=amounts.get(CORES, 0) / _MICRO,
        memory_mib=amounts.get(MEMORY, 0),
        disk_reserved_mib=amounts.get(DISK, 0),
        gpus=amounts.get(GPUS, 0),
        custom={name: amount / _MICRO for name, amount in rest.items()},
    )


def in_units(name: str, amount: float) -> float:
    """Give an amount in cores, MiB, or pieces.

    >>> in_units(CORES, 1_500_000), in_units(MEMORY, 512.0)
    (1.5, 512.0)
    """
    return amount if name in (MEMORY, DISK, GPUS) else amount / _MICRO


def in_words(name: str, amount: float) -> str:
    """Give an amount in the unit that people write.

    >>> in_words(CORES, 1_500_000), in_words(MEMORY, 512.0)
    ('1.5', '512')
    """
    whole = name in (MEMORY, DISK, GPUS)
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
    ports: tuple[int, ...]

    @classmethod
    def of(cls, demand: Demand) -> "Key":
        """Take it from a demand."""
        return cls(
            tuple(asked_of(demand.resources).items()),
            Conditions.of(demand),
            demand.crowd,
            demand.spread,
            demand.alone,
            demand.apart,
            demand.ports,
        )


class Wanted:
    """One for all demands with the same key. Never changed once made, so that copies share it."""

    __slots__ = (
        "amounts",
        "avoided",
        "conditions",
        "crowd",
        "crowds",
        "is_picky",
        "penalties",
        "ports",
        "shared",
        "special",
        "spread",
    )

    def __init__(self, key: Key, dimension: Callable[[str], int]) -> None:
        self.conditions = key.conditions
        self.amounts = tuple((dimension(name), amount) for name, amount in key.amounts if amount)
        """Dimension and amount; only what is more than nothing."""
        self.shared = tuple(
            (dimension(name), amount) for name, amount in key.amounts if amount and name in SHARED
        )
        """Those of them that it takes of all nodes of its machine."""
        self.special = bits_of(
            dimension(name) for name, amount in key.amounts if amount and name not in COMMON
        )
        self.crowd = key.crowd
        self.spread = key.spread if key.crowd else ()
        self.penalties = penalties_of(self.spread)
        """Tags over whose values it is spread beside that which groups nodes, with weights."""
        self.crowds = names_of(key.crowd)
        """All crowds that it is of, its own first."""
        self.avoided = (*((key.crowd,) if key.alone and key.crowd else ()), *key.apart)
        """Crowds: no node with any of them takes it, and none of them goes where it is."""
        self.ports = key.ports
        """Of its machine; nobody else there has them."""
        self.is_picky = bool(self.crowd or self.avoided or self.ports)
        """Whether it matters who else is there."""


def penalties_of(tags: tuple[str, ...]) -> tuple[tuple[str, float], ...]:
    """Weigh the tags over whose values something is spread: all but the first, which groups nodes.

    Not where that is `node`: these are many groups, so that they are a penalty like any other.

    >>> penalties_of(("zone", "rack", "node"))
    (('rack', 1000000.0), ('node', 1.0))
    """
    rest = tags if tags and tags[0] == "node" else tags[1:]
    return tuple((tag, _WEIGHT ** (len(rest) - 1 - at)) for at, tag in enumerate(rest))


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
    """Give the bits of some dimensions."""
    bits = 0
    for number in dimensions:
        bits |= 1 << min(number, 62)
    return bits
