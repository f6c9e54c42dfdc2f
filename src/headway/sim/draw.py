"""A report as a picture: how full the world was over time, and how many runs waited."""

from html import escape

from headway.model.scenario import Report

_WIDTH, _HEIGHT, _EDGE = 900, 220, 48
_COLOURS = {"cores": "#1f6feb", "memory": "#bf3989", "waiting": "#9a6700"}


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
        parts += _chart(report)
        parts.append("</g>")
    return "\n".join([*parts, "</svg>\n"])


def _chart(report: Report) -> list[str]:
    last_s = max((row[0] for row in report.series), default=1.0) or 1.0
    most = max((row[3] for row in report.series), default=0) or 1
    title = f"{report.scenario}, seed {report.seed}: {report.hours:g} hours"
    parts = [
        f'<text y="-14" font-weight="600">{escape(title)}</text>',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="none" stroke="#d0d7de"/>',
        '<text x="-6" y="10" text-anchor="end">100 %</text>',
        f'<text x="-6" y="{_HEIGHT}" text-anchor="end">0</text>',
        f'<text x="{_WIDTH + 6}" y="10">{most}</text>',
        f'<text x="{_WIDTH}" y="{_HEIGHT + 18}" text-anchor="end">{last_s / 3600:.1f} h</text>',
    ]
    lines = {
        "cores": [(row[0], row[1]) for row in report.series],
        "memory": [(row[0], row[2]) for row in report.series],
        "waiting": [(row[0], row[3] / most) for row in report.series],
    }
    for place, (name, points) in enumerate(lines.items()):
        path = " ".join(
            f"{at / last_s * _WIDTH:.1f},{_HEIGHT - min(1.0, share) * _HEIGHT:.1f}"
            for at, share in points
        )
        colour = _COLOURS[name]
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
        )
        word = "runs waiting" if name == "waiting" else f"share of {name}"
        x = place * 150
        parts.append(f'<text x="{x}" y="{_HEIGHT + 18}" fill="{colour}">{word}</text>')
    return parts
