"""A pool as one YAML document: key by key, and the reading of it."""

from typing import Any

from headway.formats.cron import parse_cron, timezone_problem
from headway.formats.kinds import CORES, DURATION, MEMORY, NAME, SIZE, name_problem
from headway.formats.schema import (
    MISSING,
    Choice,
    Flag,
    Key,
    ListOf,
    MapOf,
    Quantity,
    Reading,
    Record,
    Text,
    whole,
)
from headway.formats.units import parse_duration, parse_number, render_duration
from headway.formats.yaml import parse_yaml
from headway.model.ids import PoolName
from headway.model.node import DEFAULT_POOL
from headway.model.pool import MonitorRules, NodeType, PlacementPolicy, Pool, Scaling, Window
from headway.model.problem import Parsed, Problem, in_file
from headway.model.resources import MIB
from headway.model.value import Value

FILE = "pool.yaml"
NODES_MAX = 10_000
_WEEK_S = 7 * 86_400.0
_SIZES = ("memory", "disk")
_DEFAULT = Scaling()
_PRICE = Quantity(parse_number, "a price that is not negative", least=0, most=100_000)
_TAGS = MapOf(Text(words="a text", any_scalar=True), most=100)
_AMOUNTS = MapOf(Quantity(parse_number, "a number", most=1_000_000), name_problem, most=20)
_BILLING_S = {"second": 1.0, "minute": 60.0, "hour": 3600.0}


def _seconds(least: float, most: float) -> Quantity:
    return Quantity(
        parse_duration,
        "a length of time such as 30s, 10m or 1h30m",
        least=least,
        most=most,
        show=render_duration,
    )


NODE_TYPE = Record(
    (
        Key("name", NAME, "As its provider calls it.", required=True),
        Key("cpu", CORES, "Cores of a node.", required=True),
        Key("memory", MEMORY, "Memory of a node.", required=True),
        Key("disk", SIZE, "Disk of a node, for private space of containers.", "not counted"),
        Key("gpus", whole(0, 64), "GPUs of a node.", "0"),
        Key("custom", _AMOUNTS, "What else a node has so many of, by name."),
        Key("tags", _TAGS, "Of each of its nodes."),
        Key("price_hour", _PRICE, "For one hour, in whatever currency all prices are.", "0"),
        Key("billing", Choice(tuple(_BILLING_S)), "What is begun is paid.", "second"),
        Key("billing_least", DURATION, "Paid at least, however short it lived.", "1m"),
        Key("start", _seconds(0, 3600), "From the request until it takes containers.", "3m"),
        Key("spot", Flag(), "Its provider may take it back at short notice.", "false"),
        Key("life_max", _seconds(600, 365 * 86_400), "It is replaced before it is so old."),
    )
)
WINDOW = Record(
    (
        Key("cron", Text(words="a cron expression"), "When it begins.", required=True),
        Key("length", _seconds(60, _WEEK_S), "How long it is open.", required=True),
        Key("timezone", Text(words="a time zone"), "Of the cron expression.", "UTC"),
        Key("nodes_min", whole(0, NODES_MAX), "The minimum meanwhile.", "the pool's"),
        Key("nodes_max", whole(0, NODES_MAX), "The maximum meanwhile.", "the pool's"),
    )
)
SCALING = Record(
    (
        Key("nodes_min", whole(0, NODES_MAX), "Nodes at least.", str(_DEFAULT.nodes_min)),
        Key("nodes_max", whole(1, NODES_MAX), "Nodes at most.", str(_DEFAULT.nodes_max)),
        Key("warm", whole(0, 1000), "Nodes kept empty beyond what is needed.", "0"),
        Key(
            "late",
            _seconds(0, 86_400),
            "A node is added only for what would otherwise start later than this.",
            render_duration(_DEFAULT.late_s),
        ),
        Key(
            "patient_late",
            _seconds(0, 30 * 86_400),
            "The same for what has a priority below 0. Lazy queues never add a node.",
            render_duration(_DEFAULT.patient_late_s),
        ),
        Key(
            "idle",
            _seconds(10, 86_400),
            "A node that nothing needs is given back after so long; billed by the hour, shortly "
            "before its paid hour ends.",
            render_duration(_DEFAULT.idle_s),
        ),
        Key(
            "drain",
            _seconds(0, _WEEK_S),
            "How long what runs on a node that is given back may take to leave.",
            render_duration(_DEFAULT.drain_s),
        ),
        Key("cost_hour_max", _PRICE, "The prices of its nodes together, at most."),
        Key("windows", ListOf(WINDOW, most=50), "Times with other bounds; the first that is open."),
    )
)
_FACTOR = Quantity(parse_number, "a number that is not negative", least=0, most=1_000_000)
MONITOR = Record(
    (
        Key(
            "stuck",
            _seconds(1, 30 * 86_400),
            "A run that could start is flagged when it has not for so long.",
            "the setting monitor_stuck_s",
        ),
        Key(
            "long_factor",
            _FACTOR,
            "A run is flagged when it takes so many times longer than nine in ten of its like.",
            "the setting",
        ),
        Key(
            "cancel_factor",
            _FACTOR,
            "A run is cancelled when it takes so many times longer; 0: none is for that.",
            "the setting",
        ),
    )
)
POOL = Record(
    (
        Key("name", NAME, "Names it.", DEFAULT_POOL),
        Key(
            "policy",
            Choice(tuple(policy.value for policy in PlacementPolicy)),
            "Which node that fits is taken: that with least left, with most, or the most even.",
            "pack",
        ),
        Key("dedicated", Flag(), "It takes only what names it.", "false"),
        Key("tags", _TAGS, "Of each of its nodes."),
        Key(
            "types",
            ListOf(NODE_TYPE, most=50),
            "What it may be made of. Without any, its nodes are there or not, and it never scales.",
        ),
        Key("scaling", SCALING, "When it grows and shrinks."),
        Key("monitor", MONITOR, "What is stuck there, and what runs too long."),
    )
)


def parse_pool(text: str, *, file: str = FILE) -> Parsed[Pool]:
    """Read a pool. Every mistake is reported at once, each with its place.

    >>> parse_pool("{name: gpu, scaling: {nodes_min: 3, nodes_max: 2}}").problems[0].message
    'scaling.nodes_min 3 is more than nodes_max 2'
    """
    tree = parse_yaml(text)
    reading = Reading(list(tree.problems))
    raw = POOL.read(tree.value, "", reading) if tree.value is not None else MISSING
    pool = None if raw is MISSING else read_pool(raw, reading)
    problems = in_file(reading.problems, file)
    return Parsed(None if problems else pool, problems)


def read_pool(raw: dict[str, Any], reading: Reading, at: str = "") -> Pool:
    """Make a pool of what its record read at a path, which ends in a point where there is one."""
    types = tuple(map(_type, (row for row in raw.get("types", []) if _whole_type(row))))
    names = [kind.name for kind in types]
    for number, name in enumerate(names):
        if name in names[:number]:
            _wrong(reading, f"{at}types", f"type {name!r} is here twice")
    scaling = _scaling(raw.get("scaling", {}), reading, at)
    if types and scaling.cost_hour_max is not None:
        least = min(kind.price_hour for kind in types) * max(1, scaling.nodes_min)
        if least > scaling.cost_hour_max:
            what = f"{max(1, scaling.nodes_min)} of its cheapest nodes cost {least:g} an hour"
            _wrong(reading, f"{at}scaling.cost_hour_max", f"{what}, over cost_hour_max")
    return Pool(
        name=PoolName(raw.get("name", DEFAULT_POOL)),
        policy=PlacementPolicy(raw.get("policy", "pack")),
        dedicated=raw.get("dedicated", False),
        types=types,
        tags=raw.get("tags", {}),
        scaling=scaling,
        monitor=_monitor(raw.get("monitor", {})),
    )


def _monitor(raw: dict[str, Any]) -> MonitorRules:
    fields = {"stuck_s" if key == "stuck" else key: value for key, value in raw.items()}
    return MonitorRules(**fields)


def pool_document(pool: Pool) -> dict[str, Any]:
    """Give a pool as its document says it, without what is so by itself; `read_pool` reads it."""
    found: dict[str, Any] = {"name": pool.name, "policy": pool.policy.value}
    if pool.dedicated:
        found["dedicated"] = True
    if pool.tags:
        found["tags"] = dict(pool.tags)
    if pool.types:
        found["types"] = [_type_document(kind) for kind in pool.types]
    scaling = _changed(pool.scaling, _DEFAULT)
    if "windows" in scaling:
        scaling["windows"] = [_changed(row, None) for row in pool.scaling.windows]
    if scaling:
        found["scaling"] = scaling
    monitor = _changed(pool.monitor, None)
    if monitor:
        found["monitor"] = monitor
    return found


def _type_document(kind: NodeType) -> dict[str, Any]:
    found = _changed(kind, NodeType(name=kind.name, cpu=kind.cpu, memory_mib=0))
    sizes = {key: f"{found.pop(f'{key}_mib')}MiB" for key in _SIZES if f"{key}_mib" in found}
    if "billing" in found:
        found["billing"] = {length: word for word, length in _BILLING_S.items()}[kind.billing_s]
    return {"name": kind.name, "cpu": kind.cpu, **sizes, **found}


def _changed(value: Value, default: Value | None) -> dict[str, Any]:
    """Give the fields that differ, by their keys: lengths of time are written as such."""
    found: dict[str, Any] = {}
    for name in value.__struct_fields__:
        content = getattr(value, name)
        if content is None or (default is not None and content == getattr(default, name)):
            continue
        is_length = name.endswith("_s")
        key = name.removesuffix("_s") if is_length else name
        found[key] = render_duration(content) if is_length else content
    return found


def _whole_type(raw: dict[str, Any]) -> bool:
    """Say whether what cannot be left out is there; where it is not, that was reported."""
    return {"name", "cpu", "memory"} <= set(raw)


def _type(raw: dict[str, Any]) -> NodeType:
    plain = {
        key: raw[key] for key in ("name", "cpu", "gpus", "custom", "tags", "spot") if key in raw
    }
    return NodeType(
        **plain,
        memory_mib=round(raw["memory"] / MIB),
        disk_mib=round(raw["disk"] / MIB) if "disk" in raw else None,
        price_hour=raw.get("price_hour", 0.0),
        billing_s=_BILLING_S[raw.get("billing", "second")],
        billing_least_s=raw.get("billing_least", 60.0),
        start_s=raw.get("start", 180.0),
        life_max_s=raw.get("life_max"),
    )


def _scaling(raw: dict[str, Any], reading: Reading, at: str) -> Scaling:
    fields = {
        f"{key}_s" if key in ("late", "patient_late", "idle", "drain") else key: value
        for key, value in raw.items()
        if key != "windows"
    }
    windows = tuple(
        _window(row, f"{at}scaling.windows[{number}]", reading)
        for number, row in enumerate(raw.get("windows", []))
        if {"cron", "length"} <= set(row)
    )
    scaling = Scaling(**fields, windows=windows)
    if scaling.nodes_min > scaling.nodes_max:
        where = f"{at}scaling.nodes_min"
        message = f"{where} {scaling.nodes_min} is more than nodes_max {scaling.nodes_max}"
        _wrong(reading, where, message)
    if scaling.warm > scaling.nodes_max:
        message = f"{at}scaling.warm {scaling.warm} is more than nodes_max {scaling.nodes_max}"
        _wrong(reading, f"{at}scaling.warm", message)
    return scaling


def _window(raw: dict[str, Any], path: str, reading: Reading) -> Window:
    cron = parse_cron(raw["cron"], name=path)
    for problem in cron.problems:
        _wrong(reading, f"{path}.cron", f"{path}.cron: {problem.message}", problem.hint)
    timezone = raw.get("timezone", "UTC")
    zone = timezone_problem(timezone)
    if zone is not None:
        _wrong(reading, f"{path}.timezone", zone.message, zone.hint)
    least, most = raw.get("nodes_min"), raw.get("nodes_max")
    if least is not None and most is not None and least > most:
        message = f"{path}.nodes_min {least} is more than nodes_max {most}"
        _wrong(reading, f"{path}.nodes_min", message)
    return Window(
        cron=cron.value.plain if cron.value else "0 0 * * *",
        length_s=raw["length"],
        timezone=timezone,
        nodes_min=least,
        nodes_max=most,
    )


def _wrong(reading: Reading, path: str, message: str, hint: str = "") -> None:
    while path and path not in reading.places:
        path = path.rpartition(".")[0]
    if path:
        reading.wrong(reading.places[path], message, hint)
    else:
        reading.problems.append(Problem(message=message, hint=hint))
