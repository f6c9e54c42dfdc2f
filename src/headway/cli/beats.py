"""When to look again: at once, when something happened, and as the time passes."""

import time
from collections.abc import Iterator

from headway.sdk import Client

_BEAT_S = 0.05
"""Between two looks at the least; whatever happened meanwhile is seen by the next one."""
_IDLE_SHARE = 4
"""So many times as long as a look took nobody looks again: a large environment costs more."""
_TICK_S = 0.5
"""How often a spinner and a clock move on while nothing happens."""


def beats(client: Client, name: str, length_s: float) -> Iterator[bool]:
    """Say True at once and whenever something happened in an environment, else False now and then.

    Ends after `length_s`.

    Raises:
        SdkError: What follows the environment has failed.
    """
    ends_at = time.monotonic() + length_s
    seen = _newest(client)
    yield True
    for event in client.environments.beats(name, after=seen, heartbeat_s=_TICK_S):
        now = time.monotonic()
        if now >= ends_at:
            return
        if event is None:
            yield False
        elif event.sequence > seen:  # else it happened before the last look
            seen = _newest(client)
            yield True
            took_s = time.monotonic() - now
            time.sleep(max(0.0, min(max(_BEAT_S, took_s * _IDLE_SHARE), ends_at - now)))


def _newest(client: Client) -> int:
    events = client.events(limit=1)
    return events[0].sequence if events else 0
