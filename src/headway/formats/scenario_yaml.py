"""A scenario of the wind tunnel, as people write it."""

from typing import Any

from headway.formats.kinds import CORES, DURATION, MEMORY, NAME, PERCENT, SIZE
from headway.formats.lock_names import LOCKS_MAX, lock_problem
from headway.formats.pool_yaml import POOL, read_pool
from headway.formats.schema import (
    MISSING,
    Choice,
    Flag,
    Key,
    ListOf,
    Quantity,
    Reading,
    Record,
    Text,
    whole,
)
from headway.formats.yaml import parse_yaml
from headway.model.gang import GANG_MAX
from headway.model.job import Delivery
from headway.model.node import DEFAULT_POOL
from headway.model.pool import NodeType, PlacementPolicy, Pool
from headway.model.problem import Parsed, Problem, in_file
from headway.model.resources import MIB, Resources
from headway.model.scenario import (
    Faults,
    JobLoad,
    Machines,
    Scenario,
    ServiceLoad,
    TraceColumns,
    TraceLoad,
)

_HOUR_S = 3600.0


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
_FAULTS_PER_HOUR = {
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
_FAULTS = Record(
    (
        *(Key(f"{name}_per_hour", _RATE, doc, "0") for name, doc in _FAULTS_PER_HOUR.items()),
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
        Key("faults", _FAULTS, "What goes wrong, and how often."),
        Key("settle", DURATION, "Time at the end for everything to finish, at most.", "3h"),
        Key("runs_kept", whole(1000, 10_000_000), "Ended runs that it remembers.", "20000"),
    )
)


def parse_scenario(text: str, *, file: str) -> Parsed[Scenario]:
    """Read a scenario. Every mistake is reported at once, each with its place."""
    tree = parse_yaml(text)
    reading = Reading(list(tree.problems))
    raw = SCENARIO.read(tree.value, "", reading) if tree.value is not None else MISSING
    pools: tuple[Pool, ...] = ()
    if raw is not MISSING:
        rows = enumerate(raw.get("pools", []))
        pools = tuple(read_pool(row, reading, f"pools[{number}].") for number, row in rows)
        if not reading.problems:
            _check(raw, pools, reading)
    problems = in_file(reading.problems, file)
    if problems or raw is MISSING:
        return Parsed(None, problems)
    return Parsed(_scenario(raw, pools))


def _check(raw: dict[str, Any], pools: tuple[Pool, ...], reading: Reading) -> None:
    _check_pools(raw, pools, reading)
    for what in ("services", "jobs", "machines"):
        names = [row["name"] for row in raw.get(what, [])]
        for name in sorted({name for name in names if names.count(name) > 1}):
            reading.wrong(reading.places[what], f"{what}: {name} is here twice")
    trace = raw.get("trace")
    if trace is not None and ("end" in trace) == ("duration" in trace):
        hint = "end: the column with the time of its end"
        reading.wrong(reading.places["trace"], "trace needs either end or duration", hint)


def _check_pools(raw: dict[str, Any], pools: tuple[Pool, ...], reading: Reading) -> None:
    """There must be nodes, or a pool that may have some; names of types are its provider's."""
    kinds: dict[str, NodeType] = {}
    for number, pool in enumerate(pools):
        place = reading.places["pools"]
        if pool.name in [row.name for row in pools[:number]]:
            reading.wrong(place, f"pools: {pool.name} is here twice")
        for kind in pool.types:
            if kinds.setdefault(kind.name, kind) != kind:
                reading.wrong(place, f"pools: type {kind.name} is here twice, and differs")
        if pool.name == DEFAULT_POOL and "policy" in raw:
            message = f"policy: the pool {DEFAULT_POOL} has one of its own"
            reading.wrong(reading.places["policy"], message, "say it in the pool")
    if not raw.get("machines") and not kinds:
        message = "there are no nodes: neither machines, nor a pool with types"
        reading.problems.append(Problem(line=1, column=1, message=message, hint="add machines:"))


def _scenario(raw: dict[str, Any], pools: tuple[Pool, ...]) -> Scenario:
    trace = raw.get("trace")
    plain: dict[str, Any] = {
        key: raw[key] for key in ("name", "seed", "hours", "runs_kept") if key in raw
    }
    if "policy" in raw:
        plain["policy"] = PlacementPolicy(raw["policy"])
    if "settle" in raw:
        plain["settle_s"] = raw["settle"]
    return Scenario(
        pools=pools,
        machines=tuple(_machines(row) for row in raw.get("machines", [])),
        services=tuple(_service(row) for row in raw.get("services", [])),
        jobs=tuple(_job(row) for row in raw.get("jobs", [])),
        trace=_trace(trace) if trace is not None else None,
        faults=_faults(raw.get("faults", {})),
        **plain,
    )


def _machines(row: dict[str, Any]) -> Machines:
    kind = NodeType(
        name=row["name"],
        cpu=row["cpu"],
        memory_mib=int(row["memory"]) // MIB,
        disk_mib=int(row["disk"]) // MIB if "disk" in row else None,
        price_hour=row.get("price", 0.0),
    )
    return Machines(type=kind, count=row.get("count", 1), nodes_each=row.get("nodes_each", 1))


def _renamed(row: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """Give what stands in a row under the model's names; shares as parts of one."""
    found = {new: row[old] for old, new in names.items() if old in row}
    shares = {key: row[key] / 100 for key in row if key.endswith("_share")}
    return found | shares


def _resources(row: dict[str, Any], default: Resources) -> Resources:
    memory, disk = row.get("memory"), row.get("disk")
    return Resources(
        disk_reserved_mib=int(disk) // MIB if disk is not None else 0,
        cpu=row.get("cpu", default.cpu),
        memory_mib=int(memory) // MIB if memory is not None else default.memory_mib,
    )


def _service(row: dict[str, Any]) -> ServiceLoad:
    names = {
        "name": "name",
        "copies": "scale",
        "host_port": "host_port",
        "healthy_after": "healthy_after_s",
        "deploys_per_hour": "deploys_hour",
        "short_environments_per_hour": "short_environments_hour",
        **{name: name for name in ("placement_priority", "preemptible", "floor")},
    }
    default = ServiceLoad(name="x").resources
    return ServiceLoad(resources=_resources(row, default), **_renamed(row, names))


def _job(row: dict[str, Any]) -> JobLoad:
    names = {
        "name": "name",
        "runs_per_hour": "runs_hour",
        "burst": "burst",
        "duration": "duration_s",
        "duration_sigma": "duration_sigma",
        "expected": "expected_s",
        "deadline": "deadline_s",
        "concurrency": "concurrency",
        "priority": "priority",
        "placement_priority": "placement_priority",
        "preemptible": "preemptible",
        "gang": "gang",
        "accounts": "accounts",
        "claims_per_hour": "claims_hour",
    }
    found = _renamed(row, names)
    if "delivery" in row:
        found["delivery"] = Delivery(row["delivery"])
    if "lock" in row:
        found["locks"] = (row["lock"],) if isinstance(row["lock"], str) else tuple(row["lock"])
    return JobLoad(resources=_resources(row, JobLoad(name="x").resources), **found)


def _trace(row: dict[str, Any]) -> TraceLoad:
    names = ("at", "end", "duration", "cpu", "cpu_unit", "memory", "memory_unit", "pool")
    columns = TraceColumns(**{name: row[name] for name in names if name in row})
    more = _renamed(row, {"speed": "speed", "rows": "rows_max"})
    return TraceLoad(file=row["file"], columns=columns, **more)


def _faults(row: dict[str, Any]) -> Faults:
    names = {f"{name}_per_hour": f"{name}_hour" for name in _FAULTS_PER_HOUR}
    names |= {"slow_up_to": "slow_s", "away_up_to": "away_s"}
    return Faults(**_renamed(row, names))


_COMMENTED = """\
# A scenario of the wind tunnel. Run it: headway sim run FILE
name: a-day
seed: 1                 # all chance comes from it: the same seed is the same run, to the byte
hours: 24               # of made-up time
policy: pack            # how nodes are chosen: pack, spread or balanced

# pools:                # nodes that come and go, of a made-up provider: instead of machines and
# - name: default       # policy, or beside machines; each as `headway pools apply` takes it
#   policy: pack
#   types:
#   - {name: m-large, cpu: 8, memory: 32GiB, price_hour: 0.40, start: 2m}
#   - {name: m-spot, cpu: 8, memory: 32GiB, price_hour: 0.12, start: 2m, spot: true}
#   scaling: {nodes_min: 1, nodes_max: 20, late: 3m}

machines:               # nodes that are there from the beginning, by type
- name: small
  count: 10
  cpu: 8
  memory: 32GiB
  price: 0.20           # of one, for an hour

services:               # what runs on and on
- name: shop
  copies: 3
  cpu: 0.5
  memory: 512MiB
  healthy_after: 5s
  deploys_per_hour: 0.5
  broken_share: 5%      # of what is deployed: it never becomes healthy
  short_environments_per_hour: 0.5

jobs:                   # what runs are asked for
- name: reports
  runs_per_hour: 600
  burst: 20             # so many come together
  duration: 60s         # the median
  duration_sigma: 0.8   # of the logarithm of the duration
  cpu: 1
  memory: 1GiB
  delivery: at_least_once
  fail_share: 2%
  deadline: 30m         # what has not begun by then expires

# trace:                # instead of jobs, or beside them: runs that were recorded
#   file: runs.csv      # or Parquet: pip install headway[parquet]
#   at: creation_time   # the names of its columns; times in seconds
#   end: deletion_time
#   cpu: cpu_milli
#   cpu_unit: 0.001     # cores in one of these
#   memory: memory_mib
#   speed: 10           # an hour of it passes in six minutes

faults:                 # what goes wrong; without this part, nothing does
  plane_kills_per_hour: 0.5
  node_deaths_per_hour: 0.1
  lost_answers_share: 1%
"""


def _with_all_faults(text: str) -> str:
    """Name the faults that a text leaves out, each with its comment."""
    keys = [(f"{name}_per_hour: 0", doc) for name, doc in _FAULTS_PER_HOUR.items()]
    keys += [(f"{name}_share: 0%", doc) for name, doc in _FAULT_SHARES.items()]
    keys += [("slow_up_to: 5s", "How long something slow takes at most.")]
    keys += [("away_up_to: 90s", "After which what died is back at the latest.")]
    left = [(key, doc) for key, doc in keys if f"  {key.partition(':')[0]}:" not in text]
    return text + "".join(f"  # {key:<30} # {doc}\n" for key, doc in left)


COMMENTED = _with_all_faults(_COMMENTED)
