"""When a runner tells what became of its attempts."""

import json
import socket

import pytest

from headway.engines.process.runs.facts import Attempt, End
from headway.engines.process.runs.ledger import Ledger
from headway.engines.process.runs.line import SOCKET, Line
from headway.engines.process.runs.loop import Loop


class Runner:
    def __init__(self) -> None:
        self.loop, self.ledger = Loop(), Ledger()
        self.line = Line(self.loop, self.ledger, lambda _message: None)
        self.other = socket.socket(socket.AF_UNIX)
        self.other.connect(SOCKET)
        self.loop.turn()
        assert self.told() == [{"listing": []}]
        self.other.setblocking(False)

    def begun(self, run: str) -> Attempt:
        attempt = self.ledger.accept(
            {"run": run, "attempt": 1, "job": "mail", "parameters": {}, "timeout_s": 1}
        )
        assert attempt is not None
        self.ledger.begin(attempt)
        return attempt

    def told(self) -> list[dict]:
        try:
            return [json.loads(line) for line in self.other.recv(65536).splitlines()]
        except BlockingIOError:
            return []


def ended(messages: list[dict]) -> list[str]:
    (message,) = messages
    return [fact["run"] for fact in message["facts"] if fact["state"] == "ended"]


@pytest.fixture
def runner(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = Runner()
    yield made
    made.other.close()
    made.line.close()


def test_an_end_is_told_at_once_together_with_those_that_could_wait(runner):
    one, two, three = map(runner.begun, ("one", "two", "three"))
    runner.ledger.end(one, End(status=0), can_wait=True)
    runner.line.tell()
    assert runner.told() == []
    runner.ledger.end(two, End(status=0))
    runner.line.tell()
    assert ended(runner.told()) == ["one", "two"]
    runner.ledger.end(three, End(status=0))
    runner.line.tell()
    assert ended(runner.told()) == ["three"]


def test_ends_that_can_wait_are_told_a_little_later_though_nothing_else_happens(runner):
    attempts = [runner.begun(run) for run in ("one", "two", "three", "four")]
    for attempt in attempts[:2]:
        runner.ledger.end(attempt, End(status=0), can_wait=True)
        runner.line.tell()
    assert runner.told() == []
    runner.loop.turn()
    assert ended(runner.told()) == ["one", "two"]


def test_as_many_ends_as_there_is_still_to_be_done_are_told_at_once(runner):
    attempts = [runner.begun(run) for run in ("one", "two", "three")]
    runner.ledger.end(attempts[0], End(status=0), can_wait=True)
    runner.line.tell()
    assert runner.told() == []
    runner.ledger.end(attempts[1], End(status=0), can_wait=True)
    runner.line.tell()
    assert ended(runner.told()) == ["one", "two"]
