from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from headway.calculate.departure import NodeSnapshot, plan_node
from headway.calculate.node import as_held, is_draining, is_over_limit
from headway.model.container import Container, ContainerKind, ContainerState
from headway.model.ids import AppName, ContainerId, EnvironmentId, NodeId
from headway.model.node import Node, NodeHold, NodeState
from headway.model.plan import Verb

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(minutes=10)
N1 = NodeId("n1")
NODE = Node(id=N1, cpu=4, memory_mib=4096)
DRAIN = NodeHold(node=N1, state=NodeState.DRAINING, by="ana", at=NOW, until=LATER)


def there(kind: ContainerKind = ContainerKind.SERVICE, **fields) -> Container:
    row = Container(
        id=ContainerId(f"c-{kind.value}"),
        environment=EnvironmentId("demo~1"),
        app=AppName("shop"),
        kind=kind,
        process="web",
        release=1,
        node=N1,
        state=ContainerState.HEALTHY,
        created_at=NOW,
    )
    return msgspec.structs.replace(row, **fields)


def snapshot(*containers: Container, **fields) -> NodeSnapshot:
    made = NodeSnapshot(node=as_held(NODE, DRAIN), hold=DRAIN, containers=containers)
    return msgspec.structs.replace(made, **fields)


def test_a_node_is_given_up_once_it_was_silent_for_long_enough():
    rows = (there(), there(ContainerKind.RUNNER))
    away = snapshot(*rows, hold=None, away_at=NOW)
    early = plan_node(away, NOW + timedelta(seconds=59), 60)
    assert (early.changes, early.is_lost) == ((), False)
    assert early.wake_at == NOW + timedelta(seconds=60)
    late = plan_node(away, NOW + timedelta(seconds=60), 60)
    assert late.is_lost
    assert [change.row.state for change in late.changes] == [ContainerState.LOST] * 2
    gone = plan_node(snapshot(away_at=NOW), NOW + timedelta(seconds=60), 60)
    assert (gone.is_lost, gone.is_empty) == (True, True)
    assert all("not been heard from" in change.row.exit.reason for change in late.changes)


def test_a_node_that_was_given_back_is_gone_at_once_and_not_lost():
    left = plan_node(snapshot(away_at=NOW, is_released=True), NOW, 60)
    assert (left.is_gone, left.is_lost) == (True, False)
    full = plan_node(snapshot(there(), away_at=NOW, is_released=True), NOW, 60)
    assert (full.is_gone, full.is_lost) == (False, True)
    (change,) = full.changes
    assert change.row.exit.reason == "n1 was given back"


def test_nothing_is_given_up_where_no_other_node_could_take_it():
    alone = snapshot(there(), hold=None, away_at=NOW, others=False)
    plan = plan_node(alone, LATER, 60)
    assert (plan.changes, plan.is_lost) == ((), False)


def test_what_ends_by_itself_has_until_the_limit():
    rows = (there(), there(ContainerKind.ONE_OFF), there(ContainerKind.RELEASE))
    early = plan_node(snapshot(*rows), NOW, 60)
    assert (early.changes, early.wake_at) == ((), LATER)
    late = plan_node(snapshot(*rows), LATER, 60)
    assert [change.verb for change in late.changes] == [Verb.STOP_CONTAINER] * 2
    assert {change.row.kind for change in late.changes} == {rows[1].kind, rows[2].kind}
    stopping = [change.row for change in late.changes]
    assert plan_node(snapshot(rows[0], *stopping), LATER, 60).changes == ()


@pytest.mark.parametrize(
    ("what", "vacated", "empty"),
    [
        (snapshot(), True, True),
        (snapshot(there(daemon=True)), True, False),
        (snapshot(there(daemon=True), there()), False, False),
        (snapshot(there(daemon=True), attempts=1), False, False),
        (snapshot(builds=1), False, False),
        (snapshot(hold=None), False, False),
        (snapshot(hold=msgspec.structs.replace(DRAIN, state=NodeState.CORDONED)), False, False),
    ],
)
def test_daemons_leave_last_and_then_it_is_empty(what, vacated, empty):
    plan = plan_node(what, NOW, 60)
    assert (plan.is_vacated, plan.is_empty) == (vacated, empty)


def test_a_node_that_is_not_heard_from_is_lost_whatever_was_said_of_it():
    lost = msgspec.structs.replace(NODE, state=NodeState.LOST)
    assert as_held(lost, DRAIN).state is NodeState.LOST
    assert as_held(NODE, DRAIN).state is NodeState.DRAINING
    assert as_held(NODE, None) is NODE


def test_only_a_drain_has_a_limit():
    holds = {N1: DRAIN}
    assert is_draining(holds, N1)
    assert not is_draining(holds, NodeId("n2"))
    assert not is_over_limit(holds, N1, LATER - timedelta(seconds=1))
    assert is_over_limit(holds, N1, LATER)
    cordoned = {N1: msgspec.structs.replace(DRAIN, state=NodeState.CORDONED)}
    assert not is_over_limit(cordoned, N1, LATER)
