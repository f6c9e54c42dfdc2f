"""What `doctor` says of runs that are stuck, and of machines that are not as they should be."""

from headway.calculate.monitor import Flag, Rules, flags
from headway.control.pooling import Pools
from headway.control.world import World
from headway.model.view import Check

_SHOWN = 3


async def flagged(world: World, loop: Pools) -> tuple[Flag, ...]:
    """Flag runs that are stuck or run too long."""
    now = world.clock.now()
    runs = await loop.reading.oldest()
    rules = Rules(
        stuck_s=world.settings.monitor_stuck_s,
        long_factor=world.settings.monitor_long_factor,
        cancel_factor=world.settings.monitor_cancel_factor,
    )
    return flags([await loop.reading.watched(run, now) for run in runs], rules, now)


async def checks(world: World, loop: Pools) -> list[Check]:
    """Say which runs and machines somebody should look at."""
    found = await flagged(world, loop)
    shown = "; ".join(f"{flag.run}: {flag.because}" for flag in found[:_SHOWN])
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    checked = [
        Check(
            name="runs",
            ok=not found,
            detail=f"{shown}{more}" if found else "none is stuck, none runs too long",
            fix=f"headway why {found[0].run}" if found else "",
        )
    ]
    checked += [
        Check(name=f"machine {node}", ok=False, detail=text, fix="headway pools ls")
        for node, text in sorted(loop.seen.flags.items())
    ]
    checked += [
        Check(name=f"node {node}", ok=False, detail=text, fix=f"headway nodes drain {node}")
        for node, text in sorted(loop.seen.faulty.items())
    ]
    return checked
