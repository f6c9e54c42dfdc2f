"""What is shown of a run that somebody waits for."""

import pytest

from headway.cli.following import _failed_before, _how_it_went, _show_line
from headway.model.ids import AppName, ContainerId, EnvironmentId, NodeId, RunId
from headway.model.log import LogLine, Stream
from headway.model.run import Attempt, Run, RunState
from headway.model.view.log import LogEntry
from tests.unit.cli.test_render import NOW


def attempt(number: int, outcome: RunState | None = None, because: str = "") -> Attempt:
    return Attempt(
        number=number,
        release=1,
        runner=ContainerId("r"),
        node=NodeId("n"),
        ordered_at=NOW,
        outcome=outcome,
        because=because,
    )


def run(state: RunState, *attempts: Attempt) -> Run:
    return Run(
        id=RunId("k1"),
        environment=EnvironmentId("dev~1"),
        app=AppName("shop"),
        job="export",
        queue="default",
        state=state,
        attempts=attempts,
        created_at=NOW,
        created_by="ana",
    )


@pytest.mark.parametrize(
    ("text", "err"),
    [
        ("::progress 1/2 north", " 50 % 1/2 north\n"),
        ("::progress 40%", " 40 %\n"),
        ("::progress soon", "::progress soon\n"),
        ("north is done", "north is done\n"),
    ],
)
def test_lines_and_how_far_it_is_are_for_who_watches_and_not_in_the_output(capsys, text, err):
    line = LogLine(at=NOW, stream=Stream.STDOUT, text=text, cursor=1)
    _show_line(
        LogEntry(container=ContainerId("r"), app=AppName("shop"), label="x", release=1, line=line)
    )
    assert capsys.readouterr() == ("", err)


def test_each_attempt_that_another_follows_is_told_once_and_the_last_is_left_for_the_end():
    first = attempt(1, RunState.FAILED, "ValueError: down")
    waiting = run(RunState.WAITING, first)
    assert _failed_before(waiting, 0) == (first,)
    assert _failed_before(waiting, 1) == ()
    assert _failed_before(run(RunState.RUNNING, first, attempt(2)), 0) == (first,)
    last = attempt(2, RunState.FAILED, "ValueError: down")
    assert _failed_before(run(RunState.DEAD, first, last), 0) == (first,)
    assert _failed_before(run(RunState.DEAD, first, last), 1) == ()
    assert _how_it_went(first, waiting) == "attempt 1 failed: ValueError: down"
