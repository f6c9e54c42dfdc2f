"""What works on this machine, what does not, and how to mend it."""

import shutil
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from headway.control.world import World
from headway.machine.own_log import Log
from headway.model.view.check import Check

_log = Log()
_DISK_FREE_MIN = 1024 * 1024 * 1024


async def checks(
    world: World, data: Path, machine: Sequence[Callable[[], Awaitable[list[Check]]]]
) -> list[Check]:
    """Look at the store, the loops, the disk, and at what engines and router say of the machine.

    Args:
        world: The control plane.
        data: Its data directory.
        machine: What each engine and router checks of the machine.
    """
    found = [await _store(world), disk(data)]
    for check in machine:
        found += await _of_machine(check)
    for loop, (at, error) in sorted(world.troubles.items()):
        found.append(
            Check(
                name=f"loop {loop}",
                ok=False,
                detail=f"{error} (at {at:%Y-%m-%d %H:%M:%S} UTC)",
                fix="it is tried again by itself; the server's log has the whole story",
            )
        )
    return [*found, *_figures(world)]


def _figures(world: World) -> list[Check]:
    """Say when what is measured has no room."""
    figures = world.figures
    if not figures.left_out:
        return []
    return [
        Check(
            name="figures",
            ok=False,
            detail=f"{figures.kept} are kept over time, and {len(figures.left_out)} more are not",
            fix="raise figures_series_max in settings.yaml: about 3 kB of memory each",
        )
    ]


async def _store(world: World) -> Check:
    try:
        events = await world.store.read(lambda reader: reader.events(newest_first=True, limit=1))
    except Exception as error:  # noqa: BLE001 (whatever it is, doctor is to show it)
        return Check(name="store", ok=False, detail=str(error), fix="see docs/operating.md")
    last = f"{events[0].sequence} events" if events else "no events yet"
    return Check(name="store", ok=True, detail=last)


async def _of_machine(check: Callable[[], Awaitable[list[Check]]]) -> list[Check]:
    """Have one look; what keeps it from looking, such as a full disk, is told as well."""
    try:
        return await check()
    except Exception as error:  # noqa: BLE001 (whatever it is, doctor is to show it)
        _log.error("a check of the machine failed", exc_info=error)
        detail = f"could not be looked at: {type(error).__name__}: {error}"
        fix = "mend what else is wrong here, the disk first; the server's log has the whole story"
        return [Check(name="machine", ok=False, detail=detail, fix=fix)]


def disk(data: Path) -> Check:
    """Say how much room there is where a data directory is, or is to be."""
    there = next(path for path in (data, *data.parents) if path.exists())
    usage = shutil.disk_usage(there)
    detail = f"{usage.free / 2**30:.1f} of {usage.total / 2**30:.1f} GiB free below {data}"
    return Check(
        name="disk",
        ok=usage.free >= _DISK_FREE_MIN,
        detail=detail,
        fix="" if usage.free >= _DISK_FREE_MIN else "free some space, or move the data directory",
    )
