"""What `doctor` says of runs that are stuck, and of machines that are not as they should be."""

from headway.calculate.monitor import Flag, Rules, flags
from headway.control.glance import stranded
from headway.control.pooling import Pools
from headway.control.world import World
from headway.model.pool import Pool
from headway.model.view import Check

_SHOWN = 3


async def flagged(world: World, loop: Pools) -> tuple[Flag, ...]:
    """Flag runs that can never start, that are stuck, or run too long."""
    never = tuple(
        Flag(run=row.run, because=f"{row.job} can never start: {row.because}")
        for row in stranded(loop.reading.dispatch)
    )
    now = world.clock.now()
    told = {flag.run for flag in never}
    runs = [run for run in await loop.reading.oldest() if run.id not in told]
    rules = Rules(
        stuck_s=world.settings.monitor_stuck_s,
        long_factor=world.settings.monitor_long_factor,
        cancel_factor=world.settings.monitor_cancel_factor,
    )
    return never + flags([await loop.reading.watched(run, now) for run in runs], rules, now)


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
        Check(
            name=f"pool {pool.name}",
            ok=False,
            detail=f"type {name} is never added: {why}",
            fix="headway pools apply FILE, with types that can be had",
        )
        for pool in await world.store.read(lambda tx: tx.find(Pool))
        for name, why in loop.reading.refused(pool).items()
    ]
    checked += [
        Check(name=f"node {node}", ok=False, detail=text, fix=f"headway nodes drain {node}")
        for node, text in sorted(loop.seen.faulty.items())
    ]
    return checked
