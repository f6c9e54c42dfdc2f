"""The last runs of a job: a column each, coloured by outcome, as high as it took long."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from statistics import median

from headway.formats.units import counted
from headway.model.run import Run, RunState
from headway.web.pictures.parts.mark import mark
from headway.web.pictures.parts.svg import Element, Markup, link, picture, rect, shape, write
from headway.web.pictures.parts.text import SMALL, measure
from headway.web.times import instant, length
from headway.web.tone import Tone, words
from headway.web.tone import tone as look_of

COLUMNS = 48
_SCALE = (1.0, 0.5)
_HIGH, _TOP, _FOOT, _EDGE = 72.0, 16.0, 20.0, 2.0


def heatmap(runs: Sequence[Run], now: datetime, width: float = 920) -> Markup:
    """Draw the newest runs, oldest on the left; every place is as wide, taken or not."""
    shown = sorted(runs, key=lambda run: (run.created_at, run.id))[-COLUMNS:]
    if not shown:
        text = write("no run yet", _EDGE, 14, room=width, size=SMALL, class_="quiet")
        return picture("Last runs", "no run yet", width, _FOOT, (text,))
    took = [_took_s(run, now) for run in shown]
    longest = max(took)
    gutter = max(measure(length(longest * share), SMALL) for share in _SCALE) + 8
    left = _EDGE + gutter
    wide = (width - _EDGE - left) / COLUMNS
    floor = _TOP + _HIGH
    first = left + wide * (COLUMNS - len(shown))
    inside = list(_scale(longest, left, floor, width))
    for number, (run, seconds) in enumerate(zip(shown, took, strict=True)):
        inside.append(_column(run, seconds, longest, first + wide * number, wide, floor))
    inside += _ends(_ago(shown[0], now), first, width, floor + 14)
    return picture("Last runs", _says(shown, took), width, floor + _FOOT, inside)


def _ends(ago: str, first: float, width: float, foot: float) -> Iterator[Element]:
    """Say below the first column when it was, and below the last that it is now."""
    now, room = measure("now", SMALL), measure(ago, SMALL)
    x = min(first, width - _EDGE - now - 12 - room)
    yield write(ago, x, foot, room=room, size=SMALL, class_="quiet")
    right = width - _EDGE
    yield write("now", right, foot, room=now, size=SMALL, class_="quiet", anchor="end")


def _took_s(run: Run, now: datetime) -> float:
    attempt = run.attempt
    if attempt is None or attempt.began_at is None:
        return 0.0
    return max(0.0, ((attempt.ended_at or now) - attempt.began_at).total_seconds())


def _scale(longest: float, left: float, floor: float, width: float) -> Iterator[Element]:
    for share in _SCALE:
        y = floor - _HIGH * share
        yield shape("path", d=f"M{left:.1f} {y:.1f}H{width - _EDGE:.1f}", class_="tick")
        text = length(longest * share)
        if share < 1 and text == length(longest):
            continue  # rounded, it would say the same twice
        yield write(text, left - 6, y + 4, room=left, size=SMALL, class_="quiet", anchor="end")


def _column(
    run: Run, seconds: float, longest: float, x: float, wide: float, floor: float
) -> Element:
    tone = look_of(run.state)
    high = max(3.0, _HIGH * seconds / longest if longest else 3.0)
    says = f"{words(run.state)}, {length(seconds)}, {instant(run.created_at)}"
    bar = rect(x + 0.5, floor - high, wide - 1, high, f"bar {tone.value}", rx=1)
    # The cross over what failed tells it apart without colour; what went well has no sign.
    sign = None
    if tone in (Tone.BAD, Tone.CARE):
        sign = mark(tone, x + wide / 2, max(floor - high - 7, 6))
    # The whole height can be pointed at, and the column of a short run as well.
    area = rect(x, _TOP, wide, _HIGH, "area", rx=0)
    return link(f"/runs/{run.id}", says, area, bar, sign)


def _ago(run: Run, now: datetime) -> str:
    return f"{length((now - run.created_at).total_seconds())} ago"


def _says(shown: Sequence[Run], took: Sequence[float]) -> str:
    counted_words = Counter(words(run.state) for run in shown)
    counts = ", ".join(f"{count} {name}" for name, count in counted_words.most_common())
    ended = [
        seconds for run, seconds in zip(shown, took, strict=True) if run.state is RunState.SUCCEEDED
    ]
    usual = f"; one that succeeds takes {length(median(ended))}" if ended else ""
    return f"the last {counted(len(shown), 'run')}: {counts}{usual}"
