"""Bugs in services that give way to others."""

import msgspec

from headway.calculate.rollout import member as rollout
from headway.calculate.rollout import reconcile
from headway.calculate.rollout.offering import offered
from headway.model.preempting import Offer
from tests.simulation.planted.bug import found_by


@found_by(seed=23, by="what is to stay stays")
def taking_the_copies_that_are_to_stay(patch):
    def all_of_them(draft):
        return tuple(msgspec.structs.replace(one, floor=0) for one in offered(draft))

    patch.setattr(rollout, "offered", all_of_them)
    patch.setattr(reconcile, "why_stays", lambda _draft, _release, _copy: "")


@found_by(seed=2, by="who may not be preempted is not")
def taking_copies_of_a_service_that_did_not_say_so(patch):
    def of_all(draft):
        release = draft.release(draft.member.live)
        rows = draft.services(release.number) if release else ()
        return (Offer(copies=frozenset(row.id for row in rows), floor=0),) if rows else ()

    patch.setattr(rollout, "offered", of_all)
    patch.setattr(reconcile, "why_stays", lambda _draft, _release, _copy: "")
