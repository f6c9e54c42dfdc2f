"""A sparkline: how a number went."""

from collections.abc import Sequence

from headway.web.pictures.parts.svg import Markup, picture, shape

VALUES_MAX = 240
_EDGE = 3.0


def sparkline(what: str, values: Sequence[float], width: float = 120, height: float = 24) -> Markup:
    """Draw the newest values, the last with a dot, between the least and the most of them."""
    shown = [float(value) for value in values[-VALUES_MAX:]]
    if not shown:
        return picture("Sparkline", f"{what}: nothing measured yet", width, height, ())
    least, most = min(shown), max(shown)
    span = most - least or 1.0
    step = (width - 2 * _EDGE) / max(len(shown) - 1, 1)
    points = [
        (_EDGE + step * number, height - _EDGE - (height - 2 * _EDGE) * (value - least) / span)
        for number, value in enumerate(shown)
    ]
    way = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    says = f"{what}: now {shown[-1]:g}, between {least:g} and {most:g}"
    x, y = points[-1]
    return picture(
        "Sparkline",
        says,
        width,
        height,
        (
            shape("path", d=way, class_="line"),
            shape("circle", cx=x, cy=y, r=2.5, class_="tip"),
        ),
    )
