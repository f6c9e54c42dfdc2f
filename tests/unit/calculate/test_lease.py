"""Whose a lease is: the line, the fence, the warning, the end."""

from datetime import UTC, datetime, timedelta

import msgspec

from headway.calculate.lease import SILENCE_S, ended, renewed, settle, timed
from headway.model.ids import LeaseId
from headway.model.lease import Claim, ClaimKind, Lease, LeaseState

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
LOCK = Claim(kind=ClaimKind.LOCK, name="migration")
NODE = Claim(kind=ClaimKind.NODE, name="here")


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def asked(name: str, claim: Claim = LOCK, length_s: float = 30) -> Lease:
    row = Lease(
        id=LeaseId(f"lse-{name}"),
        holder=name,
        until=None,
        claim=claim,
        length_s=length_s,
        asked_at=NOW,
    )
    return renewed(row, NOW)


def settled(line: list[Lease], seconds: float, fence: int = 0) -> tuple[list[Lease], list[str]]:
    """Give the line as it is then, and what happened."""
    done = settle(line, at(seconds), fence)
    changed = {change.row.id: change.row for change in done.changes}
    rows = [changed.get(row.id, row) for row in line]
    return [row for row in rows if not row.is_ended], [
        f"{change.row.holder} {change.kind}" for change in done.changes
    ]


def test_the_first_holds_and_the_others_wait_in_order():
    line, said = settled([asked("ana"), asked("ben"), asked("cleo")], 0)
    assert said == ["ana lease.held"]
    assert [row.state for row in line] == [LeaseState.HELD, LeaseState.WAITING, LeaseState.WAITING]
    assert (line[0].since, line[0].until, line[0].fence) == (NOW, at(30), 1)


def test_who_is_next_takes_over_after_the_end_with_a_higher_fence():
    line, _ = settled([asked("ana"), asked("ben")], 0)
    line[1] = renewed(line[1], at(29))
    line, said = settled(line, 30, fence=1)
    assert said == ["ana lease.ended", "ben lease.held"]
    assert (line[0].fence, line[0].until) == (2, at(60))


def test_a_renewal_counts_from_then_and_never_shortens():
    (ana,), _ = settled([asked("ana")], 0)
    assert renewed(ana, at(10)).until == at(40)
    longer = renewed(ana, at(10), 3600)
    assert renewed(longer, at(11), None).until == at(3611)
    assert renewed(msgspec.structs.replace(longer, length_s=1), at(12)).until == at(3610)


def test_who_waits_and_is_silent_leaves_the_line():
    line, _ = settled([asked("ana", length_s=600), asked("ben"), asked("cleo")], 0)
    line[2] = renewed(line[2], at(10))
    line, said = settled(line, SILENCE_S, fence=1)
    assert said == ["ben lease.ended"]
    assert [row.holder for row in line] == ["ana", "cleo"]


def test_a_lock_has_as_many_holders_as_places():
    wide = msgspec.structs.replace(LOCK, places=2)
    line, said = settled([asked(name, wide) for name in ("ana", "ben", "cleo")], 0)
    assert said == ["ana lease.held", "ben lease.held"]
    assert [row.fence for row in line] == [1, 2, 0]
    left = [ended(line[0], "released", at(1)), *line[1:]]
    _, said = settled(left[1:], 1, fence=2)
    assert said == ["cleo lease.held"]


def test_a_person_is_warned_once_half_an_hour_before():
    line, _ = settled([asked("ana", NODE, 7200)], 0)
    assert line[0].due_at == at(5400)
    line, said = settled(line, 5400)
    assert said == ["ana lease.warning"]
    assert line[0].due_at == at(7200)
    assert settled(line, 5401)[1] == []
    assert settled(line, 7200)[1] == ["ana lease.ended"]


def test_the_holder_of_a_lock_is_a_program_and_not_warned():
    line, _ = settled([asked("ana", length_s=7200)], 0)
    assert line[0].due_at == at(7200)


def test_what_was_booked_is_held_from_its_time_until_its_end():
    capacity = Claim(kind=ClaimKind.CAPACITY, name="default", cpu=40)
    booked = timed(
        msgspec.structs.replace(
            asked("ana", capacity, 7200),
            state=LeaseState.BOOKED,
            waits_until=None,
            from_at=at(3600),
            until=at(10_800),
        )
    )
    assert settled([booked], 3599)[1] == []
    line, said = settled([booked], 3600)
    assert said == ["ana lease.held"]
    assert (line[0].since, line[0].until) == (at(3600), at(10_800))
    assert settled([booked], 10_800)[1] == ["ana lease.ended"]


def test_a_lease_that_is_over_has_nothing_due():
    over = ended(asked("ana"), "released", NOW)
    assert (over.due_us, over.open_claim, over.ended_us is None) == (None, None, False)
