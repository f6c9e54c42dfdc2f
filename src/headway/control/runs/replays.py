"""Runs made again: one of them, or those on the dead-letter list, together."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from headway.control import lookup
from headway.control.errors import Conflict, HeadwayError, Invalid
from headway.control.idempotency import answered
from headway.control.requests import DeadQuestion, Invocation
from headway.control.runs.admission import check, check_room
from headway.control.runs.dispatch import Dispatch
from headway.control.runs.events import run_event
from headway.control.runs.invoking import made, named, put_all
from headway.control.runs.runs import get
from headway.control.runs.targets import Target, refuse_unknown
from headway.control.world import World
from headway.model.ids import AppName, EnvironmentId, RunId, environment_name
from headway.model.run import Run, RunState
from headway.model.view.dead import Emptied, LeftDead, Replayed, RunAgain
from headway.ports.store import Reader, Writer

_PAGE = 500


class _Plan:
    """What replaying runs comes to."""

    def __init__(self, world: World, dispatch: Dispatch, actor: str) -> None:
        self._world = world
        self._dispatch = dispatch
        self._actor = actor
        self.now = world.clock.now()
        self.pairs: list[tuple[Run, Run]] = []
        """A run that is dead, and the one that is to repeat it."""
        self.left: list[LeftDead] = []

    async def fill(self, rows: Sequence[Run]) -> None:
        """Take in dead runs; those of one job and queue together."""
        groups: dict[tuple[EnvironmentId, AppName, str, str], list[Run]] = {}
        for row in rows:
            groups.setdefault((row.environment, row.app, row.job, row.queue), []).append(row)
        for (environment, app, job, _), group in groups.items():
            name = environment_name(environment)
            try:
                target = await self._dispatch.targets.find(name, job, app)
                if target.owner.id != environment:
                    raise Conflict("environment-ended", "its environment has ended")
                pairs = [pair for row in group if (pair := self._pair(target, row))]
                check_room(self._dispatch, target, [new for _, new in pairs])
            except HeadwayError as error:
                told = {row.run for row in self.left}
                rest = (row for row in group if row.id not in told)
                self.left += [LeftDead(run=row.id, because=error.because) for row in rest]
            else:
                self.pairs += pairs

    def _pair(self, target: Target, row: Run) -> tuple[Run, Run] | None:
        wish = named(self._world, _wish(row, target), self.now)
        try:
            check(self._world, [(target, wish)], self.now)
        except Invalid as error:  # the job takes other parameters by now
            self.left.append(LeftDead(run=row.id, because=error.because))
            return None
        return row, _repeating(row, made(target, wish, self._actor, self.now))


async def again(
    world: World,
    dispatch: Dispatch,
    actor: str,
    identity: str,
    parameters: msgspec.Raw | None = None,
) -> Run:
    """Make a new run like one that has ended, with the same or with other parameters.

    One on the dead-letter list leaves it: it is replayed.

    Raises:
        NotFound: There is none with this id, or its job is gone.
        Conflict: It has not ended, or its queue takes no more.
        Invalid: The parameters are not right.
    """
    row = await world.store.read(lambda reader: get(reader, identity))
    if not row.is_ended:
        raise Conflict(
            "run-not-ended",
            f"{identity} is {row.state.value}",
            next=(f"headway runs show {identity}",),
        )
    now = world.clock.now()
    target = await dispatch.targets.find(environment_name(row.environment), row.job, row.app)
    wish = named(world, _wish(row, target, parameters), now)
    check(world, [(target, wish)], now)
    fresh = _repeating(row, made(target, wish, actor, now))
    check_room(dispatch, target, [fresh])

    def deed(tx: Writer) -> Run:
        ((stored, _),) = put_all(tx, [fresh], actor, now)
        _leave_dead(tx, row.id, actor, now, f"replayed as {stored.id}")
        return stored

    stored = await world.store.write(answered(deed))
    if stored.id == fresh.id:
        dispatch.made([stored])
    return stored


def _wish(row: Run, target: Target, parameters: msgspec.Raw | None = None) -> Invocation:
    is_there = row.queue in target.release.manifest.queue_names  # the app may have dropped it
    return Invocation(
        parameters=row.parameters if parameters is None else parameters,
        priority=row.priority,
        queue=row.queue if is_there else None,
        tags=row.tags,
        unique=row.unique,
    )


def _repeating(row: Run, fresh: Run) -> Run:
    return msgspec.structs.replace(fresh, again=row.id)


# --- the dead-letter list -------------------------------------------------------------------------


async def replay(world: World, dispatch: Dispatch, actor: str, question: DeadQuestion) -> Replayed:
    """Make runs on the dead-letter list again, oldest first, in one transaction.

    What can no longer be made, or not now, stays on the list, with the reason.

    Raises:
        NotFound: The environment, the job or a run that is named is not there.
        Invalid: Too many at once.
    """
    rows, following = await _chosen(world, question)
    plan = _Plan(world, dispatch, actor)
    await plan.fill(rows)

    def deed(tx: Writer) -> tuple[Replayed, list[Run]]:
        dead = [(old, new) for old, new in plan.pairs if _is_dead(tx, old.id)]
        stored = put_all(tx, [new for _, new in dead], actor, plan.now)
        for (old, _), (row, _) in zip(dead, stored, strict=True):
            _leave_dead(tx, old.id, actor, plan.now, f"replayed as {row.id}")
        answer = Replayed(
            runs=tuple(
                RunAgain(run=old.id, again=row.id)
                for (old, _), (row, _) in zip(dead, stored, strict=True)
            ),
            left=tuple(plan.left),
            after=following,
        )
        return answer, [row for row, is_new in stored if is_new]

    answer, fresh = await world.store.write(answered(deed, lambda done: done[0]))
    dispatch.made(fresh)
    return answer


async def left_behind(
    world: World, dispatch: Dispatch, actor: str, rows: Sequence[Run]
) -> dict[RunId, str]:
    """Say which of these dead runs a replay would leave on the list now, and why."""
    plan = _Plan(world, dispatch, actor)
    await plan.fill(rows)
    return {row.run: row.because for row in plan.left}


async def empty(world: World, actor: str, question: DeadQuestion) -> Emptied:
    """Take runs off the dead-letter list, in one transaction. They are kept as failed.

    Raises:
        NotFound: The environment, the job or a run that is named is not there.
        Invalid: Too many at once.
    """
    rows, following = await _chosen(world, question)
    now = world.clock.now()

    def deed(tx: Writer) -> Emptied:
        dead = [row.id for row in rows if _is_dead(tx, row.id)]  # retention may have taken some
        for identity in dead:
            _leave_dead(tx, identity, actor, now, f"removed by {actor}")
        return Emptied(runs=tuple(dead), after=following)

    return await world.store.write(answered(deed))


async def forget_dead(world: World, actor: str, identity: str) -> Run:
    """Take a run off the dead-letter list. It is kept as failed.

    Raises:
        NotFound: There is none with this id.
        Conflict: It is not on the list.
    """
    now = world.clock.now()

    def deed(tx: Writer) -> Run:
        row = _leave_dead(tx, identity, actor, now, f"removed by {actor}")
        if row is None:
            raise Conflict("run-not-dead", f"{identity} is not on the dead-letter list")
        return row

    return await world.store.write(answered(deed))


async def _chosen(world: World, question: DeadQuestion) -> tuple[list[Run], RunId | None]:
    """Give the dead runs that are asked for, and behind which one there may be more."""
    most = world.settings.invocations_max
    if not 0 < question.limit <= most or len(question.runs) > most:
        raise Invalid(
            "invocations-count",
            f"one request is about 1 to {most} runs",
            hint="send several requests; invocations_max in settings.yaml is the limit",
        )
    return await world.store.read(lambda reader: _find(reader, question))


def _find(reader: Reader, question: DeadQuestion) -> tuple[list[Run], RunId | None]:
    environment = question.environment
    owner = lookup.last_life(reader, environment) if environment else None
    found, following = _matching(reader, question, owner.id if owner else None)
    if not found and question.app is None:
        refuse_unknown(reader, owner, question.job)
    return found, following


def _matching(
    reader: Reader, question: DeadQuestion, owner: EnvironmentId | None
) -> tuple[list[Run], RunId | None]:
    if question.runs:
        named = [get(reader, identity) for identity in dict.fromkeys(question.runs)]
        return [row for row in named if question.matches(row, owner)], None
    found: list[Run] = []
    after = question.after
    while True:
        rows = reader.find(Run, dead=1, limit=_PAGE, after=after)
        for row in rows:
            after = row.id
            if question.matches(row, owner):
                found.append(row)
                if len(found) == question.limit:
                    return found, after
        if len(rows) < _PAGE:
            return found, None


def _leave_dead(tx: Writer, identity: str, actor: str, now: datetime, because: str) -> Run | None:
    row = get(tx, identity)
    if row.state is not RunState.DEAD:
        return None
    told = f"{row.because}; {because}"
    after = msgspec.structs.replace(row, state=RunState.FAILED, because=told)
    verb = because.partition(" ")[0]
    tx.record(run_event(after, now, actor, f"run.{verb}", because))
    return tx.put(after)


def _is_dead(reader: Reader, identity: RunId) -> bool:
    row = reader.get(Run, identity)
    return row is not None and row.state is RunState.DEAD
