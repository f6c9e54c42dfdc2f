"""The lane of a queue: what runs on the left, what waits behind it; its words stand beside it."""

from collections.abc import Iterator

from headway.formats.units import counted
from headway.model.view.queue import QueueView
from headway.web.pictures.parts.svg import Element, Markup, picture, rect, shape
from headway.web.times import length
from headway.web.tone import Tone

_BLOCK, _STEP, _TOP, _EDGE = 12.0, 15.0, 4.0, 2.0


def lane(view: QueueView, width: float = 420) -> Markup:
    """Draw places that runs take, empty ones too where they are counted, and those that wait."""
    places = int((width - 2 * _EDGE - 24) // _STEP)
    running, free = _shown(view, places // 2)
    inside: list[Element] = list(_blocks(_EDGE, running, "bar moving", "runs"))
    inside += _blocks(_EDGE + running * _STEP, free, "place", "free")
    gate = _EDGE + (running + free) * _STEP + 8
    inside.append(
        shape("path", d=f"M{gate:.1f} {_TOP - 3:.1f}v18", class_=f"gate {look(view).value}")
    )
    left = gate + 12
    waiting = min(view.waiting, int((width - _EDGE - left) // _STEP))
    inside += _blocks(left, waiting, "bar quiet", "waits")
    return picture(f"Queue {view.queue.name}", says(view), width, 2 * _TOP + _BLOCK, inside)


def says(view: QueueView) -> str:
    """Say how a queue does."""
    most = f" of {view.queue.concurrency}" if view.queue.concurrency is not None else ""
    parts = [f"{view.running}{most} running", f"{view.waiting} waiting"]
    if view.oldest_s is not None and view.waiting:
        parts.append(f"the oldest for {length(view.oldest_s)}")
    if view.hold is not None and view.hold.paused:
        parts.insert(0, "paused")
    if view.hold is not None and view.hold.draining:
        parts.insert(0, "takes no new runs")
    return ", ".join(parts)


def look(view: QueueView) -> Tone:
    """Say what that means to who looks."""
    if view.hold is not None and (view.hold.paused or view.hold.draining):
        return Tone.CARE
    return Tone.MOVING if view.running else Tone.QUIET


def _shown(view: QueueView, most: int) -> tuple[int, int]:
    running = min(view.running, most)
    free = max(0, (view.queue.concurrency or view.running) - view.running)
    return running, min(free, most - running)


def _blocks(left: float, count: int, class_: str, word: str) -> Iterator[Element]:
    if not count:
        return
    says = f"{counted(count, 'run')} shown: {word}" if word != "free" else f"{count} places free"
    for number in range(count):
        yield rect(left + number * _STEP, _TOP, _BLOCK, _BLOCK, class_, says if not number else "")
