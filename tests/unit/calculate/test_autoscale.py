from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from headway.calculate.autoscale.bounds import bounds_at
from headway.calculate.autoscale.plan import plan_pool
from headway.calculate.autoscale.suits import suits as rules
from headway.model.demand import Demand
from headway.model.ids import NodeId
from headway.model.node import Node
from headway.model.pool import NodeType, Pool, Scaling, Window
from headway.model.pool_plan import PoolVerb
from headway.model.pool_snapshot import Host, HostState, Load, Patience, PoolSnapshot, Waiting
from headway.model.resources import Resources

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
SMALL = NodeType(name="small", cpu=2, memory_mib=4096, price_hour=0.1)
LARGE = NodeType(name="large", cpu=8, memory_mib=16384, price_hour=0.3)
HOURLY = NodeType(name="hourly", cpu=2, memory_mib=4096, price_hour=0.1, billing_s=3600)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def demand(cpu: float = 1, memory_mib: int = 512, **rules) -> Demand:
    return Demand(resources=Resources(cpu=cpu, memory_mib=memory_mib), **rules)


def waits(count=1, *, for_s=1.0, runs_s=600.0, patience=Patience.URGENT, wants=None) -> Waiting:
    return Waiting(
        demand=wants or demand(),
        since=after(-for_s),
        count=count,
        expected_s=runs_s,
        patience=patience,
    )


def host(name="a", kind=SMALL, state=HostState.READY, *, age_s=1000.0, loads=(), **fields) -> Host:
    since = after(-age_s)
    node = Node(id=NodeId(name), cpu=kind.cpu, memory_mib=kind.memory_mib, type=kind.name)
    ready_at = since + timedelta(seconds=kind.start_s)
    return Host(
        node=node, kind=kind, state=state, since=since, ready_at=ready_at, loads=loads, **fields
    )


def busy(*ends_s: float | None, cpu: float = 1) -> tuple[Load, ...]:
    return tuple(
        Load(demand=demand(cpu), ends_at=None if end is None else after(end)) for end in ends_s
    )


def decide(
    hosts=(),
    waiting=(),
    types=(SMALL,),
    suits=lambda *_: True,
    scarce=(),
    standing=(),
    **scaling,
):
    pool = Pool(types=tuple(types), scaling=Scaling(**scaling))
    snapshot = PoolSnapshot(
        pool=pool,
        hosts=tuple(hosts),
        standing=tuple(standing),
        waiting=tuple(waiting),
        scarce=dict.fromkeys(scarce, "all are lent"),
    )
    return plan_pool(snapshot, NOW, suits)


def verbs(plan) -> list[str]:
    return [change.verb.value for change in plan.changes]


# --- growing --------------------------------------------------------------------------------------


def test_nothing_waits_and_nothing_is_added():
    assert decide().changes == ()


def test_a_type_is_chosen_by_its_disk_too():
    scratch = msgspec.structs.replace(LARGE, disk_mib=100_000)
    asked = Demand(resources=Resources(cpu=1, memory_mib=512, disk_reserved_mib=40_000))
    none = msgspec.structs.replace(SMALL, disk_mib=20_000)
    plan = decide(waiting=[waits(2, wants=asked)], types=(none, scratch))
    assert [change.type for change in plan.changes] == ["large"]


def test_those_who_need_one_port_get_a_node_each():
    asked = demand(0.1, ports=(5432,))
    assert len(decide(waiting=[waits(3, wants=asked)]).changes) == 3


def test_what_would_start_late_gets_nodes_and_shares_them():
    plan = decide(waiting=[waits(4)])
    assert verbs(plan) == ["add", "add"]
    assert "4 that wait" in plan.changes[0].because
    assert (plan.nodes, plan.price_hour) == (2, 0.2)


def test_room_that_is_soon_free_is_waited_for():
    assert decide([host(loads=busy(100, 100))], [waits(2)]).changes == ()


def test_room_on_a_node_that_is_silent_is_waited_for_until_it_is_given_up():
    silent = msgspec.structs.replace(host(state=HostState.SILENT), ready_at=after(60))
    assert decide([silent], [waits(2)]).changes == ()
    assert decide(standing=[silent], waiting=[waits(2)]).changes == ()
    assert verbs(decide([silent], [waits(4)])) == ["add"]
    later = msgspec.structs.replace(silent, ready_at=after(900))
    assert verbs(decide([later], [waits(2)])) == ["add"]


def test_a_node_that_is_silent_counts_for_the_bounds_and_is_not_given_back():
    silent = host(state=HostState.SILENT)
    assert decide([silent], [waits(6)], nodes_max=1).changes == ()
    assert decide([silent], nodes_min=1).changes == ()
    assert decide([silent], idle_s=0).changes == ()


def test_room_on_a_node_that_is_there_anyhow_is_waited_for_and_filled_first():
    soon, late = host(loads=busy(100, 100)), host(loads=busy(900, 900))
    assert decide(waiting=[waits(2)], standing=[soon]).changes == ()
    assert verbs(decide(waiting=[waits(2)], standing=[late])) == ["add"]
    plan = decide([host("lent")], [waits(2)], standing=[soon])
    assert plan.spare == ()  # it starts there now rather than later


def test_a_node_that_is_there_anyhow_counts_for_no_bound_and_is_never_given_back():
    plan = decide(standing=[host()], nodes_min=1, idle_s=0)
    assert (verbs(plan), plan.nodes, plan.spare) == (["add"], 1, ())
    plan = decide(waiting=[waits(4)], standing=[host(loads=busy(900, 900))], nodes_max=1)
    assert (verbs(plan), plan.nodes) == (["add"], 1)


def test_a_node_is_given_back_when_its_services_have_room_on_one_that_is_there_anyhow():
    lent = host("lent", loads=busy(None, cpu=0.5), spare_since=after(-1000))
    assert verbs(decide([lent])) == []
    assert verbs(decide([lent], standing=[host("here")])) == ["drain"]


def test_what_asks_for_a_pool_does_not_go_beside_it():
    here = msgspec.structs.replace(host("here").node, pool="default")
    beside = msgspec.structs.replace(host("here"), node=here)
    pool = Pool(name="ci", types=(SMALL,))

    def asked(demand) -> list[str]:
        snapshot = PoolSnapshot(pool=pool, standing=(beside,), waiting=(waits(1, wants=demand),))
        return verbs(plan_pool(snapshot, NOW, lambda wants, node: rules(pool, wants, node)))

    assert asked(demand()) == []
    assert asked(demand(pool="ci")) == ["add"]


def test_room_that_is_free_too_late_is_not():
    plan = decide([host(loads=busy(900, 900))], [waits(2)])
    assert verbs(plan) == ["add"]


def test_a_node_is_not_added_that_would_come_no_sooner():
    slow = msgspec.structs.replace(SMALL, start_s=600)
    assert decide([host(loads=busy(500, 500))], [waits(2, for_s=170)], [slow]).changes == ()


def test_nodes_that_start_already_count():
    starting = host("b", state=HostState.STARTING, age_s=60)
    assert decide([starting], [waits(2)]).changes == ()


def test_short_ones_take_turns_on_one_node():
    """Twenty that run for five seconds are all in time on two places."""
    assert verbs(decide(waiting=[waits(10, runs_s=3)], late_s=200)) == ["add"]


def test_what_has_waited_for_half_is_late_already():
    soon = [host(loads=busy(250, 250))]
    assert decide(soon, [waits(1, for_s=10)], late_s=300).changes == ()
    assert verbs(decide(soon, [waits(1, for_s=160)], late_s=300)) == ["add"]


def test_the_patient_wait_longer_and_the_lazy_for_ever():
    full = [host(loads=busy(900, 900))]
    assert decide(full, [waits(2, patience=Patience.PATIENT)]).changes == ()
    assert verbs(decide(full, [waits(2, for_s=1700, patience=Patience.PATIENT)])) == ["add"]
    assert decide([], [waits(50, for_s=1e6, patience=Patience.LAZY)]).changes == ()


def test_the_type_is_the_one_on_which_what_waits_is_cheapest():
    few, many = decide(waiting=[waits(1)], types=(SMALL, LARGE)), None
    many = decide(waiting=[waits(8)], types=(SMALL, LARGE))
    assert [change.type for change in few.changes] == ["small"]
    assert [change.type for change in many.changes] == ["large"]


def test_what_fits_only_a_large_node_gets_one():
    plan = decide(waiting=[waits(1, wants=demand(cpu=4))], types=(SMALL, LARGE))
    assert [change.type for change in plan.changes] == ["large"]


def test_what_fits_no_type_is_said_and_adds_nothing():
    plan = decide(waiting=[waits(3, wants=demand(cpu=64))])
    assert plan.changes == ()
    assert plan.pending == ("3 wait for a node that is not added: no type is large enough",)


def test_a_type_of_which_there_is_none_is_passed_over():
    plan = decide(waiting=[waits(1)], types=(SMALL, LARGE), scarce=["small"])
    assert [change.type for change in plan.changes] == ["large"]


def test_never_more_than_the_maximum_and_it_says_so():
    plan = decide([host(loads=busy(9e3, 9e3))], [waits(20)], nodes_max=3)
    assert verbs(plan) == ["add", "add"]
    assert plan.nodes == 3
    assert "as large as it may be" in plan.pending[0]


def test_never_dearer_than_the_ceiling():
    plan = decide(waiting=[waits(20)], nodes_max=50, cost_hour_max=0.25)
    assert plan.price_hour == pytest.approx(0.2)
    assert "costs as much as it may" in plan.pending[0]


def test_the_minimum_and_the_warm_spares_are_kept():
    assert verbs(decide(nodes_min=2)) == ["add", "add"]
    assert verbs(decide([host(loads=busy(9e3, 9e3))], warm=1)) == ["add"]
    assert decide([host(spare_since=after(-9e3))], warm=1).changes == ()


def test_rules_of_a_demand_are_asked():
    wants = demand(pool=None, alone=True, crowd="c")
    assert verbs(decide([host()], [waits(3, wants=wants)], nodes_max=9)) == ["add", "add"]


def test_a_leaving_node_is_called_back_before_one_is_added():
    leaving = host("old", state=HostState.LEAVING)
    plan = decide([leaving], [waits(2)])
    assert [(change.verb, change.node) for change in plan.changes] == [(PoolVerb.KEEP, "old")]


def test_a_node_that_leaves_because_it_is_too_old_is_not_called_back():
    kind = msgspec.structs.replace(SMALL, life_max_s=7200)
    leaving = host("old", kind, HostState.LEAVING, age_s=7000, loads=busy(None))
    plan = decide([leaving], [waits(2)])
    assert PoolVerb.KEEP not in [change.verb for change in plan.changes]


# --- shrinking ------------------------------------------------------------------------------------


def test_an_idle_node_is_first_spare_and_then_given_back():
    first = decide([host()])
    assert (first.changes, first.spare) == ((), ("a",))
    assert first.wake_at == after(180)
    assert decide([host(spare_since=after(-179))]).changes == ()
    plan = decide([host(spare_since=after(-180))])
    assert [(change.verb, change.node) for change in plan.changes] == [(PoolVerb.DRAIN, "a")]
    assert "180 s" in plan.changes[0].because


def test_an_empty_leaving_node_is_released_and_a_busy_one_is_not():
    assert verbs(decide([host(state=HostState.LEAVING)])) == ["release"]
    assert decide([host(state=HostState.LEAVING, loads=busy(10))]).changes == ()


def test_a_node_paid_by_the_hour_stays_until_its_hour_is_almost_over():
    idle = {"spare_since": after(-1500)}
    assert decide([host(kind=HOURLY, age_s=1800, **idle)]).changes == ()
    assert verbs(decide([host(kind=HOURLY, age_s=3540, **idle)])) == ["drain"]


def test_what_is_overdue_is_waited_for_longer_on_a_node_that_is_paid_by_the_hour():
    overdue = busy(-2000, cpu=2)
    assert verbs(decide([host(age_s=2500, loads=overdue)], [waits()])) == ["add"]
    ours = host(kind=HOURLY, age_s=2500, loads=overdue)
    assert decide([ours], [waits()], types=(HOURLY,)).changes == ()


def test_a_node_goes_on_where_what_runs_there_may_take_longer_than_its_hour():
    (load,) = busy(100)
    other = host("other", kind=HOURLY, age_s=600, loads=busy(120))
    for by_s, found in ((200, ["drain"]), (400, [])):
        long = msgspec.structs.replace(load, ends_by=after(by_s))
        ending = host("ending", kind=HOURLY, age_s=3300, loads=(long,))
        assert verbs(decide([ending, other])) == found


def test_a_node_whose_hour_runs_out_takes_nothing_more_where_others_are_in_time():
    ending = host("ending", kind=HOURLY, age_s=3300, loads=busy(100, 100))
    other = host("other", kind=HOURLY, age_s=600, loads=busy(120))
    plan = decide([ending, other])
    assert [change.node for change in plan.changes] == ["ending"]
    assert decide([ending, other], [waits(9, for_s=100)]).changes[0].verb is PoolVerb.ADD


def test_never_below_the_minimum():
    idle = [host(name, spare_since=after(-999)) for name in "abc"]
    assert len(decide(idle, nodes_min=2).changes) == 1


def test_services_on_a_nearly_empty_node_move_together_after_a_while():
    hosts = [host("a", loads=busy(None, cpu=0.5)), host("b", loads=busy(None, cpu=0.5))]
    first = decide(hosts)
    assert (first.changes, len(first.spare)) == ((), 1)
    spare = [
        msgspec.structs.replace(row, spare_since=after(-400) if row.id in first.spare else None)
        for row in hosts
    ]
    plan = decide(spare)
    assert verbs(plan) == ["drain"]
    assert "have room on other nodes" in plan.changes[0].because


def test_services_do_not_move_while_they_could_go_to_a_spare_node_that_is_kept():
    hosts = [
        host("a", loads=busy(None, cpu=0.5), spare_since=after(-400)),
        host("b", loads=busy(None, cpu=0.5), spare_since=after(-400)),
    ]
    assert decide([*hosts, host("c")], warm=1).changes == ()
    assert verbs(decide(hosts)) == ["drain"]


def test_services_that_fit_nowhere_else_keep_their_node():
    hosts = [host("a", loads=busy(None, cpu=0.5)), host("b", loads=busy(None, None))]
    assert decide(hosts).spare == ()


def test_a_lower_maximum_empties_nodes_but_leaves_no_service_without_room():
    hosts = [host("a", loads=busy(None, None)), host("b", loads=busy(None, None)), host("c")]
    plan = decide(hosts, nodes_max=1)
    assert [change.node for change in plan.changes] == ["c"]
    assert plan.pending == ("1 nodes beyond the maximum run what fits nowhere else",)


def test_room_that_what_is_too_much_may_go_to_is_counted_once():
    hosts = [host(name, loads=busy(None)) for name in ("a", "b", "c")]
    plan = decide(hosts, nodes_max=1)
    assert [change.node for change in plan.changes] == ["a"]
    assert plan.pending == ("1 nodes beyond the maximum run what fits nowhere else",)


# --- daemons --------------------------------------------------------------------------------------

DAEMON = Load(demand=demand(0.5, ports=(9100,)), is_daemon=True)
"""Each node has one, and no second."""


def test_a_node_with_a_daemon_only_is_a_warm_spare():
    """Each that was added as a spare would be none as soon as its daemon runs."""
    assert decide([host(loads=(DAEMON,))], warm=1).changes == ()


def test_a_node_with_a_daemon_only_is_given_back_unless_it_is_the_last():
    there = [host(name, loads=(DAEMON,), spare_since=after(-1000)) for name in ("a", "b")]
    assert [(change.verb, change.node) for change in decide(there).changes] == [
        (PoolVerb.DRAIN, "a")
    ]
    assert decide(there[:1]).changes == ()
    assert verbs(decide(there[:1], standing=[host("here")])) == ["drain"]
    leaving = host(state=HostState.LEAVING, loads=(DAEMON,))
    assert decide([leaving]).changes == ()  # not before the daemon has left


def test_daemons_keep_services_on_no_node():
    few = (*busy(None, cpu=0.2), DAEMON)
    hosts = [host(name, loads=few, spare_since=after(-1000)) for name in ("a", "b")]
    assert verbs(decide(hosts)) == ["drain"]
    plan = decide(hosts, nodes_max=1)
    assert (verbs(plan), plan.pending) == (["drain"], ())


def test_what_daemons_take_is_not_there_for_others():
    full = msgspec.structs.replace(DAEMON, demand=demand(1.5))
    assert verbs(decide([host(loads=(full,))], [waits(1)])) == ["add"]


# --- ends -----------------------------------------------------------------------------------------


def test_what_its_provider_takes_back_is_emptied_before_and_replaced():
    going = host(loads=busy(9e3, 9e3), ends_at=after(120))
    plan = decide([going], [waits(2)])
    assert verbs(plan) == ["drain", "add"]
    assert plan.changes[0].within_s == pytest.approx(105)


def test_a_node_is_emptied_before_it_is_too_old():
    kind = msgspec.structs.replace(SMALL, life_max_s=7200)
    assert decide([host(kind=kind, age_s=6000, loads=busy(9e3))], types=[kind]).changes == ()
    plan = decide([host(kind=kind, age_s=6500, loads=busy(9e3))], types=[kind])
    assert "may live for 2 h" in plan.changes[0].because


OLD = msgspec.structs.replace(SMALL, life_max_s=7200)


def of_age(*names: str, age_s: float = 7000, **fields) -> list[Host]:
    return [host(name, OLD, age_s=age_s, **fields) for name in names]


def test_nodes_that_are_too_old_stay_where_their_services_have_nowhere_to_go():
    """They would be neither empty nor take anything, and nothing would ever start there again."""
    full = of_age("a", "b", loads=busy(None, cpu=1.5))
    plan = decide(full, types=[OLD], nodes_max=2)
    assert plan.changes == ()
    assert plan.pending == ("2 nodes that are too old run what fits nowhere else",)
    assert plan.wake_at == after(15)


def test_as_many_that_are_too_old_leave_as_there_may_be_more_nodes():
    full = of_age("a", "b", "c", loads=busy(None, cpu=1.5))
    plan = decide(full, types=[OLD], nodes_max=4)
    assert [change.node for change in plan.changes] == ["a"]
    plan = decide(full, types=[LARGE], nodes_max=4)
    assert [change.node for change in plan.changes] == ["a", "b", "c"]  # all fit on one
    assert decide(full, types=[OLD], nodes_max=4, cost_hour_max=0.3).changes == ()
    assert decide(full, types=[OLD], nodes_max=4, scarce=["small"]).changes == ()


def test_what_is_too_old_leaves_where_its_services_have_room_on_others():
    old, young = of_age("a", "b", loads=busy(None)), of_age("c", age_s=100, loads=busy(None))
    plan = decide([*old, *young], types=[OLD], nodes_max=3)
    assert [change.node for change in plan.changes] == ["a"]  # and for b there is no more


def test_what_takes_the_services_of_an_old_node_does_not_leave_as_well():
    plan = decide(of_age("a", "b", loads=busy(None)), types=[OLD], nodes_max=2)
    assert [change.node for change in plan.changes] == ["a"]
    assert plan.wake_at == after(15)


def test_runs_and_daemons_keep_no_node_that_is_too_old():
    daemon = msgspec.structs.replace(*busy(None, cpu=2), is_daemon=True)
    plan = decide(of_age("a", "b", loads=(*busy(900), daemon)), types=[OLD], nodes_max=2)
    assert [change.node for change in plan.changes] == ["a", "b"]


def test_one_that_is_too_old_is_called_back_where_it_can_never_be_empty():
    stuck = of_age("a", state=HostState.LEAVING, loads=busy(None))
    plan = decide(stuck, [waits(1)], types=[OLD], nodes_max=1)
    assert [(change.verb, change.node) for change in plan.changes] == [(PoolVerb.KEEP, "a")]


# --- windows --------------------------------------------------------------------------------------


def test_a_window_has_bounds_of_its_own_and_the_next_edge_is_known():
    noon = Window(cron="0 12 * * *", length_s=3600, nodes_min=4, nodes_max=4)
    scaling = Scaling(nodes_min=1, nodes_max=9, windows=(noon,))
    inside, outside = bounds_at(scaling, after(60)), bounds_at(scaling, after(3600))
    assert (inside.nodes_min, inside.nodes_max, inside.until) == (4, 4, after(3600))
    assert (outside.nodes_min, outside.nodes_max, outside.until) == (1, 9, after(86_400))


# --- what is said of types that are not to be had -------------------------------------------------


def test_what_is_too_large_for_a_type_is_not_told_that_there_is_none_of_it():
    plan = decide(waiting=[waits(3, wants=demand(cpu=64))], scarce=["small"])
    assert plan.pending == ("3 wait for a node that is not added: no type is large enough",)


def test_a_minimum_that_cannot_be_had_is_said_once_and_waits_for_nothing():
    plan = decide(scarce=["small"], nodes_min=2)
    (said,) = plan.pending
    assert said.startswith("2 more for the minimum or as warm spares may not be added: ")
    assert said.endswith("the provider has none of small: all are lent")
