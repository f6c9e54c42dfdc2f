"""Messages of a page's stream: what changed on it, as its script puts it there."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from headway.web.drawing import rows
from headway.web.page import Addition, Anew, Appended
from headway.web.seen import Seen

STILL = b"event: still\ndata: true\n\n"
"""The page is as its reader has it. Who hears nothing for long takes the connection for lost."""
GONE = b"event: gone\ndata: gone\n\n"
"""Has the page asked for again, whole: it says what became of it."""
_LINE = re.compile(r"\r\n|\r|\n")


def message(
    seen: Seen, changed: Mapping[str, str], added: Sequence[Addition], now: datetime
) -> bytes:
    """Write what changed and what is added as one event.

    >>> part = {"live_a": '<p id="live_a">x</p>'}
    >>> print(message(Seen("0a"), part, (), datetime.max).decode().strip())
    id: 0a~
    data: <hx-partial hx-target="#live_a" hx-swap="outerMorph"><p id="live_a">x</p></hx-partial>
    """
    html = [_partial(name, "outerMorph", text) for name, text in changed.items()]
    if added:
        html.append(_added(added, now))
    data = "".join(f"data: {line}\n" for line in _LINE.split("\n".join(html)))
    return f"id: {seen.render()}\n{data}\n".encode()


def _added(added: Sequence[Addition], now: datetime) -> str:
    begins = [number for number, one in enumerate(added) if isinstance(one, Anew)]
    kept = added[begins[-1] :] if begins else added
    some = [one for one in kept if isinstance(one, Appended)]
    text = rows(some[-1].macro, [one.value for one in some], now) if some else ""
    return _partial(kept[-1].to, "innerHTML" if begins else "beforeend", text)


def _partial(target: str, swap: str, text: str) -> str:
    return f'<hx-partial hx-target="#{target}" hx-swap="{swap}">{text.strip()}</hx-partial>'
