"""Text that others wrote, as a page may show it: nothing in it rules what stands beside it."""

import re
from typing import Any

from markupsafe import Markup

_KEPT = frozenset("\t\n")
_BIDI = range(0x202A, 0x202F), range(0x2066, 0x206A)
"""Marks that turn the direction of what follows, until they are closed, if ever they are."""
_REPLACED = {
    **{code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in _KEPT},
    **dict.fromkeys([0x7F, *range(0x80, 0xA0), *(code for row in _BIDI for code in row)], "\ufffd"),
}
_CODE = re.compile(r"`([^`\n]+)`")
_RULING = re.compile(f"[{''.join(map(chr, _REPLACED))}]")
TEXT_MAX = 10_000


def visible(text: str) -> str:
    r"""Show what a terminal or a browser would obey, and cut what nobody reads to its end.

    >>> visible("a\x1b[31m\u202eb"), visible("x" * 10_001)[-18:]
    ('a␛[31m�b', 'x… (10001 letters)')
    """
    if len(text) > TEXT_MAX:
        text = f"{text[:TEXT_MAX]}… ({len(text)} letters)"
    return text.translate(_REPLACED) if _RULING.search(text) else text


def finalized(value: Any) -> Any:
    """Give what a template writes: what was drawn already as it is, and any other text visible."""
    return value if isinstance(value, Markup) or not isinstance(value, str) else visible(value)


def coded(text: str) -> Markup:
    """Draw a sentence; what stands in backticks is code.

    >>> coded("waits for `headway promote` <now>")
    Markup('waits for <code>headway promote</code> &lt;now&gt;')
    """
    parts = _CODE.split(visible(str(text)))
    drawn = [
        Markup("<code>{}</code>").format(part) if at % 2 else part for at, part in enumerate(parts)
    ]
    return Markup().join(drawn)
