"""A scenario of the wind tunnel, as people write it."""

from typing import Any

from headway.formats.pool_yaml import read_pool
from headway.formats.scenario_schema import FAULTS, FAULTS_PER_HOUR, SCENARIO
from headway.formats.schema import (
    MISSING,
    Reading,
)
from headway.formats.yaml import parse_yaml
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
        "gang_cpu": "gang_cpu",
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
    names = {f"{name}_per_hour": f"{name}_hour" for name in FAULTS_PER_HOUR}
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
    left = [key for key in FAULTS.keys if f"  {key.name}:" not in text]
    return text + "".join(f"  # {f'{key.name}: {key.default}':<30} # {key.doc}\n" for key in left)


COMMENTED = _with_all_faults(_COMMENTED)
