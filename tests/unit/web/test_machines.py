"""Nodes, pools, leases, queues, schedules and dead runs: what their pages show."""

import re
from datetime import timedelta

import msgspec

from headway.control.queries.fullness import Fullness
from headway.model.ids import AppName, EnvironmentName, LeaseId, NodeId, PoolName
from headway.model.lease import Claim, ClaimKind, Lease, LeaseState
from headway.model.node import Node, NodeHold, NodeState
from headway.model.pool import Pool
from headway.model.run import RunState
from headway.model.schedule import Schedule, ScheduleState
from headway.model.snapshot import Reserved
from headway.model.view.lease import LeaseView
from headway.model.view.node import NodeView
from headway.model.view.pool import PoolView
from headway.model.view.schedule import ScheduleView
from headway.web.drawing import Visit, draw
from headway.web.pages.dead import DeadPage, heaps
from headway.web.pages.leases import leases_page
from headway.web.pages.nodes import node_note, nodes_page
from headway.web.pages.pools import pools_page
from headway.web.pages.queue import QueuePage
from headway.web.pages.queues import queues_page
from headway.web.pages.schedules import schedules_page
from tests.unit.web.pictures.things import DEMO, NOW, ago, queue, run


def node(name: str, state: NodeState = NodeState.READY, **fields: object) -> NodeView:
    return NodeView(
        node=Node(id=NodeId(name), cpu=8, memory_mib=16384, state=state),
        reserved=Reserved(cpu=2, memory_mib=4096),
        containers=1,
        **fields,
    )


def test_a_few_nodes_are_drawn_one_by_one_and_many_together_with_those_in_trouble():
    few = nodes_page([node("b"), node("a")], Fullness(states={"ready": 2}))
    assert (few.crowd, [one.name for one in few.packed], few.more) == (None, ["b", "a"], 0)
    rows = [node("z", NodeState.LOST), *(node(f"n{number:04}") for number in range(99))]
    many = nodes_page(rows, Fullness(states={"ready": 1998, "lost": 2}))
    assert many.more == 1900
    assert many.crowd is not None
    assert ([one.name for one in many.crowd.odd], many.crowd.odd_count) == (["z"], 2)


def test_a_node_says_why_it_takes_nothing():
    hold = NodeHold(
        node=NodeId("a"), state=NodeState.DRAINING, because="new disk", by="ana", at=NOW, until=NOW
    )
    assert node_note(node("a")) == ""
    assert node_note(node("a", hold=hold)) == "by ana: new disk, until 09:30 UTC"
    empty = msgspec.structs.replace(hold, empty_at=NOW)
    assert node_note(node("a", hold=empty)) == "empty, by ana: new disk"
    assert node_note(node("a", away_at=NOW)) == "silent since 2026-11-30 09:30:00 UTC"


def lease(name: str, state: LeaseState, ends: float | None = None) -> LeaseView:
    row = Lease(
        id=LeaseId(f"lse-{name}"),
        holder="ana",
        until=NOW + timedelta(seconds=ends) if ends is not None else None,
        claim=Claim(kind=ClaimKind.LOCK, name=name),
        state=state,
        length_s=60,
        asked_at=NOW,
    )
    return LeaseView(lease=row)


def test_leases_that_end_first_come_first_and_lines_stay_in_order():
    page = leases_page(
        [
            lease("w2", LeaseState.WAITING),
            lease("w1", LeaseState.WAITING),
            lease("late", LeaseState.HELD, 600),
            lease("never", LeaseState.HELD),
            lease("soon", LeaseState.HELD, 60),
        ]
    )
    assert [row.lease.claim.name for row in page.rows] == ["soon", "late", "never", "w2", "w1"]


def test_pools_that_cannot_be_as_they_should_come_first():
    views = [PoolView(pool=Pool(name=PoolName(name))) for name in "ab"]
    views.append(PoolView(pool=Pool(name=PoolName("c")), pending=("at its maximum",)))
    assert [view.pool.name for view in pools_page(views).rows] == ["c", "a", "b"]


def test_a_page_of_queues_moves_while_something_waits():
    calm, long = queue(running=1), queue(waiting=3)
    assert queues_page([calm, long]).is_moving
    assert not queues_page([calm]).is_moving


def schedule(name: str, first: float | None, *, live: bool = True) -> ScheduleView:
    state = ScheduleState(
        environment=DEMO,
        app=AppName("shop"),
        name=name,
        schedule=Schedule(name=name, job="report", cron="0 6 * * *"),
        seen_until=NOW,
        live=live,
    )
    at = () if first is None else (ago(-first),)
    return ScheduleView(environment=EnvironmentName("demo"), state=state, next=at)


def test_schedules_come_by_their_next_time_and_those_that_are_gone_are_left_out():
    page = schedules_page(
        [
            schedule("b", None),
            schedule("late", 90),
            schedule("soon", 9),
            schedule("x", 1, live=False),
        ]
    )
    assert [row.state.name for row in page.rows] == ["soon", "late", "b"]


def test_dead_runs_are_counted_by_job_with_the_highest_heap_first():
    rows = (
        run(1, RunState.DEAD),
        msgspec.structs.replace(run(2, RunState.DEAD), job="a b", because="exit status 3"),
        msgspec.structs.replace(run(3, RunState.DEAD), job="a b"),
    )
    left = {row.id: "its environment has ended" for row in rows if row.job == "nightly"}
    found = heaps(rows, left)
    assert [(heap.job, heap.count) for heap in found] == [("a b", 2), ("nightly", 1)]
    assert [heap.stay for heap in found] == [(), (("its environment has ended", 1),)]
    assert found[0].because == "exit status 3"
    page = DeadPage(asked={}, rows=rows, heaps=found)
    assert page.act("replay", found[0]) == "/dead/replay?environment=demo&job=shop%2Fa+b"


def test_a_schedule_that_never_ran_says_only_that():
    page = schedules_page([schedule("nightly", 9)])
    text = draw("schedules.html", page, Visit("/schedules", "ana", NOW, "0"))
    assert '<span class="quiet">never</span></td>' in text


def test_the_head_of_a_queue_names_its_app_and_its_environment():
    text = draw("queue.html", QueuePage(view=queue()), Visit("/x", "ana", NOW, "0"))
    head = re.search(r"<h1>(.*?)</h1>", text)
    assert head is not None
    assert re.sub(r"<[^>]+>", "", head[1]) == "mail of shop in demo"
