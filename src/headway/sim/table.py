"""Reports as a table: one column for each, the same rows for all."""

from collections.abc import Callable, Sequence

from headway.formats.units import render_duration
from headway.model.scenario import Report


def _length(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return render_duration(round(seconds, 1) if seconds < 60 else round(seconds))


def _faults(row: Report) -> str:
    return (
        ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in row.faults.items())
        or "-"
    )


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
    ("cost", lambda row: f"{row.cost:,.2f}"),
    ("node-hours", lambda row: f"{row.node_hours:,.1f}"),
    ("  with something on them", lambda row: f"{row.node_hours_used:,.1f}"),
    ("  lower bound", lambda row: f"{row.node_hours_bound:,.1f}"),
    ("  bound / used", lambda row: f"{row.packing:.1%}"),
    ("cores in use, mean", lambda row: f"{row.cpu_used:.1%}"),
    ("memory in use, mean", lambda row: f"{row.memory_used:.1%}"),
    ("what went wrong", _faults),
    ("events", lambda row: f"{row.events:,} · {row.digest[:12]}"),
    ("invariants", _broken),
)


def table(reports: Sequence[Report]) -> str:
    """Write reports side by side."""
    lines = [("", *(row.scenario for row in reports))]
    lines += [(name, *(show(row) for row in reports)) for name, show in _ROWS]
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
