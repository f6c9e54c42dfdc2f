"""Bugs in gangs."""

import msgspec

from headway.control.runs import attempts, gangs, preemptions
from tests.simulation.planted.bug import found_by


@found_by(seed=3)
def starting_a_part_of_a_gang(patch):
    make = gangs.make

    def part(tx, leader, together, now):
        fewer = together._replace(
            gang=together.gang, jobs=together.jobs[:-1], attempts=together.attempts[:-1]
        )
        short = msgspec.structs.replace(together.gang, members=together.gang.members[:-1])
        rows = make(tx, leader, fewer._replace(gang=short), now)
        return [
            tx.put(
                msgspec.structs.replace(
                    row, gang=msgspec.structs.replace(together.gang, number=row.gang.number)
                )
            )
            for row in rows
        ]

    patch.setattr(attempts, "make", part)


@found_by(seed=6)
def letting_a_gang_go_on_without_its_leader(patch):
    end_with = gangs.end_with

    def only_members(tx, ended, now):
        return end_with(tx, ended, now) if ended.is_member else []

    patch.setattr(attempts, "end_with", only_members)


@found_by(seed=18, by="a gang starts where others gave way to it")
def keeping_room_for_the_first_of_a_gang_only(patch):
    take = preemptions.Preemptions.take

    def of_one(self, owner, run, found, promises):
        return take(self, owner, run, found, promises[:1])

    patch.setattr(preemptions.Preemptions, "take", of_one)
