"""`settings.yaml`: what an operator sets, key by key, and the reading of it."""

from collections.abc import Iterator
from typing import Any

from headway.formats.schema import MISSING, Key, Quantity, Reading, Record, whole
from headway.formats.units import (
    parse_duration,
    parse_number,
    parse_size,
    render_duration,
    render_size,
)
from headway.formats.yaml import parse_yaml
from headway.model.length import LENGTH_MAX_S
from headway.model.problem import Parsed, in_file
from headway.model.resources import MIB
from headway.model.settings import DEPLOYMENTS_LEAST, RouterLimits, Settings

FILE = "settings.yaml"
_DAY_S = 86_400.0


def _size(least: int, most: int) -> Quantity:
    return Quantity(
        lambda text: parse_size(text, plain=1),
        "a size such as 256MiB",
        least=least,
        most=most,
        integer=True,
        show=lambda size: render_size(int(size)),
    )


_FACTOR = Quantity(parse_number, "a number that is not negative", least=0, most=1_000_000)


def _seconds(least: float, most: float) -> Quantity:
    return Quantity(
        parse_duration,
        "a length of time such as 10s",
        least=least,
        most=most,
        integer=True,
        show=render_duration,
    )


_DEFAULT = Settings()


def _shown(name: str, value: Any) -> str:
    if name.endswith("_bytes") or "_bytes_" in name:
        return render_size(int(value))
    if name.endswith("_s"):
        return render_duration(value)
    return str(value)


def _keys(owner: Settings | RouterLimits, *rows: tuple[str, Quantity, str]) -> tuple[Key, ...]:
    return tuple(
        Key(name, kind, doc, default=_shown(name, getattr(owner, name))) for name, kind, doc in rows
    )


_ROUTER = Record(
    _keys(
        _DEFAULT.router,
        (
            "connections_max",
            whole(10, 1_000_000),
            "Connections open at once; further ones wait in the kernel's queue.",
        ),
        ("connect_s", _seconds(1, 60), "To reach a container."),
        (
            "headers_s",
            _seconds(1, 300),
            "For a client to send all headers of a request, however slowly it drips them.",
        ),
        ("client_s", _seconds(1, 86_400), "Silence of a client while it sends or receives."),
        (
            "server_s",
            _seconds(1, 86_400),
            "Silence of an app, also before its first byte.",
        ),
        ("idle_s", _seconds(1, 3600), "Between two requests on one connection."),
        ("tunnel_s", _seconds(1, 86_400), "Silence in a WebSocket or a TCP connection."),
        (
            "retire_s",
            _seconds(1, 86_400),
            "How long requests in a replaced HAProxy may go on before they are cut.",
        ),
        (
            "retired_max",
            whole(1, 100),
            "Replaced HAProxy processes that may finish side by side; beyond, the oldest ends.",
        ),
        ("header_bytes", _size(4096, MIB), "All headers of a request together."),
        ("headers_max", whole(10, 1000), "Headers of a request."),
    )
)

SETTINGS = Record(
    (
        *_keys(
            _DEFAULT,
            ("environments_max", whole(1, 100_000), "Environments that have not ended."),
            ("apps_max", whole(1, 100_000), "Apps that headway knows."),
            ("members_max", whole(1, 100_000), "Apps in one environment."),
            (
                "deployments_waiting_max",
                whole(1, 1000),
                "Deployments under way or waiting, of one app in one environment.",
            ),
            (
                "lease_max_s",
                _seconds(60, LENGTH_MAX_S),
                "The longest lease of anything other than production.",
            ),
            (
                "leases_max",
                whole(1, 1_000_000),
                "Leases that are booked, waited for or held, beside those of environments.",
            ),
            ("line_max", whole(1, 10_000), "Who may wait in line for one lock or one node."),
            ("leases_kept", whole(0, 10_000_000), "Leases that are over, for `leases ls --all`."),
            (
                "booking_lead_s",
                _seconds(0, 7 * _DAY_S),
                "So long before capacity that is booked begins, nothing else is placed into it.",
            ),
            ("locks_max", whole(1, 100_000), "Locks that somebody holds or waits for."),
            ("tokens_max", whole(1, 100_000), "Tokens that have not been revoked."),
            (
                "sessions_max",
                whole(1, 100_000),
                "Browsers signed in at once; one more signs out the one not seen the longest.",
            ),
            ("session_s", _seconds(60, LENGTH_MAX_S), "How long a browser stays signed in."),
            (
                "session_idle_s",
                _seconds(60, LENGTH_MAX_S),
                "How long a browser that asks for nothing stays signed in.",
            ),
            ("config_keys_max", whole(1, 10_000), "Config keys of one app in one environment."),
            (
                "config_bytes_max",
                _size(1024, 16 * MIB),
                "Config values of one app in one environment, together.",
            ),
            ("request_bytes_max", _size(64 * 1024, 64 * MIB), "The body of a request to the API."),
            (
                "source_bytes_max",
                _size(MIB, 16_384 * MIB),
                "An app's files as they are sent, packed; unpacked they may have four times this.",
            ),
            ("source_files_max", whole(10, 10_000_000), "Files of an app as it is sent."),
            ("builds_parallel", whole(1, 100), "Builds at once."),
            ("starts_parallel", whole(1, 200), "Containers being started at once."),
            (
                "tcp_port_first",
                whole(1024, 65_535),
                "First of the router's ports for what is exposed and is not HTTP.",
            ),
            ("tcp_port_last", whole(1024, 65_535), "Last of these ports."),
            (
                "environments_kept",
                whole(0, 1_000_000),
                "Ended environments, with their releases, beside those whose ended runs are kept.",
            ),
            (
                "containers_kept",
                whole(0, 1_000_000),
                "Ended containers whose logs are kept, the newest, of all apps together.",
            ),
            (
                "containers_kept_per_app",
                whole(0, 10_000),
                "Ended containers whose logs are kept, of one app in one environment.",
            ),
            (
                "releases_built_kept",
                whole(1, 1000),
                "Releases of one app in one environment whose builds are kept for a rollback.",
            ),
            (
                "releases_kept",
                whole(10, 1_000_000),
                "Releases of one app in one environment, beside those that may still be needed.",
            ),
            (
                "deployments_kept",
                whole(DEPLOYMENTS_LEAST, 1_000_000),
                "Ended deployments of one app in one environment, with their builds' logs.",
            ),
            ("events_kept", whole(1000, 1_000_000_000), "Events that history and `why` tell of."),
            ("runs_kept", whole(100, 100_000_000), "Ended runs of jobs, with their logs."),
            ("runs_kept_s", _seconds(60, LENGTH_MAX_S), "How long an ended run is kept."),
            (
                "runner_idle_s",
                _seconds(1, _DAY_S),
                "How long a process that holds a release's job modules waits for the next run.",
            ),
            (
                "runner_silence_s",
                _seconds(1, _DAY_S),
                "How long such a process may say nothing, and then not answer, before it is ended.",
            ),
            (
                "jobs_import_s",
                _seconds(1, _DAY_S),
                "How long a release's job modules may take to be imported before its runs fail.",
            ),
            (
                "drain_s",
                _seconds(0, 7 * _DAY_S),
                "How long runs on a node that is drained may go on before they are handed back.",
            ),
            (
                "node_lost_after_s",
                _seconds(1, _DAY_S),
                "How long a node may be silent before what ran there starts elsewhere.",
            ),
            (
                "monitor_stuck_s",
                _seconds(1, 30 * _DAY_S),
                "A run that could start is flagged when it has not for so long.",
            ),
            (
                "monitor_long_factor",
                _FACTOR,
                "A run is flagged when it takes so many times longer than nine in ten of its like.",
            ),
            (
                "monitor_cancel_factor",
                _FACTOR,
                "A run is cancelled when it takes so many times longer; 0: none is for that.",
            ),
            (
                "monitor_cancels_hour_max",
                whole(0, 1_000_000),
                "Runs that the monitor cancels within an hour.",
            ),
            (
                "monitor_drains_hour_max",
                whole(0, 1000),
                "Lent nodes on which starts fail that the monitor replaces within an hour.",
            ),
            (
                "preemptions_minute_max",
                whole(0, 100_000),
                "Times a minute that runs of a pool give way to a higher priority; 0: never.",
            ),
            (
                "passed_over_s",
                _seconds(0, _DAY_S),
                "How long smaller runs may go before one that finds no room, until it is reserved.",
            ),
            (
                "promise_s",
                _seconds(1, _DAY_S),
                "How long room that was made free or reserved is held once it is due.",
            ),
            (
                "figures_step_s",
                _seconds(0, 300),
                "How often what is used is measured; 0: never. Figures go back 360 such steps.",
            ),
            (
                "figures_series_max",
                whole(0, 1_000_000),
                "Figures kept over time, in memory: about 3 kB each, two of a node.",
            ),
            ("parameters_bytes_max", _size(1024, 16 * MIB), "Parameters of one run."),
            ("invocations_max", whole(1, 100_000), "Runs made by one request."),
            (
                "invocations_bytes_max",
                _size(64 * 1024, 256 * MIB),
                "The body of a request that makes runs.",
            ),
        ),
        Key("router", _ROUTER, "Limits of HAProxy."),
    )
)


def parse_settings(text: str, *, file: str = FILE) -> Parsed[Settings]:
    """Read settings. Every mistake is reported at once, each with its place."""
    if all(not line.strip() or line.lstrip().startswith("#") for line in text.splitlines()):
        return Parsed(Settings())
    tree = parse_yaml(text)
    reading = Reading(list(tree.problems))
    raw = SETTINGS.read(tree.value, "", reading) if tree.value is not None else MISSING
    if raw is not MISSING:
        _check_ports(raw, reading)
    problems = in_file(reading.problems, file)
    if problems or raw is MISSING:
        return Parsed(None, problems)
    router = RouterLimits(**raw.pop("router", {}))
    return Parsed(Settings(router=router, **raw))


def _check_ports(raw: dict[str, Any], reading: Reading) -> None:
    first = raw.get("tcp_port_first", _DEFAULT.tcp_port_first)
    last = raw.get("tcp_port_last", _DEFAULT.tcp_port_last)
    name = "tcp_port_last" if "tcp_port_last" in raw else "tcp_port_first"
    if first > last and name in reading.places:
        reading.wrong(
            reading.places[name], f"tcp_port_first {first} is behind tcp_port_last {last}"
        )


def rendered(settings: Settings) -> Iterator[tuple[str, str, str, str]]:
    """Give each setting as (key, value, default, what it is), in the order of the reference."""
    for owner, keys, prefix in (
        (settings, SETTINGS.keys, ""),
        (settings.router, _ROUTER.keys, "router."),
    ):
        for key in keys:
            if key.name != "router":
                value = _shown(key.name, getattr(owner, key.name))
                yield f"{prefix}{key.name}", value, key.default, key.doc
