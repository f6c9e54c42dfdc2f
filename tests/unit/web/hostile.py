"""Hostile texts, what puts them everywhere, and a reader that notices what they did."""

from html.parser import HTMLParser
from typing import Any

import msgspec

EVIL = (
    "\"'><script>alert(1)</script><img src=x onerror=alert(2)>",
    "javascript:alert(1)//http",
    "</title></style></script></textarea></template></svg><svg onload=alert(1)>",
    "{{ 7 * 7 }}{% raise %}<hx-partial hx-target='body'>",
    "\u202eevil\u2066\x1b[31m\x00",
    "x" * 20_000,
)
_WORDS = """
html head meta title link script body a header svg path nav span form input kbd div p ul li main h1
h2 h3 section footer dialog dl dt dd button details summary table caption thead tbody tr th td b
code pre ol time bdi small label select option rect g line circle text polygon desc defs tspan
progress textarea datalist figure figcaption symbol use
"""
_TAGS = frozenset(_WORDS.split())
_OWN = frozenset({"url", "back", "timezone", "progress"})
"""What headway itself makes, or has checked. Of progress, a test of its own puts the text in."""


def hostile(value: Any, evil: str) -> Any:
    """Put something hostile into every text of a value, whatever it is for."""
    if isinstance(value, msgspec.Struct):
        changed = {
            name: hostile(getattr(value, name), evil)
            for name in value.__struct_fields__
            if name not in _OWN
        }
        return msgspec.structs.replace(value, **changed)
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return tuple(hostile(one, evil) for one in value)
    if isinstance(value, dict):
        return {hostile(key, evil): hostile(one, evil) for key, one in value.items()}
    return evil if type(value) is str else value


class Harmless(HTMLParser):
    """Reads a page, and refuses what only somebody else can have put there."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in _TAGS, f"<{tag}>"
        told = dict(attrs)
        assert not any(name.startswith("on") or name == "style" for name in told), attrs
        if tag == "script":
            assert (told.get("src") or "").startswith("/static/"), attrs
        if tag == "link":
            assert (told.get("href") or "").startswith("/static/"), attrs
        for name in ("href", "action", "formaction"):
            address = told.get(name)
            assert address is None or address.startswith(("/", "#", "http://", "?")), attrs
            assert address is None or not address.startswith("//"), attrs
