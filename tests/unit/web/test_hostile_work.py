"""Pages of work and machines with something hostile in each of their texts."""

import msgspec
import pytest

from headway.control.queries.fullness import Fullness
from headway.model.event import Event
from headway.model.happening import happenings
from headway.model.job import Job
from headway.model.lease import Claim, ClaimKind, Lease, LeaseState
from headway.model.log import LogLine, Stream
from headway.model.node import Node, NodeHold, NodeState
from headway.model.pool import Pool
from headway.model.run import Run, RunState
from headway.model.schedule import Schedule, ScheduleState
from headway.model.snapshot import Reserved
from headway.model.view.change import PlannedChange
from headway.model.view.job import JobView
from headway.model.view.lease import LeaseView
from headway.model.view.log import LogEntry
from headway.model.view.node import NodeView
from headway.model.view.pool import PoolView
from headway.model.view.run import RunView
from headway.model.view.schedule import ScheduleView
from headway.web.drawing import Visit, draw
from headway.web.page import View
from headway.web.pages.dead import DeadPage, heaps
from headway.web.pages.job import JobPage
from headway.web.pages.jobs import jobs_page
from headway.web.pages.leases import LeasePage, leases_page
from headway.web.pages.node import NodePage
from headway.web.pages.nodes import nodes_page
from headway.web.pages.pools import PoolPage, pools_page
from headway.web.pages.queue import QueuePage
from headway.web.pages.queues import queues_page
from headway.web.pages.run import RunPage
from headway.web.pages.runs import RunsPage
from headway.web.pages.schedules import schedules_page
from tests.unit.web.hostile import EVIL, Harmless, hostile
from tests.unit.web.pictures.things import DEMO, NOW, attempt, queue, run


def a_run(evil: str, state: RunState) -> Run:
    """One that was given, printed and tagged something hostile."""
    row = run(1, state, attempt(1, 500, 3, RunState.FAILED), attempt(2, 400, 3, state))
    given = msgspec.Raw(msgspec.json.encode({evil: [evil]}))
    return msgspec.structs.replace(
        row, parameters=given, result=given, tags={"a": "b"}, because="it", key="k"
    )


def pages(evil: str) -> dict[str, View]:
    """One of each page."""
    dead, running = a_run(evil, RunState.DEAD), a_run(evil, RunState.RUNNING)
    event = Event(at=NOW, actor="ana", kind="node.drained", subject="n1", because="disk")
    hold = NodeHold(node="n1", state=NodeState.DRAINING, because="disk", by="ana", at=NOW)
    node = NodeView(
        node=Node(id="n1", cpu=8, memory_mib=16384, state=NodeState.DRAINING, tags={"a": "b"}),
        reserved=Reserved(cpu=2, memory_mib=4096),
        containers=1,
        hold=hold,
        leases=("lse-1",),
        there=("web.1",),
    )
    pool = PoolView(
        pool=Pool(name="default"),
        pending=("too large",),
        next=(PlannedChange(app=None, verb="add", what="add a node", because="it waits"),),
        flags=("slow",),
    )
    claim = Claim(kind=ClaimKind.LOCK, name="migration")
    lease = LeaseView(
        lease=Lease(
            id="lse-1",
            holder="ana",
            until=NOW,
            claim=claim,
            reason="to migrate",
            because="asked",
            state=LeaseState.HELD,
            length_s=60,
            asked_at=NOW,
        ),
        holds=("demo",),
    )
    job = JobView(
        environment="demo",
        app="shop",
        release=1,
        job=Job(name="nightly", doc="What it does."),
        schedules=("night",),
        last=dead,
    )
    night = Schedule(name="night", job="nightly", cron="0 2 * * *")
    state = ScheduleState(
        environment=DEMO, app="shop", name="night", schedule=night, seen_until=NOW
    )
    schedule = ScheduleView(environment="demo", state=state, next=(NOW,))
    line = LogLine(at=NOW, stream=Stream.STDOUT, text="text", cursor=7)
    entry = LogEntry(container="c", app="shop", label="nightly", release=1, line=line)
    return {
        "jobs.html": jobs_page([job]),
        "job.html": JobPage(view=job, runs=(dead, running), schedules=(schedule,)),
        "runs.html": RunsPage(show="all", asked={"job": "x"}, rows=(dead, running), before="r"),
        "run.html": RunPage(
            view=RunView(
                run=running,
                environment="demo",
                waits="for room",
                progress={"percent": 5, "text": evil},
            ),
            log=(entry,),
        ),
        "dead.html": DeadPage(
            asked={"job": "x"}, rows=(dead,), heaps=heaps((dead,), {dead.id: "it"}), before="r"
        ),
        "queues.html": queues_page([queue(running=1, waiting=2, paused=True)]),
        "queue.html": QueuePage(view=queue(running=1, waiting=2, paused=True)),
        "schedules.html": schedules_page([schedule]),
        "nodes.html": nodes_page([node], Fullness(states={"draining": 1})),
        "node.html": NodePage(view=node, note="by ana", happened=happenings([event], 1)),
        "pools.html": pools_page([pool]),
        "pool.html": PoolPage(view=pool),
        "leases.html": leases_page([lease]),
        "lease.html": LeasePage(view=lease, line=(lease,)),
    }


@pytest.mark.parametrize("evil", EVIL, ids=range(len(EVIL)))
@pytest.mark.parametrize("template", pages(""))
def test_whatever_stands_in_a_text_is_shown_and_does_nothing(template, evil):
    visit = Visit("/x", "ana", NOW, "0", "viewer", "token")
    page = draw(template, hostile(pages(evil)[template], evil), visit, is_live=True)
    reader = Harmless()
    reader.feed(page)
    reader.close()
