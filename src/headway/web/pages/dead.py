"""The dead-letter list: runs whose retries are used up, looked at, made again or taken off."""

from collections import Counter
from collections.abc import Mapping

from headway.control import permission
from headway.control.requests import DeadQuestion, RunQuestion
from headway.control.runs import replays, runs
from headway.formats.units import counted
from headway.model.ids import AppName, EnvironmentName, RunId, environment_name
from headway.model.role import Deed
from headway.model.run import Run, RunState
from headway.model.value import Value
from headway.model.view.change import PlannedChange, Started
from headway.model.view.run import RunPage
from headway.web import links
from headway.web.commands import command
from headway.web.page import Act, Ask, Crumb, Field, Page, Plan, View

_SHOWN_MAX = 200
_AT_ONCE = 200
_FIELDS = ("environment", "job")


class Heap(Value, kw_only=True):
    """Dead runs of one job."""

    environment: str
    app: str
    job: str
    count: int
    because: str
    """Of the newest."""
    stay: tuple[tuple[str, int], ...] = ()
    """Why a replay would leave some on the list now, and how many."""


class DeadPage(View, kw_only=True):
    """Runs on the list, newest first."""

    asked: dict[str, str]
    rows: tuple[Run, ...]
    heaps: tuple[Heap, ...]
    """What is on this page, by job."""
    before: str | None = None

    @property
    def title(self) -> str:
        """Its name."""
        return "Dead letters"

    @property
    def crumbs(self) -> tuple[Crumb, ...]:
        """The way to it."""
        return (Crumb("Runs", "/runs"),)

    @property
    def older(self) -> str:
        """Where the older ones are; empty at the end."""
        return links.query("/dead", **self.asked, before=self.before) if self.before else ""

    def act(self, verb: str, heap: Heap) -> str:
        """Give where something is done to a heap."""
        said = {"environment": heap.environment, "job": f"{heap.app}/{heap.job}"}
        return links.query(f"/dead/{verb}", **said)


def heaps(rows: tuple[Run, ...], left: Mapping[RunId, str]) -> tuple[Heap, ...]:
    """Count dead runs by job, the highest heap first; `left` says why some would stay."""
    own: dict[tuple[str, str, str], list[Run]] = {}
    for row in rows:
        own.setdefault((environment_name(row.environment), row.app, row.job), []).append(row)
    found = [
        Heap(
            environment=key[0],
            app=key[1],
            job=key[2],
            count=len(some),
            because=some[0].because,
            stay=tuple(Counter(left[row.id] for row in some if row.id in left).most_common()),
        )
        for key, some in own.items()
    ]
    return tuple(
        sorted(found, key=lambda heap: (-heap.count, heap.environment, heap.app, heap.job))
    )


async def _see(ask: Ask) -> DeadPage:
    found = await runs.listing(
        ask.world,
        RunQuestion(
            environment=ask.query.get("environment") or None,
            job=ask.query.get("job") or None,
            state=(RunState.DEAD,),
            before=ask.query.get("before") or None,
            limit=_SHOWN_MAX,
        ),
    )
    asked = {name: ask.query[name] for name in _FIELDS if ask.query.get(name)}
    left = await replays.left_behind(ask.world, ask.heart.dispatch, ask.actor, found.rows)
    return DeadPage(
        asked=asked, rows=found.rows, heaps=heaps(found.rows, left), before=found.before
    )


def _question(ask: Ask) -> DeadQuestion:
    app, _, job = ask.query.get("job", "").rpartition("/")
    return DeadQuestion(
        runs=tuple(RunId(run) for run in ask.query.get("run", "").split(",") if run),
        environment=ask.query.get("environment") or None,
        app=app or None,
        job=job or None,
        limit=_AT_ONCE,
    )


async def _on(ask: Ask) -> Deed:
    return await permission.on_dead(ask.world, _question(ask))


def _what(question: DeadQuestion) -> str:
    job = f"{question.app}/{question.job}" if question.app else question.job
    return f"dead runs{f' of {job}' if job else ''}" + (
        f" in {question.environment}" if question.environment else ""
    )


def _said(ask: Ask) -> tuple[Field, ...]:
    names = ("environment", "job", "run")
    return tuple(
        Field(name=name, label=name, value=ask.query[name], is_hidden=True)
        for name in names
        if ask.query.get(name)
    )


async def _chosen(ask: Ask) -> RunPage:
    question = _question(ask)
    return await runs.listing(
        ask.world,
        RunQuestion(
            environment=question.environment,
            app=question.app,
            job=question.job,
            state=(RunState.DEAD,),
            limit=_AT_ONCE,
        ),
    )


async def _plan(ask: Ask, verb: str, sentence: str, *, confirm: bool) -> Plan:
    question, rows = _question(ask), await _chosen(ask)
    count = len(rows.rows)
    more = " Those are the oldest; do it again for the rest." if rows.before else ""
    job = f"{question.app}/{question.job}" if question.app else question.job or ""
    return Plan(
        what=f"{verb} {_what(question)}",
        verb=f"{verb} {counted(count, 'run')}",
        sentence=f"{counted(count, 'run')} at once. {sentence}{more}",
        fields=_said(ask),
        confirm=(question.job or question.environment or "dead") if confirm else "",
        back="/dead",
        command=command(
            "runs dead",
            *question.runs,
            options={
                "-e": question.environment or "",
                "-j": job,
                "--empty" if confirm else "--replay": True,
            },
        ),
    )


async def _see_replay(ask: Ask) -> Plan:
    sentence = "Each is made again with the parameters it had, and leaves the list."
    return await _plan(ask, "Replay", sentence, confirm=False)


async def _rehearse_replay(ask: Ask) -> Started:
    rows = (await _chosen(ask)).rows
    left = await replays.left_behind(ask.world, ask.heart.dispatch, ask.actor, rows)
    changes = [change for heap in heaps(rows, left) for change in _changes(heap)]
    return Started(environment=EnvironmentName(""), plan=tuple(changes))


def _changes(heap: Heap) -> list[PlannedChange]:
    """Say what a replay would do with a heap."""
    name = f"{heap.app}/{heap.job} in {heap.environment}"
    again = heap.count - sum(count for _, count in heap.stay)
    found = [(f"make {counted(again, 'run')} of {name} again", heap.because)] if again else []
    found += [(f"leave {counted(count, 'run')} of {name}", why) for why, count in heap.stay]
    return [
        PlannedChange(app=AppName(heap.app), verb="replay", what=what, because=because)
        for what, because in found
    ]


async def _replay(ask: Ask) -> str:
    await replays.replay(ask.world, ask.heart.dispatch, ask.actor, _question(ask))
    return "/dead"


async def _see_empty(ask: Ask) -> Plan:
    sentence = "They are kept as failed, and can no longer be replayed together."
    return await _plan(ask, "Take off", sentence, confirm=True)


async def _empty(ask: Ask) -> str:
    await replays.empty(ask.world, ask.actor, _question(ask))
    return "/dead"


OFFERS = (
    Act("/dead/replay", _on, _see_replay, _replay, _rehearse_replay),
    Act("/dead/empty", _on, _see_empty, _empty),
    Page("/dead", "dead.html", _see),
)
