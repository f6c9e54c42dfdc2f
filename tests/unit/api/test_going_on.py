"""What goes on for long is let through only while who asked is known."""

from datetime import UTC, datetime, timedelta

import pytest
from starlette.types import Message

from headway.api.door import BrokenOff
from headway.api.going_on import Asker, GoingOn

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LINE: Message = {"type": "http.response.body", "body": b"line", "more_body": True}


class Clock:
    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at


class Stream:
    """An answer that goes on, of a session that ends in a minute if nothing is asked with it."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.known: Asker | None = Asker("ana", idle_at=NOW + MINUTE)
        self.looks = 0
        self.sent: list[Message] = []
        going = GoingOn(self.known, self.look, lambda: 0, self.clock)
        _, self.send = going.passing({"type": "http"}, self.receive, self.take)

    async def look(self) -> Asker | None:
        self.looks += 1
        return self.known

    async def receive(self) -> Message:
        return {"type": "http.disconnect"}

    async def take(self, message: Message) -> None:
        self.sent.append(message)


async def test_a_stream_ends_with_a_session_that_was_used_no_more():
    stream = Stream()
    await stream.send(LINE)
    stream.clock.at += MINUTE
    stream.known = None
    with pytest.raises(BrokenOff):
        await stream.send(LINE)
    assert stream.sent == [LINE]


async def test_a_stream_goes_on_while_its_session_is_used_otherwise_and_looks_once_for_each_time():
    stream = Stream()
    stream.clock.at += MINUTE
    stream.known = Asker("ana", idle_at=stream.clock.at + MINUTE)
    for _ in range(3):
        await stream.send(LINE)
    assert (len(stream.sent), stream.looks) == (3, 1)
