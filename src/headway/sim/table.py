"""Reports as a table: one column for each, the same rows for all."""

import textwrap
from collections.abc import Callable, Iterator, Sequence

from headway.formats.units import counted, render_duration
from headway.model.scenario import Report
from headway.sim.draw import CURVES, bars, most_of

_REASON_WIDTH = 80


def _length(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return render_duration(round(seconds, 1) if seconds < 60 else round(seconds))


def _faults(row: Report) -> str:
    return (
        ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in row.faults.items())
        or "-"
    )


def _pending(row: Report) -> str:
    if not row.pending:
        return "-"
    why, hours = next(iter(row.pending.items()))
    others = (
        f", and {counted(len(row.pending) - 1, 'other reason')}" if len(row.pending) > 1 else ""
    )
    return f"{hours:,.1f} h: {textwrap.shorten(why, _REASON_WIDTH, placeholder='…')}{others}"


def _broken(row: Report) -> str:
    broken = row.broken
    if broken is None:
        return "all held"
    return f"BROKEN after {broken.at_s:.1f} s: {broken.invariant}: {broken.what}"


_ROWS: tuple[tuple[str, Callable[[Report], str]], ...] = (
    ("seed", lambda row: str(row.seed)),
    ("policy", lambda row: row.policy),
    ("made-up hours", lambda row: f"{row.hours:g}"),
    ("runs", lambda row: f"{sum(row.runs.values()):,}"),
    ("  ended how", lambda row: ", ".join(f"{count:,} {how}" for how, count in row.runs.items())),
    ("attempts", lambda row: f"{row.attempts:,}"),
    ("waited p50", lambda row: _length(row.waits.p50)),
    ("waited p95", lambda row: _length(row.waits.p95)),
    ("waited p99", lambda row: _length(row.waits.p99)),
    ("waited at most", lambda row: _length(row.waits.most)),
    ("missed deadlines", lambda row: f"{row.missed_deadlines:,}"),
    ("preemptions", lambda row: f"{row.preemptions:,}"),
    ("  of services", lambda row: f"{row.copies_preempted:,}"),
    ("cost", lambda row: f"{row.cost:,.2f}"),
    ("machines asked for", lambda row: f"{row.launches:,}"),
    ("node-hours", lambda row: f"{row.node_hours:,.1f}"),
    ("  with something on them", lambda row: f"{row.node_hours_used:,.1f}"),
    ("  lower bound", lambda row: f"{row.node_hours_bound:,.1f}"),
    ("  bound / used", lambda row: f"{row.packing:.1%}"),
    ("cores in use, mean", lambda row: f"{row.cpu_used:.1%}"),
    ("memory in use, mean", lambda row: f"{row.memory_used:.1%}"),
    ("what was waited for", _pending),
    ("what went wrong", _faults),
    ("events", lambda row: f"{row.events:,} · {row.digest[:12]}"),
    ("invariants", _broken),
)


def _drawn(reports: Sequence[Report]) -> Iterator[tuple[str, ...]]:
    """Draw each figure over time, all reports to the same height."""
    for curve in CURVES:
        most = most_of(curve, reports)
        if most:
            shown = f"{curve.name}, up to {curve.show(most)}"
            yield (shown, *(bars(curve, row, most) for row in reports))


def table(reports: Sequence[Report]) -> str:
    """Write reports side by side."""
    lines = [("", *(row.scenario for row in reports))]
    lines += [(name, *(show(row) for row in reports)) for name, show in _ROWS]
    lines += _drawn(reports)
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
