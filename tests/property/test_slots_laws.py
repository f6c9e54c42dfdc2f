"""Laws of which runners are looked at: none too late, none without cause, none that has ended."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from headway.control.runs.silence import Silence
from headway.control.runs.slots import RunnerKey, Slot, Slots, member_of
from headway.model.container import Container, ContainerKind
from headway.model.ids import AppName, ContainerId, EnvironmentId, NodeId
from headway.model.resources import Resources

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RUNNERS = 6

which = st.integers(0, RUNNERS - 1)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), which),
        st.tuples(st.just("remove"), which),
        st.tuples(st.just("touch"), which),
        st.tuples(st.just("touch_member"), which),
        st.tuples(st.just("touch_all"), which),
        st.tuples(st.just("pass"), st.integers(0, 20)),
        st.tuples(st.just("look"), st.integers(0, 30)),
    ),
    max_size=80,
)


def slot(number: int, made: int) -> Slot:
    """Give one of the runners: of three apps, on two nodes, in a container of its own."""
    environment, app = EnvironmentId("demo~1"), AppName(f"app{number % 3}")
    key = RunnerKey(environment, app, 1, NodeId(f"n{number % 2}"))
    row = Container(
        id=ContainerId(f"{app}-{made}"),
        environment=environment,
        app=app,
        kind=ContainerKind.RUNNER,
        process="jobs",
        release=1,
        node=key.node,
        resources=Resources(),
        created_at=NOW,
    )
    return Slot(key, row, Silence(NOW))


class Following:
    """Does the same to the slots, and to a plain account of what is to be looked at and when."""

    def __init__(self) -> None:
        self.slots, self.now, self.made = Slots(), NOW, 0
        self.there: dict[RunnerKey, Slot] = {}
        self.touched: set[RunnerKey] = set()
        self.times: dict[RunnerKey, datetime] = {}

    def do(self, what: str, given: int) -> None:
        if what == "pass":
            self.now += timedelta(seconds=given)
        elif what == "look":
            self.look(timedelta(seconds=given))
        elif what == "touch_all":
            self.slots.touch_all()
            self.touched |= set(self.there)
        else:
            self.change(what, slot(given, self.made))

    def change(self, what: str, like: Slot) -> None:
        known = self.there.get(like.key)
        if what == "add":
            self.made += 1
            self.slots.add(like)
            self.there[like.key] = like
            self.touched.add(like.key)
            self.times.pop(like.key, None)
        elif what == "touch_member":
            self.slots.touch_member(member_of(like))
            self.touched |= {one.key for one in self.alike(like)}
        elif known is not None and what == "remove":
            self.slots.remove(known)
            self.slots.touch(known)
            self.slots.look_at(known, self.now)
            del self.there[like.key]
            self.touched.discard(like.key)
            self.times.pop(like.key, None)
        elif known is not None:
            self.slots.touch(known)
            self.touched.add(like.key)

    def alike(self, like: Slot) -> list[Slot]:
        return [one for one in self.there.values() if member_of(one) == member_of(like)]

    def look(self, again: timedelta) -> None:
        come = {key for key, at in self.times.items() if at <= self.now}
        due = self.slots.due(self.now)
        assert {one.key for one in due} == self.touched | come
        assert all(self.there[one.key] is one for one in due)
        assert self.slots.due(self.now) == due, "it is due until it was looked at"
        for key in come:
            del self.times[key]
        for one in due:
            self.slots.looked(one)
            at = self.now + again + timedelta(seconds=1)
            self.slots.look_at(one, at)
            self.times[one.key] = min(at, self.times.get(one.key, at))
        self.touched = set()

    def check(self) -> None:
        assert {one.key for one in self.slots.all()} == set(self.there)
        assert self.slots.next_at() == min(self.times.values(), default=None)
        for one in self.there.values():
            assert self.slots.get(one.key) is one
            assert self.slots.by_container(one.container.id) is one
            found = self.slots.taking(one.key.environment, one.key.app, one.key.release)
            assert {each.key for each in found.opening} == {each.key for each in self.alike(one)}
        kept = {(one.key.environment, one.key.app, one.key.release) for one in self.there.values()}
        assert set(self.slots._taking) == kept


@given(steps=steps)
def test_every_runner_that_changed_or_whose_time_has_come_is_looked_at_and_no_other(steps):
    following = Following()
    for what, number in steps:
        following.do(what, number)
        following.check()


@given(rounds=st.integers(1, 200))
def test_a_runner_that_is_busy_and_idle_by_turns_leaves_no_heap_of_times(rounds):
    slots, one = Slots(), slot(0, 0)
    slots.add(one)
    for at in range(rounds):
        slots.touch(one)
        for due in slots.due(NOW + timedelta(seconds=at)):
            slots.looked(due)
            slots.look_at(due, NOW + timedelta(seconds=at + (60 if at % 2 else 30)))
    assert len(slots._times) <= 2
