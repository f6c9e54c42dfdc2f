"""Reports as pictures: how full the world was over time, how long runs waited, what it cost."""

from collections.abc import Callable, Sequence
from html import escape
from typing import NamedTuple

from headway.model.scenario import Report, Sample

_WIDTH, _HEIGHT, _EDGE = 900, 220, 48
_BARS = " ▁▂▃▄▅▆▇█"
_BARS_MAX = 40


class Curve(NamedTuple):
    """One figure over time."""

    name: str
    colour: str
    of: Callable[[Sample], float]
    full: float | None
    """What fills the height; None: the most that it was in any of the reports."""
    show: Callable[[float], str]


CURVES = (
    Curve("cores in use", "#1f6feb", lambda row: row.cpu, 1.0, lambda most: f"{most:.0%}"),
    Curve("memory in use", "#bf3989", lambda row: row.memory, 1.0, lambda most: f"{most:.0%}"),
    Curve("runs waiting", "#9a6700", lambda row: row.waiting, None, lambda most: f"{most:,.0f}"),
    Curve("longest wait", "#cf222e", lambda row: row.wait_s, None, lambda most: f"{most:,.0f} s"),
    Curve("nodes", "#1a7f37", lambda row: row.nodes, None, lambda most: f"{most:,.0f}"),
    Curve("cost an hour", "#8250df", lambda row: row.cost_hour, None, lambda most: f"{most:,.2f}"),
)


def most_of(curve: Curve, reports: Sequence[Report]) -> float:
    """Give what the height stands for: the same for all, so that they can be compared."""
    if curve.full is not None:
        return curve.full
    return max((curve.of(row) for report in reports for row in report.series), default=0.0)


def bars(curve: Curve, report: Report, most: float) -> str:
    """Draw a curve in one line of text, of the highest value in each piece of time.

    >>> samples = [Sample(at_s=0, cpu=at / 8, memory=0, waiting=0, wait_s=0, nodes=1, cost_hour=0)
    ...            for at in range(9)]
    >>> bars(CURVES[0], Report(scenario="", seed=1, hours=1, policy="", series=samples), 1.0)
    ' ▁▂▃▄▅▆▇█'
    """
    values = [curve.of(row) for row in report.series]
    pieces = min(_BARS_MAX, len(values))
    highest = [
        max(values[piece * len(values) // pieces : (piece + 1) * len(values) // pieces])
        for piece in range(pieces)
    ]
    levels = len(_BARS) - 1
    return "".join(
        _BARS[min(levels, -int(-value / most * levels // 1))] if most and value > 0 else _BARS[0]
        for value in highest
    )


def draw(reports: list[Report]) -> str:
    """Draw reports as SVG, one below another."""
    height = (_HEIGHT + 2 * _EDGE) * len(reports)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH + 2 * _EDGE} {height}">',
        "<style>text {font: 13px system-ui, sans-serif}</style>",
        f'<rect width="100%" height="{height}" fill="#ffffff"/>',
    ]
    for number, report in enumerate(reports):
        parts.append(f'<g transform="translate({_EDGE} {_EDGE + number * (_HEIGHT + 2 * _EDGE)})">')
        parts += _chart(report, reports)
        parts.append("</g>")
    return "\n".join([*parts, "</svg>\n"])


def _chart(report: Report, reports: list[Report]) -> list[str]:
    last_s = max((row.at_s for row in report.series), default=1.0) or 1.0
    title = f"{report.scenario}, seed {report.seed}: {report.hours:g} hours"
    parts = [
        f'<text y="-14" font-weight="600">{escape(title)}</text>',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="none" stroke="#d0d7de"/>',
        '<text x="-6" y="10" text-anchor="end">full</text>',
        f'<text x="-6" y="{_HEIGHT}" text-anchor="end">0</text>',
        f'<text x="{_WIDTH}" y="-14" text-anchor="end">{last_s / 3600:.1f} h</text>',
    ]
    for place, curve in enumerate(CURVES):
        most = most_of(curve, reports)
        path = " ".join(
            f"{row.at_s / last_s * _WIDTH:.1f},"
            f"{_HEIGHT - min(1.0, curve.of(row) / (most or 1.0)) * _HEIGHT:.1f}"
            for row in report.series
        )
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{curve.colour}" stroke-width="1.5"/>'
        )
        legend = f"{curve.name}, full at {curve.show(most)}"
        x, y = place % 3 * 300, _HEIGHT + 18 + place // 3 * 18
        parts.append(f'<text x="{x}" y="{y}" fill="{curve.colour}">{legend}</text>')
    return parts
