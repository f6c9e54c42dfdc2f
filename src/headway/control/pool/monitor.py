"""What `doctor` says of runs that are stuck, and of machines that are not as they should be."""

from datetime import datetime

from headway.calculate.demand import of_job
from headway.calculate.runs.monitor import Flag, Rules, Watched, flags, rules_of
from headway.control.glance import stranded
from headway.control.pool.pooling import Pools
from headway.control.pool.reading import main_pool
from headway.control.runs.dispatch import Dispatch
from headway.control.world import World
from headway.model.job import Job
from headway.model.pool import Pool
from headway.model.release import Release
from headway.model.run import Run
from headway.model.view.check import Check
from headway.model.words import and_more
from headway.ports.store import Reader

_SHOWN = 3


async def flagged(world: World, loop: Pools) -> tuple[Flag, ...]:
    """Flag runs that can never start, that are stuck, or run too long."""
    never = tuple(
        Flag(run=row.run, because=f"{row.job} can never start: {row.because}")
        for row in stranded(loop.reading.dispatch)
    )
    now = world.clock.now()
    told = {flag.run for flag in never}
    reading = _Reading(world, loop, await world.store.read(lambda tx: tx.find(Pool)), now)
    runs = [run for run in await _oldest(world, loop.reading.dispatch) if run.id not in told]
    return never + flags([await reading.watched(run) for run in runs], now)


async def _oldest(world: World, dispatch: Dispatch) -> list[Run]:
    """Give the first run of each lane whose runs could start, and every active one."""
    lanes = list(dict.fromkeys(row.first.name for row in await dispatch.starts.backlog()))

    def question(reader: Reader) -> list[Run]:
        firsts = [run for lane in lanes for run in reader.find(Run, lane=lane, limit=1)]
        return [*firsts, *reader.find(Run, active=1)]

    return await world.store.read(question)


class _Reading:
    """What is known of runs that are watched."""

    def __init__(self, world: World, loop: Pools, pools: list[Pool], now: datetime) -> None:
        self._loop = loop
        self._pools = {pool.name: pool for pool in pools}
        self._main = main_pool(pools)
        self._now = now
        self._usual = Rules(
            stuck_s=world.settings.monitor_stuck_s,
            long_factor=world.settings.monitor_long_factor,
            cancel_factor=world.settings.monitor_cancel_factor,
        )
        self._known: dict[tuple[str, int | None], tuple[Job | None, Rules]] = {}
        """By a job and its release: it has one for all of its runs."""

    async def watched(self, run: Run) -> Watched:
        """Give a run with what is thought of its length, its limits, and its pool's rules."""
        thought = await self._loop.reading.estimates.of(run.owner, self._now)
        number = run.attempt.release if run.attempt else run.pinned
        known = self._known.get((run.owner, number))
        if known is None:
            known = self._known[run.owner, number] = await self._of_job(run, number)
        job, rules = known
        return Watched(run=run, thought=thought, job=job if run.attempt else None, rules=rules)

    async def _of_job(self, run: Run, number: int | None) -> tuple[Job | None, Rules]:
        """Give a run's job, and the rules of the pool that it is to run in."""
        release = await self._release(run, number)
        job = release.manifest.job(run.job) if release else None
        wants = of_job(release, job).pool if release and job else None
        pool = self._pools.get(wants or self._main)
        return job, rules_of(pool.monitor, self._usual) if pool else self._usual

    async def _release(self, run: Run, number: int | None) -> Release | None:
        """Give the release that runs it, or that would."""
        book, key = self._loop.reading.dispatch.book, (run.environment, run.app)
        if number is not None:
            return await book.release(key, number)
        return (await book.standing(key)).release


async def checks(world: World, loop: Pools) -> list[Check]:
    """Say which runs and machines somebody should look at."""
    found = await flagged(world, loop)
    shown = [f"{flag.run}: {flag.because}" for flag in found[:_SHOWN]]
    checked = [
        Check(
            name="runs",
            ok=not found,
            detail=and_more(shown, len(found), "; ") or "none is stuck, none runs too long",
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
