"""A scenario of the wind tunnel, key by key: what may be written, in which bounds, and what for."""

from headway.formats.kinds import CORES, DURATION, MEMORY, NAME, PERCENT, SIZE
from headway.formats.lock_names import LOCKS_MAX, lock_problem
from headway.formats.pool_yaml import POOL
from headway.formats.schema import (
    Choice,
    Flag,
    Key,
    ListOf,
    Quantity,
    Record,
    Text,
    whole,
)
from headway.model.gang import GANG_MAX
from headway.model.job import Delivery
from headway.model.pool import PlacementPolicy


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if value == value and abs(value) != float("inf") else None


def _amount(words: str, least: float = 0.0, most: float = 1e9) -> Quantity:
    return Quantity(_number, words, least=least, most=most)


_RATE = _amount("so many an hour, such as 0.5 or 60", most=1e8)
_FACTOR = _amount("a number such as 0.001", least=1e-9)
_COLUMN = Text(lambda text: None if text.strip() else "a column needs a name", "a column's name")

_MACHINE = Record(
    (
        Key("name", NAME, "Of the type.", required=True),
        Key("count", whole(1, 100_000), "How many there are.", "1"),
        Key("cpu", CORES, "Cores of each.", required=True),
        Key("memory", MEMORY, "Memory of each.", required=True),
        Key("disk", SIZE, "Disk of each machine.", "not counted"),
        Key("nodes_each", whole(1, 16), "Nodes that each machine is.", "1"),
        Key("price", _amount("a price of an hour"), "Of one, for an hour.", "0"),
    )
)
_SERVICE = Record(
    (
        Key("name", NAME, "Of the service.", required=True),
        Key("copies", whole(0, 1000), "How many of it run.", "2"),
        Key("cpu", CORES, "Cores of each.", "0.25"),
        Key("memory", MEMORY, "Memory of each.", "256MiB"),
        Key("disk", SIZE, "Disk reserved for each.", "none"),
        Key("host_port", whole(1, 65535), "A port of its machine that each must have.", "any"),
        Key("healthy_after", DURATION, "From its start until it answers.", "3s"),
        Key("deploys_per_hour", _RATE, "How often it is deployed.", "0"),
        Key("broken_share", PERCENT, "Of what is deployed: it never becomes healthy.", "0%"),
        Key("short_environments_per_hour", _RATE, "How often it is started for half an hour.", "0"),
        Key("placement_priority", whole(-100, 100), "Over what gives way.", "0"),
        Key("preemptible", Flag(), "Copies give way to a higher placement_priority.", "false"),
        Key("floor", whole(0, 1000), "Healthy copies that stay even then.", "1"),
    )
)
_JOB = Record(
    (
        Key("name", NAME, "Of the job.", required=True),
        Key("runs_per_hour", _RATE, "How many are asked for.", "60"),
        Key("burst", whole(1, 10_000), "Runs that come together.", "1"),
        Key("duration", DURATION, "The median.", "30s"),
        Key("duration_sigma", _amount("a number such as 0.5", most=5), "Of its logarithm.", "0.5"),
        Key("expected", DURATION, "How long placement thinks they take.", "as they may"),
        Key("cpu", CORES, "Cores of each.", "1"),
        Key("memory", MEMORY, "Memory of each.", "1GiB"),
        Key("disk", SIZE, "Disk reserved for each.", "none"),
        Key("delivery", Choice(tuple(row.value for row in Delivery)), "How often it may be tried."),
        Key("fail_share", PERCENT, "Of attempts: they fail.", "0%"),
        Key("cancel_share", PERCENT, "Of bursts: the first run is cancelled.", "0%"),
        Key("deadline", DURATION, "It expires when it has not begun by then."),
        Key("concurrency", whole(1, 1_000_000), "Runs of it at one time."),
        Key("priority", whole(0, 100), "Within its queue.", "0"),
        Key("placement_priority", whole(0, 100), "Over other queues and what gives way.", "0"),
        Key("preemptible", Flag(), "Gives way to a higher placement_priority.", "false"),
        Key("gang", whole(0, GANG_MAX - 1), "Runs that start with each, or not at all.", "0"),
        Key("gang_cpu", CORES, "Cores of each of these.", "as `cpu`"),
        Key(
            "lock",
            ListOf(Text(lock_problem, "a lock"), most=LOCKS_MAX, single=True),
            "Locks that a run holds as it runs; {account} in it is one of `accounts`.",
        ),
        Key("accounts", whole(1, 1000), "Values of {account}.", "3"),
        Key("claims_per_hour", _RATE, "How often people claim one of these locks.", "0"),
    )
)
_TRACE = Record(
    (
        Key("file", Text(words="a file"), "CSV, or Parquet with headway[parquet].", required=True),
        Key("at", _COLUMN, "Column: when a run began, in seconds.", required=True),
        Key("end", _COLUMN, "Column: when it ended, in seconds."),
        Key("duration", _COLUMN, "Column: how long it took, in seconds; instead of `end`."),
        Key("cpu", _COLUMN, "Column: what it asked of processors.", required=True),
        Key("cpu_unit", _FACTOR, "Cores in one of these: 0.001 for millicores.", "1"),
        Key("memory", _COLUMN, "Column: what it asked of memory.", required=True),
        Key("memory_unit", _FACTOR, "MiB in one of these: 1024 for GiB.", "1"),
        Key("pool", _COLUMN, "Column: the pool that it is to run in; empty: anywhere."),
        Key("speed", _amount("a number such as 10", least=0.001), "How much faster it is.", "1"),
        Key("rows", whole(1, 10_000_000), "Of the trace, at most.", "1000000"),
    )
)
FAULTS_PER_HOUR = {
    "plane_kills": "The control plane is killed, at any moment.",
    "runner_kills": "A runner is killed, with the runs in it.",
    "container_kills": "A container is killed.",
    "engine_cuts": "The engine's agent dies; containers go on.",
    "line_cuts": "The line to a runner is cut.",
    "node_deaths": "A node dies with all that runs on it, and comes back empty.",
    "clock_jumps": "The machine's clock is set, by up to five minutes.",
    "spot_notices": "The provider takes a spot machine back within two minutes.",
    "machine_losses": "A machine of the provider's is gone for good, without a word.",
    "strangers": "The provider lists and bills a machine that nobody asked for.",
    "provider_cuts": "The provider answers nobody for a while.",
}
_FAULT_SHARES = {
    "await_kills": "Of calls to store and engine: the control plane is killed there.",
    "unavailable": "Of calls: the engine does not answer, and does nothing.",
    "lost_answers": "Of calls: the engine does it, and the answer is lost.",
    "slow": "Of answers and facts: they take up to `slow_up_to`.",
    "twice": "Of facts: they are told again later.",
    "provider_silent": "Of calls: the provider does not answer, and does nothing.",
    "provider_lost": "Of calls: the provider does it, and the answer is lost.",
    "provider_slow": "Of calls: they take up to 40 s there, and as long back.",
    "refused": "Of requests: there is no machine of this type now.",
    "stillborn": "Of machines: they never become nodes, and are paid for.",
    "short": "Of machines: they have three quarters of what their type promises.",
}
FAULTS = Record(
    (
        *(Key(f"{name}_per_hour", _RATE, doc, "0") for name, doc in FAULTS_PER_HOUR.items()),
        *(Key(f"{name}_share", PERCENT, doc, "0%") for name, doc in _FAULT_SHARES.items()),
        Key("slow_up_to", DURATION, "How long something slow takes at most.", "5s"),
        Key("away_up_to", DURATION, "After which what died is back at the latest.", "90s"),
    )
)
SCENARIO = Record(
    (
        Key("name", Text(words="text"), "For the report.", "scenario"),
        Key("seed", whole(0, 2**53), "All chance comes from it.", "1"),
        Key("hours", _amount("a number of hours", least=0.001, most=87_600), "Made-up time.", "3"),
        Key("policy", Choice(tuple(row.value for row in PlacementPolicy)), "Which node.", "pack"),
        Key("pools", ListOf(POOL, most=50), "Pools, each as `headway pools apply` takes it."),
        Key("machines", ListOf(_MACHINE), "Nodes that are there from the beginning, by type."),
        Key("services", ListOf(_SERVICE), "What runs on and on."),
        Key("jobs", ListOf(_JOB), "What runs are asked for."),
        Key("trace", _TRACE, "Runs that were recorded."),
        Key("faults", FAULTS, "What goes wrong, and how often."),
        Key("settle", DURATION, "Time at the end for everything to finish, at most.", "3h"),
        Key("runs_kept", whole(1000, 10_000_000), "Ended runs that it remembers.", "20000"),
    )
)
