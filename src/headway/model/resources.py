"""What a container asks for and may use at most."""

import msgspec

from headway.model.value import Value

MIB = 1024 * 1024


def cores(amount: float) -> str:
    """Write how many cores.

    >>> cores(1.0), cores(0.5), cores(12)
    ('1 core', '0.5 cores', '12 cores')
    """
    text = f"{amount:.4g}"
    return f"{text} core" if text == "1" else f"{text} cores"


class Resources(Value, kw_only=True):
    """Reserved capacity and hard limits of one container.

    `cpu` is in cores and is both the reservation and the weight under contention; a container
    may use idle cores beyond it. `memory_mib` is reserved and is a hard limit. The others are
    hard limits only, but for what an app asks of `disk` itself. `gpus` and `custom` are reserved
    whole; an engine that knows nothing of them only counts.
    """

    cpu: float = 0.1
    memory_mib: int = 256
    processes: int = 256
    open_files: int = 4096
    disk_mib: int = 512
    """Private temporary space (/tmp and /dev/shm together). Memory-backed where tmpfs is used."""
    disk_reserved_mib: int = 0
    """So much of it is reserved of the machine: all where somebody asked for it."""
    log_mib: int = 16
    """Log kept per container; the oldest half goes when it is full."""
    gpus: int = 0
    custom: dict[str, float] = msgspec.field(default_factory=dict)
    """Anything else that a node may have so many of, by name, such as `licences`."""
