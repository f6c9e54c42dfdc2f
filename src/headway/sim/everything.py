"""Scenarios drawn from a seed: a small world in which everything may go wrong."""

import random
from math import sqrt

import msgspec

from headway.model.job import Delivery
from headway.model.pool import NodeType, PlacementPolicy, Pool, Scaling
from headway.model.resources import Resources
from headway.model.scenario import Faults, JobLoad, Machines, Scenario, ServiceLoad

_SETTLE_SHARE = 30.0
"""Some worlds have several times as much to do as they can while things go wrong: so many times
their hours drain them."""
_STALLED_S = 43_200.0
"""What has not gone on for so long never will."""
_GANGED = 0.6
"""Of the worlds: some runs start together or not at all."""
_GANGS_ABOVE = 0.6
"""Of those: they take the place of others."""
_UNEVEN = 0.4
"""Of those worlds with gangs: their leader needs less than the others."""
_LOCKED = 0.6
"""Of the worlds: runs of a job hold locks."""
_SHARING = 0.4
"""Of the worlds: machines are several nodes, and disk and ports are asked for."""
_YIELDING = 0.5
"""Of the worlds: a service gives way to what is urgent, of which there is much."""
_LARGEST_CORES = 2
"""Of a run."""
_OTHERS_CORES = 1.5
"""Of all copies of services that do not give way, together, at most."""
_POOLED = 0.6
"""Of the worlds: they have a pool that grows and shrinks."""
_BUSY_HOURS = 3.0
"""No longer is a world sure to be as busy as one may be."""


def everything(seed: int, hours: float = 3.0) -> Scenario:
    """Draw a scenario with every fault in it, each more or less often.

    One of up to three hours is busy throughout. Of the longer ones most are quiet for long, and few
    are busy: how often people come is drawn anew (`_quieter`). Nothing else hangs on the length.
    """
    chance = random.Random(f"{seed}/everything")  # noqa: S311 (no secret)
    pooled = random.Random(f"{seed}/pools")  # noqa: S311 (no secret)
    pools = (_pool(pooled),) if pooled.random() < _POOLED else ()
    machine = NodeType(name="small", cpu=chance.choice([4, 8]), memory_mib=16_384, price_hour=0.1)
    once = _job(chance, "once", Delivery.AT_MOST_ONCE)
    again = _job(chance, "again", Delivery.AT_LEAST_ONCE)
    if chance.random() < 0.7:
        again = _crowding(chance, again)
    urgent = _job(chance, "urgent", chance.choice(list(Delivery)))
    urgent = msgspec.structs.replace(urgent, placement_priority=10)
    once, urgent = _locked(random.Random(f"{seed}/locks"), once, urgent)  # noqa: S311 (no secret)
    sharing = random.Random(f"{seed}/machines")  # noqa: S311 (no secret)
    share = sharing.random() < _SHARING
    found = Scenario(
        name="everything",
        seed=seed,
        hours=hours,
        policy=chance.choice(list(PlacementPolicy)),
        pools=pools,
        machines=_machines(machine, chance.randint(2, 5), pooled, pools),
        services=(
            ServiceLoad(
                name="shop",
                scale=chance.randint(1, 3),
                healthy_after_s=chance.uniform(0, 20),
                deploys_hour=chance.uniform(0.5, 4),
                broken_share=0.2,
                short_environments_hour=chance.uniform(0, 1),
            ),
        ),
        jobs=(once, again, urgent, *_gangs(random.Random(f"{seed}/gangs"))),  # noqa: S311
        faults=lender_faults(faults(chance), pooled) if pools else faults(chance),
        runs_kept=1_000_000,
        settle_s=max(_STALLED_S, _SETTLE_SHARE * hours * 3600),
        stalled_s=_STALLED_S,
    )
    found = _yielding(found, random.Random(f"{seed}/yielding"))  # noqa: S311 (no secret)
    found = _shared(found, sharing) if share else found
    return _quieter(found, random.Random(f"{seed}/quiet"))  # noqa: S311 (no secret)


def _quieter(known: Scenario, chance: random.Random) -> Scenario:
    """Have people of a long world come less often: what takes time finds no more than it did.

    Deployments, short environments, runs, gangs and claims come less often by one factor, between
    1 and (3 / hours)², the more likely the less: for 24 hours a sixty-fourth is the least, a ninth
    the mean, and one world of nine is more than a quarter as busy as one of three hours. They come
    in the same bursts, to the same nodes and services, and as much goes wrong in an hour, so that
    more does for each of them.
    """
    least = min(1.0, _BUSY_HOURS / known.hours) ** 2
    often = least ** sqrt(chance.random())

    def of_service(load: ServiceLoad) -> ServiceLoad:
        return msgspec.structs.replace(
            load,
            deploys_hour=often * load.deploys_hour,
            short_environments_hour=often * load.short_environments_hour,
        )

    def of_job(load: JobLoad) -> JobLoad:
        return msgspec.structs.replace(
            load, runs_hour=often * load.runs_hour, claims_hour=often * load.claims_hour
        )

    return msgspec.structs.replace(
        known,
        services=tuple(map(of_service, known.services)),
        jobs=tuple(map(of_job, known.jobs)),
    )


def _yielding(known: Scenario, chance: random.Random) -> Scenario:
    """Have a service leave room for what is urgent, down to its floor."""
    if chance.random() >= _YIELDING:
        return known
    spare = ServiceLoad(
        name="spare",
        scale=chance.randint(2, 6),
        resources=Resources(cpu=chance.choice([0.5, 1, 2]), memory_mib=256),
        preemptible=True,
        floor=chance.choice([0, 1, 2]),
        healthy_after_s=chance.uniform(0, 20),
        deploys_hour=chance.uniform(0, 2),
        broken_share=0.2,
    )
    spare = msgspec.structs.replace(spare, scale=min(spare.scale, _leaving_room(known, spare)))
    *others, urgent = known.jobs[:3]
    urgent = msgspec.structs.replace(
        urgent,
        burst=chance.choice([5, 20]),
        resources=Resources(cpu=chance.choice([1, 2]), memory_mib=256),
        concurrency=None,
    )
    jobs = (*others, urgent, *known.jobs[3:])
    return msgspec.structs.replace(known, services=(*known.services, spare), jobs=jobs)


def _leaving_room(known: Scenario, spare: ServiceLoad) -> int:
    """Give how many copies leave room for any run on some node, wherever services lie.

    Runs of the priority of services have nobody make room for them: they would wait for ever.
    """
    there = [(row.count, row.type) for row in known.machines]
    there += [(_most_nodes(pool), pool.types[0]) for pool in known.pools]
    room = sum(count * (kind.cpu - _LARGEST_CORES) for count, kind in there)
    return max(1, int((room - _OTHERS_CORES) / spare.resources.cpu))


def _most_nodes(pool: Pool) -> int:
    """Give how many nodes a pool may have, whichever of its types they are."""
    scaling, dearest = pool.scaling, max(kind.price_hour for kind in pool.types)
    if scaling.cost_hour_max is None:
        return scaling.nodes_max
    return min(scaling.nodes_max, int(scaling.cost_hour_max / dearest))


def _job(chance: random.Random, name: str, delivery: Delivery) -> JobLoad:
    return JobLoad(
        name=name,
        runs_hour=chance.uniform(20, 120),
        burst=chance.choice([1, 1, 5, 20]),
        duration_s=chance.choice([0.05, 5, 30]),
        duration_sigma=0.7,
        resources=Resources(cpu=chance.choice([0.25, 1, 2]), memory_mib=chance.choice([128, 1024])),
        delivery=delivery,
        fail_share=0.05,
        cancel_share=0.1,
        concurrency=chance.choice([None, None, 3]),
    )


def _crowding(chance: random.Random, load: JobLoad) -> JobLoad:
    """Have runs come that fill every node for a while, and give way to others."""
    return msgspec.structs.replace(
        load,
        preemptible=True,
        burst=20,
        duration_s=chance.choice([30, 120]),
        resources=Resources(cpu=2, memory_mib=512),
        concurrency=None,
    )


def _locked(chance: random.Random, single: JobLoad, several: JobLoad) -> tuple[JobLoad, JobLoad]:
    """Have runs of two jobs hold locks, some of which both want, and people, too."""
    account, all_of_them = "account-{account}", "all-accounts"
    claims_hour = chance.choice([0.0, 6.0, 20.0])
    if chance.random() < _LOCKED:
        single = msgspec.structs.replace(single, locks=(account,), claims_hour=claims_hour)
    if chance.random() < _LOCKED:
        locks = (all_of_them, account)
        several = msgspec.structs.replace(several, locks=locks, claims_hour=claims_hour)
    return single, several


def _gangs(chance: random.Random) -> tuple[JobLoad, ...]:
    """Have runs come that start together or not at all."""
    if chance.random() >= _GANGED:
        return ()
    load = JobLoad(
        name="crew",
        gang=chance.randint(1, 4),
        runs_hour=chance.choice([6.0, 20.0]),
        duration_s=chance.choice([5, 60]),
        expected_s=chance.choice([None, 60.0]),
        resources=Resources(cpu=chance.choice([0.25, 0.5]), memory_mib=128),
        delivery=chance.choice(list(Delivery)),
        fail_share=0.05,
        cancel_share=0.1,
    )
    if chance.random() < _GANGS_ABOVE:
        load = msgspec.structs.replace(
            load,
            gang=min(load.gang, 3),
            resources=Resources(cpu=1, memory_mib=128),
            placement_priority=10,
        )
    load = msgspec.structs.replace(load, concurrency=chance.choice([None, None, 1, 2]))
    return (_uneven(load) if chance.random() < _UNEVEN else load,)


def _uneven(load: JobLoad) -> JobLoad:
    """Have a gang's leader need half as much, and the others more: together hardly more."""
    cpu = load.resources.cpu
    return msgspec.structs.replace(
        load,
        gang=min(load.gang, 2),
        gang_cpu=1.5 * cpu,
        resources=msgspec.structs.replace(load.resources, cpu=cpu / 2),
    )


def _shared(known: Scenario, chance: random.Random) -> Scenario:
    """Make its machines two nodes each, and have disk and a port of theirs asked for."""

    def with_disk(kind: NodeType) -> NodeType:
        return msgspec.structs.replace(kind, disk_mib=chance.choice([8192, 20_480]))

    def asking(load: JobLoad) -> JobLoad:
        disk_mib = chance.choice([0, 512, 3072])
        resources = msgspec.structs.replace(load.resources, disk_reserved_mib=disk_mib)
        return msgspec.structs.replace(load, resources=resources)

    machines = (
        msgspec.structs.replace(row, type=with_disk(row.type), nodes_each=2)
        for row in known.machines
    )
    store = ServiceLoad(
        name="store",
        scale=chance.randint(1, 2),
        resources=Resources(cpu=0.25, memory_mib=256, disk_reserved_mib=1024),
        host_port=5432,
        healthy_after_s=chance.uniform(0, 20),
        deploys_hour=chance.uniform(0.5, 2),
    )
    return msgspec.structs.replace(
        known,
        machines=tuple(machines),
        pools=tuple(
            msgspec.structs.replace(pool, types=tuple(map(with_disk, pool.types)))
            for pool in known.pools
        ),
        services=(*known.services, store),
        jobs=tuple(map(asking, known.jobs)),
    )


def _machines(
    machine: NodeType, count: int, chance: random.Random, pools: tuple[Pool, ...]
) -> tuple[Machines, ...]:
    """Give the nodes that stay: beside a pool few or none."""
    count = chance.choice([0, 1, 1, 2]) if pools else count
    return (Machines(type=machine, count=count),) if count else ()


def _pool(chance: random.Random) -> Pool:
    cores = chance.choice([4, 8])
    price = 0.05 * cores
    billing_s = chance.choice([1.0, 3600.0])
    firm = NodeType(
        name="firm",
        cpu=cores,
        memory_mib=4096 * cores,
        price_hour=price,
        billing_s=billing_s,
        start_s=chance.choice([20.0, 60.0, 180.0]),
        life_max_s=chance.choice([None, None, 7200.0]),
    )
    spot = msgspec.structs.replace(firm, name="spot", price_hour=price / 3, spot=True)
    least, most = chance.choice([0, 1, 2]), chance.randint(3, 8)
    return Pool(
        policy=chance.choice(list(PlacementPolicy)),
        types=chance.choice([(firm,), (firm, spot), (spot,)]),
        scaling=Scaling(
            nodes_min=least,
            nodes_max=most,
            warm=chance.choice([0, 0, 1]),
            late_s=chance.choice([0.0, 60.0, 180.0]),
            idle_s=chance.choice([60.0, 300.0]),
            drain_s=chance.choice([60.0, 600.0]),
            cost_hour_max=chance.choice([None, None, most * price * 0.7]),
        ),
    )


def lender_faults(known: Faults, chance: random.Random) -> Faults:
    """Draw how often what goes wrong with a provider, beside the rest."""

    def sometimes(most: float) -> float:
        return chance.choice([0.0, 0.2, 1.0]) * chance.uniform(0, most)

    return msgspec.structs.replace(
        known,
        spot_notices_hour=sometimes(3),
        machine_losses_hour=sometimes(2),
        strangers_hour=sometimes(0.5),
        provider_cuts_hour=sometimes(3),
        provider_silent_share=sometimes(0.1),
        provider_lost_share=sometimes(0.2),
        provider_slow_share=sometimes(0.1),
        refused_share=sometimes(0.2),
        stillborn_share=sometimes(0.1),
        short_share=sometimes(0.1),
    )


def faults(chance: random.Random) -> Faults:
    """Draw how often what goes wrong; now and then something does not at all."""

    def sometimes(most: float) -> float:
        return chance.choice([0.0, 0.2, 1.0]) * chance.uniform(0, most)

    return Faults(
        plane_kills_hour=sometimes(6),
        await_kills_share=sometimes(0.0005),
        runner_kills_hour=sometimes(10),
        container_kills_hour=sometimes(10),
        engine_cuts_hour=sometimes(6),
        line_cuts_hour=sometimes(20),
        node_deaths_hour=sometimes(3),
        clock_jumps_hour=sometimes(2),
        unavailable_share=sometimes(0.1),
        lost_answers_share=sometimes(0.1),
        slow_share=sometimes(0.1),
        twice_share=sometimes(0.2),
        slow_s=chance.choice([0.5, 5, 30]),
        away_s=chance.choice([5, 60, 300]),
    )
