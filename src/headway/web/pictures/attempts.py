"""The timeline of a run: how long it waited, and each attempt."""

from datetime import datetime

from headway.formats.units import counted
from headway.model.run import Attempt, Run, RunState
from headway.web.pictures.parts.svg import Markup
from headway.web.pictures.parts.timeline import Row, Span, timeline
from headway.web.times import length
from headway.web.tone import Tone, tone, words

ATTEMPTS_MAX = 30
"""The last ones are drawn; a run that has had more says so."""


def attempts(run: Run, now: datetime, width: float = 920) -> Markup:
    """Draw the waiting of a run and its attempts, each from its order to its end."""
    rows = _rows(run)
    took = ((run.ended_at or now) - run.created_at).total_seconds()
    says = f"{run.id} is {words(run.state)} after {length(took)}"
    says += f" and {counted(len(run.attempts), 'attempt')}"
    story = "; ".join(f"{row.name}: {row.word}, {length(row.took_s(now))}" for row in rows)
    return timeline("Attempts in time", f"{says}. {story}", rows, now, width)


def _rows(run: Run) -> list[Row]:
    left_out = len(run.attempts) - ATTEMPTS_MAX
    shown = run.attempts[-ATTEMPTS_MAX:]
    first = shown[0].ordered_at if shown else run.ended_at
    name = f"waited, and {left_out} attempts more" if left_out > 0 else "waited"
    waits = Span(begin=run.created_at, end=first, tone=Tone.QUIET, word="waiting")
    state = words(run.state) if not shown else "done"
    rows = [Row(name=name, tone=Tone.QUIET, word=state, spans=(waits,))]
    rows += [_attempt(attempt, run) for attempt in shown]
    last = shown[-1] if shown else None
    if last is not None and last.ended_at is not None and not run.is_ended:
        again = Span(begin=last.ended_at, end=None, tone=Tone.QUIET, word="waiting")
        rows.append(Row(name="waits", tone=Tone.QUIET, word=words(run.state), spans=(again,)))
    return rows


def _attempt(attempt: Attempt, run: Run) -> Row:
    state = attempt.outcome or (RunState.RUNNING if attempt.began_at else RunState.STARTING)
    look = tone(state)
    spans = [
        Span(
            begin=attempt.ordered_at,
            end=attempt.began_at or attempt.ended_at,
            tone=Tone.QUIET,
            word="starting",
        )
    ]
    if attempt.began_at is not None:
        end = attempt.ended_at
        spans.append(Span(begin=attempt.began_at, end=end, tone=look, word=words(state)))
    return Row(
        name=f"attempt {attempt.number}",
        tone=look,
        word=words(state),
        spans=tuple(spans),
        note="" if attempt.outcome is RunState.SUCCEEDED else attempt.because,
        to=f"/runs/{run.id}?attempt={attempt.number}",
    )
