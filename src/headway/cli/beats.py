"""When to look again: at once, when something happened, and as the time passes."""

import threading
import time
from collections.abc import Iterator
from contextlib import suppress

from headway.sdk import Client

_BEAT_S = 0.05
"""Between two looks at the least; whatever happened meanwhile is seen by the next one."""
_IDLE_SHARE = 4
"""So many times as long as a look took nobody looks again: a large environment costs more."""
_TICK_S = 0.5
"""How often a spinner and a clock move on while nothing happens. Nobody is asked for it."""


def beats(client: Client, name: str, length_s: float) -> Iterator[bool]:
    """Say True at once and whenever something happened in an environment, else False now and then.

    Ends after `length_s`.

    Raises:
        SdkError: What follows the environment has failed.
    """
    ends_at = time.monotonic() + length_s
    listener = _Listener(client, name)
    try:
        yield True
        while (left_s := ends_at - time.monotonic()) > 0:
            happened = listener.wait(min(left_s, _TICK_S))
            looking_at = time.monotonic()
            yield happened
            if happened:
                took_s = time.monotonic() - looking_at
                time.sleep(min(max(_BEAT_S, took_s * _IDLE_SHARE), left_s))
    finally:
        listener.stop()


class _Listener:
    """Follows an environment's events in a thread, for a main thread that also keeps the time."""

    def __init__(self, client: Client, name: str) -> None:
        newest = client.events(limit=1)
        self._after = newest[0].sequence if newest else 0
        self._name = name
        self._client = Client(client.transport.url, client.transport.token)
        self._happened = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._listen, name="events", daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait for something to happen; say whether it did."""
        happened = self._happened.wait(seconds)
        self._happened.clear()
        if self._failure is not None:
            raise self._failure
        return happened

    def stop(self) -> None:
        """Let go of the connection; the thread ends with it."""
        with suppress(Exception):
            self._client.transport.close()

    def _listen(self) -> None:
        try:
            for _ in self._client.environments.follow(self._name, after=self._after):
                self._happened.set()
        except Exception as failure:  # noqa: BLE001 (raised again by who waits)
            self._failure = failure
            self._happened.set()
