"""Pictures for a desk and for a phone: both are on the page, and the style sheet shows one."""

from collections.abc import Callable

from markupsafe import Markup

DESK = 920.0
PHONE = 340.0


def both(draw: Callable[[float], Markup]) -> Markup:
    """Draw a picture in two widths. What is not shown is not read out either."""
    return Markup('<div class="desk">{}</div><div class="phone">{}</div>').format(
        draw(DESK), draw(PHONE)
    )
