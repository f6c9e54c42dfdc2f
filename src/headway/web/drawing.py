"""Draws pages. Jinja is imported, and a template compiled, when the first page is asked for."""

import re
from collections.abc import Sequence
from contextvars import ContextVar
from datetime import datetime
from functools import cache
from hashlib import blake2b
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from headway.formats.units import counted
from headway.model.resources import cores
from headway.web import amounts, gallery, kinds, lines, links, static, times, tone, ways
from headway.web.navigation import Section
from headway.web.page import View
from headway.web.pictures.parts import mark
from headway.web.pictures.parts.svg import number
from headway.web.seen import Seen
from headway.web.visible import coded, finalized

_LIVE = "live_"
_NOW: ContextVar[datetime] = ContextVar("now")
"""Of the drawing that is under way: macros do not see what templates see."""
_TIME_TEXT = re.compile(r"(<time[^>]*>)[^<]*")


class Visit(NamedTuple):
    """What of a visit is on every page."""

    path: str
    """As asked for, with the query."""
    actor: str
    now: datetime
    version: str
    role: str = ""
    csrf: str = ""
    """What a form must carry to be heard."""
    id: str = ""
    """Of the form that is on it: what is sent twice with it is done once."""
    nav: tuple[Section, ...] = ()


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("headway.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        finalize=finalized,
    )
    made.globals.update(
        to=links,
        gallery=gallery,
        asset=static.address,
        marks=mark.marks,
        sign=lambda word: mark.sign(tone.tone(word)),
        tone=tone.tone,
        csrf=_csrf,
        ago=_ago,
        clock=_clock,
        instant=times.instant,
        clocks=times.clocks,
        shown=lines.shown,
        way=ways.way,
    )
    made.filters.update(
        told=kinds.told,
        words=lambda text: tone.words(str(text)),
        coded=coded,
        took=times.length,
        instant=times.instant,
        amount=amounts.amount,
        mib=amounts.memory,
        counted=counted,
        number=number,
        cores=cores,
        percent=lambda share: f"{share:g} %",
    )
    made.globals["ui"] = made.get_template("parts.html", globals=made.globals).module
    return made


def draw(template: str, view: View, visit: Visit, *, is_live: bool = False) -> str:
    """Draw a whole page; its live parts are drawn once, and put where it says `parts.live_…`."""
    parts = fragments(template, view, visit.now)
    digests = ".".join(digest(text) for text in parts.values())
    seen = Seen(digests, view.resume).render() if is_live else ""
    found = _environment().get_template(template)
    whole = {name: Markup(text) for name, text in parts.items()}  # noqa: S704 (drawn by templates)
    return found.render(view=view, visit=visit, seen=seen, parts=whole)


def fragments(template: str, view: View, now: datetime) -> dict[str, str]:
    """Draw the parts of a page that may change while it is open, by their ids.

    All who have it open share them: they know nothing of a visit.
    """
    found = _environment().get_template(template)
    _NOW.set(now)
    values = {"view": view, "now": now}
    return {
        name: "".join(found.blocks[name](found.new_context(values)))
        for name in sorted(found.blocks)
        if name.startswith(_LIVE)
    }


def has_parts(template: str) -> bool:
    """Say whether a page has parts that may change."""
    return any(name.startswith(_LIVE) for name in _environment().get_template(template).blocks)


def rows(macro: str, values: Sequence[object], now: datetime) -> str:
    """Draw what is added to a page."""
    _NOW.set(now)
    return str(getattr(_environment().globals["ui"], macro)(values))


def digest(text: str) -> str:
    """Name a fragment's content; how long ago something was makes no difference."""
    return blake2b(_TIME_TEXT.sub(r"\1", text).encode(), digest_size=6).hexdigest()


@pass_context
def _csrf(context: Context) -> Markup:
    """Write the hidden field without which no form is heard."""
    return Markup('<input type="hidden" name="csrf" value="{}">').format(context["visit"].csrf)


def _ago(at: datetime) -> Markup:
    """Write an instant by its distance; the script of the page keeps it true."""
    return _time(at, times.distance(at, _NOW.get()))


def _clock(at: datetime) -> Markup:
    """Write the time of day of an instant."""
    return _time(at, f"{at:%H:%M:%S}", " data-clock")


def _time(at: datetime, text: str, also: str = "") -> Markup:
    """Write an instant. Nothing of it was written by others, and a page has hundreds."""
    shown = escape(text)
    says = times.instant(at)
    return Markup(f'<time datetime="{at.isoformat()}" title="{says}"{also}>{shown}</time>')  # noqa: S704 (escaped)
