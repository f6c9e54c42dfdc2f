"""`headway sim`: the wind tunnel, as a command."""

import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from math import isnan
from pathlib import Path
from time import monotonic, process_time
from typing import Any, NoReturn

import click
import msgspec

from headway.formats.scenario_yaml import COMMENTED
from headway.formats.units import parse_cores, parse_count, parse_duration, parse_size
from headway.model.pool import NodeType, PlacementPolicy
from headway.model.resources import MIB
from headway.model.scenario import Machines, Report, Scenario, TraceColumns, TraceLoad, TraceRow
from headway.sdk import Client
from headway.sdk.errors import SdkError
from headway.sim.draw import draw
from headway.sim.everything import everything
from headway.sim.record import record as record_runs
from headway.sim.table import table
from headway.sim.trace import Unusable, read_scenario, read_trace
from headway.sim.tunnel import run as run_scenario

_FAILED, _USAGE = 1, 2
_HOUR_S = 3600.0
_MARGIN_S = 60.0
_TOLD_S = 10.0
_NODES_MAX = 100_000
_LAST_MAX_S = 10 * 366 * 86_400.0
"""No longer is a week that is recorded, or a trace."""


class _Number(click.FloatRange):
    """A number within bounds; what is no number is within none."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read it."""
        number = super().convert(value, param, ctx)
        if isnan(number):
            self.fail(f"{value} is not a number.", param, ctx)
        return float(number)


def _drawable(_ctx: click.Context, _option: click.Parameter, path: Path | None) -> Path | None:
    """Refuse a place where no chart can be written before the run, not behind it."""
    if path is not None and not path.parent.is_dir():
        raise click.BadParameter(f"there is no directory {path.parent}")
    return path


_json = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
_draw = click.option(
    "--draw",
    "picture",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=_drawable,
    help="Write a chart, as SVG.",
)
_file = click.Path(path_type=Path, dir_okay=False)
_hours = _Number(min=0, min_open=True, max=24 * 366)
_factor = _Number(min=0, min_open=True, max=1e12)
_many = click.IntRange(min=1)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def sim() -> None:
    """Try a made-up or recorded week on the real loops, in seconds.

    All time and chance are made up: the same seed gives the same run, to the byte.
    """


@sim.command()
@click.argument("scenario", type=_file, required=False)
@click.option("--seed", type=int, help="Another seed; without SCENARIO, a world drawn from it.")
@click.option("--hours", type=_hours, help="Another length, in made-up hours.")
@_json
@_draw
def run(
    scenario: Path | None,
    seed: int | None,
    hours: float | None,
    as_json: bool,
    picture: Path | None,
) -> None:
    """Run SCENARIO, or a small world drawn from a seed in which everything may go wrong."""
    if scenario is None:
        if seed is None:
            raise click.UsageError("give a scenario, or --seed; `headway sim init` writes one")
        report = run_scenario(everything(seed, hours or 3.0), tell=Far(f"seed {seed}"))
        _show([report], as_json, picture, following=f"headway sim seeds --first {seed + 1}")
        return
    found, trace = _read(scenario)
    report = run_scenario(_changed(found, seed, hours), trace, Far(found.name))
    following = f"change a copy of it, and headway sim compare {scenario} COPY"
    _show([report], as_json, picture, following=following)


@sim.command()
@click.argument("file", type=_file, default=Path("scenario.yaml"))
def init(file: Path) -> None:
    """Write a scenario with a comment on each key, to begin from."""
    try:
        with file.open("x") as out:
            out.write(COMMENTED)
    except FileExistsError:
        raise click.UsageError(f"{file} is there already: give another name") from None
    click.echo(f"wrote {file}\nnext: headway sim run {file}")


@sim.command()
@click.argument("first", type=_file)
@click.argument("second", type=_file)
@click.option("--seed", type=int, help="Another seed, for both.")
@click.option("--hours", type=_hours, help="Another length, for both.")
@_json
@_draw
def compare(
    first: Path,
    second: Path,
    seed: int | None,
    hours: float | None,
    as_json: bool,
    picture: Path | None,
) -> None:
    """Run two scenarios, and show them side by side."""
    reports = []
    for path in (first, second):
        found, trace = _read(path)
        named = msgspec.structs.replace(found, name=path.stem)
        reports.append(run_scenario(_changed(named, seed, hours), trace, Far(named.name)))
    _show(reports, as_json, picture, following=f"headway sim run {second} --draw chart.svg")


@sim.command()
@click.option("--last", default="7d", help="How far back, such as 12h or 7d.")
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("recorded"))
def record(last: str, output: Path) -> None:
    """Record the runs of the installation that runs here, as a scenario in a directory."""
    length_s = parse_duration(last)
    if length_s is None or length_s > _LAST_MAX_S:
        raise click.UsageError(f"--last {last!r} is no length of time, such as 12h or 7d")
    since = datetime.now(UTC) - timedelta(seconds=length_s)
    try:
        with Client.local() as client:
            count = record_runs(client, since, output)
    except SdkError as error:
        _refuse(str(error))
    place = output / "scenario.yaml"
    click.echo(f"recorded {count} runs in {output}\nnext: headway sim run {place}")


@sim.command()
@click.argument("trace", type=_file)
@click.option("--at", required=True, help="Column: when a run began, in seconds.")
@click.option("--end", default="", help="Column: when it ended, in seconds.")
@click.option("--duration", default="", help="Column: how long it took; instead of --end.")
@click.option("--cpu", required=True, help="Column: what it asked of processors.")
@click.option("--cpu-unit", type=_factor, default=1.0, help="Cores in one of these.")
@click.option("--memory", required=True, help="Column: what it asked of memory.")
@click.option("--memory-unit", type=_factor, default=1.0, help="MiB in one of these.")
@click.option("--nodes", default="10x8x32GiB", help="How many, cores and memory of each.")
@click.option("--policy", type=click.Choice([row.value for row in PlacementPolicy]), default="pack")
@click.option("--speed", type=_factor, default=1.0, help="How much faster than it was.")
@click.option("--rows", type=_many, default=1_000_000, help="Of the trace, at most.")
@_json
@_draw
def replay(
    trace: Path,
    nodes: str,
    policy: str,
    speed: float,
    rows: int,
    as_json: bool,
    picture: Path | None,
    **names: Any,
) -> None:
    """Replay a trace, CSV or Parquet, on nodes of one type."""
    if bool(names["end"]) == bool(names["duration"]):
        raise click.UsageError("give either --end or --duration")
    columns = msgspec.convert(names, TraceColumns)
    load = TraceLoad(file=str(trace), columns=columns, speed=speed, rows_max=rows)
    try:
        found = read_trace(trace, load)
    except Unusable as error:
        _refuse(str(error))
    _refuse_endless(found, trace)
    length_s = max((row.at_s for row in found), default=0.0)
    scenario = Scenario(
        name=trace.stem,
        hours=(length_s + _MARGIN_S) / _HOUR_S,
        policy=PlacementPolicy(policy),
        machines=(_machines(nodes),),
        settle_s=1 + 2 * max((row.duration_s for row in found), default=0.0),
    )
    report = run_scenario(scenario, found, Far(scenario.name))
    following = "the same with another --policy or other --nodes"
    _show([report], as_json, picture, following=following)


@sim.command()
@click.option("--count", type=_many, default=100, help="How many.")
@click.option("--first", default=1, help="The first of them.")
@click.option("--hours", type=_hours, default=3.0, help="Made-up hours of each.")
@click.option("--processes", type=_many, help="Side by side. Default: as many as there are cores.")
def seeds(count: int, first: int, hours: float, processes: int | None) -> None:
    """Run many small worlds in which everything goes wrong, and name those that broke."""
    broken, took_s = 0, 0.0
    with ProcessPoolExecutor(processes) as pool:
        deed = partial(_hold, hours=hours)
        for seed, said, length_s in pool.map(deed, range(first, first + count)):
            took_s += length_s
            if said:
                broken += 1
                click.echo(f"{said}\n  again: headway sim run --seed {seed} --hours {hours:g}")
            elif seed % 100 == 0:
                click.echo(f"up to seed {seed}: {broken} broken")
    each = f"{took_s / count:.1f} s of processor time each"
    click.echo(f"{count} seeds of {hours:g} hours: {broken} broken, {each}")
    if broken:
        sys.exit(_FAILED)


def _hold(seed: int, hours: float) -> tuple[int, str, float]:
    began_s = process_time()
    report = run_scenario(everything(seed, hours))
    broken = report.broken
    said = f"{broken.invariant}: {broken.what}" if broken else ""
    return seed, said, process_time() - began_s


class Far:
    """Says on standard error how far a run is, every ten seconds."""

    def __init__(self, name: str, clock: Callable[[], float] = monotonic) -> None:
        self._name = name
        self._clock = clock
        self._began_s = self._told_s = clock()

    def __call__(self, said: str) -> None:
        """Say it, when it is time to."""
        now_s = self._clock()
        if now_s - self._told_s >= _TOLD_S:
            self._told_s = now_s
            click.echo(f"· {self._name}: {said}, after {now_s - self._began_s:.0f} s", err=True)


def _read(path: Path) -> tuple[Scenario, tuple[TraceRow, ...]]:
    try:
        return read_scenario(path)
    except Unusable as error:
        _refuse(str(error))


def _changed(scenario: Scenario, seed: int | None, hours: float | None) -> Scenario:
    return msgspec.structs.replace(
        scenario,
        seed=scenario.seed if seed is None else seed,
        hours=hours or scenario.hours,
    )


def _refuse_endless(rows: tuple[TraceRow, ...], trace: Path) -> None:
    """Refuse what would take for ever: most often its columns are not in seconds."""
    length_s = max((row.at_s + row.duration_s for row in rows), default=0.0)
    if not length_s <= _LAST_MAX_S:
        _refuse(
            f"{trace} goes on for {length_s:.3g} s, and may for 10 years; "
            "with --speed 1000 its columns are in milliseconds"
        )


def _machines(text: str) -> Machines:
    words = text.split("x")
    if len(words) == 3:
        count, cpu, memory = parse_count(words[0]), parse_cores(words[1]), parse_size(words[2])
        if count and count <= _NODES_MAX and cpu and memory and memory >= MIB:
            kind = NodeType(name="node", cpu=cpu, memory_mib=memory // MIB)
            return Machines(type=kind, count=int(count))
    like = f"10x8x32GiB: count, cores, memory; at most {_NODES_MAX} nodes"
    raise click.UsageError(f"--nodes {text!r} is not like {like}")


def _show(reports: list[Report], as_json: bool, picture: Path | None, *, following: str) -> None:
    if picture is not None:
        picture.write_text(draw(reports))
    if as_json:
        click.echo(msgspec.json.encode(reports if len(reports) > 1 else reports[0]))
    else:
        click.echo(table(reports))
        click.echo(f"next: {following}")
    if any(report.broken for report in reports):
        sys.exit(_FAILED)


def _refuse(text: str) -> NoReturn:
    click.echo(text, err=True)
    sys.exit(_USAGE)
