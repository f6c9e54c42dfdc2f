"""Leases under any order of asking, renewing, releasing, dying and the passing of time."""

from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from headway.calculate.lease import SILENCE_S, ended, entered, renewed, settle
from headway.model.ids import LeaseId
from headway.model.lease import Claim, ClaimKind, Lease, LeaseState

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)


class Line(RuleBasedStateMachine):
    """One lock; the loop looks when something is due, and whenever somebody asks."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.fence = 0
        self.places = 1
        self.rows: list[Lease] = []
        """Those that are not over, in the order in which they were asked for."""
        self.over: list[Lease] = []
        self.granted: list[Lease] = []
        self.asked = 0

    @property
    def held(self) -> list[Lease]:
        return [row for row in self.rows if row.state is LeaseState.HELD]

    @property
    def waiting(self) -> list[Lease]:
        return [row for row in self.rows if row.state is LeaseState.WAITING]

    def settle(self) -> None:
        turn = settle(self.rows, self.now, self.fence)
        changed = {change.row.id: change.row for change in turn.changes}
        self.granted += [change.row for change in turn.changes if change.kind == "lease.held"]
        rows = [changed.get(row.id, row) for row in self.rows]
        self.rows = [row for row in rows if not row.is_ended]
        self.over += [row for row in rows if row.is_ended]
        self.fence = turn.fence
        assert settle(self.rows, self.now, self.fence).changes == ()

    @precondition(lambda self: not self.rows)
    @rule(places=st.integers(1, 3))
    def agree(self, places: int) -> None:
        self.places = places

    @rule(length_s=st.integers(1, 60))
    def ask(self, length_s: int) -> None:
        self.asked += 1
        claim = Claim(kind=ClaimKind.LOCK, name="migration", places=self.places)
        row = Lease(
            id=LeaseId(f"lse-{self.asked:06}"),
            holder=f"h{self.asked}",
            until=None,
            claim=claim,
            length_s=length_s,
            asked_at=self.now,
        )
        self.rows.append(entered(row, self.rows, self.now))
        self.settle()

    @precondition(lambda self: self.rows)
    @rule(data=st.data())
    def renew(self, data: st.DataObject) -> None:
        self.settle()
        if self.rows:
            index = data.draw(st.integers(0, len(self.rows) - 1))
            self.rows[index] = renewed(self.rows[index], self.now)
            self.settle()

    @precondition(lambda self: self.rows)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        index = data.draw(st.integers(0, len(self.rows) - 1))
        self.over.append(ended(self.rows.pop(index), "released", self.now))
        self.settle()

    @rule(seconds=st.integers(1, 40))
    def pass_time(self, seconds: int) -> None:
        """The loop sleeps until the next thing that is due."""
        end = self.now + timedelta(seconds=seconds)
        while (due := min((row.due_at for row in self.rows if row.due_at), default=end)) < end:
            assert due > self.now
            self.now = due
            self.settle()
        self.now = end
        self.settle()

    @rule(seconds=st.integers(1, 200))
    def be_down(self, seconds: int) -> None:
        """Nobody looks for a while."""
        self.now += timedelta(seconds=seconds)
        self.settle()

    @invariant()
    def no_more_hold_it_than_it_has_places(self) -> None:
        assert len(self.held) <= self.places

    @invariant()
    def nobody_waits_while_a_place_is_free(self) -> None:
        assert not self.waiting or len(self.held) == self.places

    @invariant()
    def nobody_overtakes(self) -> None:
        if self.held and self.waiting:
            assert max(row.id for row in self.held) < min(row.id for row in self.waiting)
        ids = [row.id for row in self.granted]
        assert ids == sorted(ids)

    @invariant()
    def fences_rise_with_every_grant(self) -> None:
        fences = [row.fence for row in self.granted]
        assert fences == sorted(set(fences))
        assert all(fence > 0 for fence in fences)

    @invariant()
    def no_lease_outlives_its_end_and_no_silent_one_waits(self) -> None:
        assert all(row.until is not None and row.until > self.now for row in self.held)
        for row in self.waiting:
            assert row.waits_until is not None
            assert self.now < row.waits_until <= self.now + timedelta(seconds=SILENCE_S)

    @invariant()
    def what_is_over_stays_over_and_says_why(self) -> None:
        assert all(row.ended_at and row.because and row.due_at is None for row in self.over)


TestLine = Line.TestCase
TestLine.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
