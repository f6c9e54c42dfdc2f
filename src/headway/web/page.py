"""What a page is: an address, a value that it shows, and the template that shows it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

import msgspec

from headway.control.heart import Heart
from headway.control.permits import Credential
from headway.control.world import World
from headway.model.role import Deed, Grant
from headway.model.value import Value
from headway.model.view.change import Started
from headway.model.view.refusal import Refusal
from headway.web.house import House
from headway.web.outline import Outlined, outline

_READ_STEPS = 6
"""Of a plan with more, what they come to is said first."""


class Crumb(NamedTuple):
    """One step of the way to a page."""

    text: str
    url: str


class View(Value, kw_only=True):
    """What a page shows. The same value is the answer of the page's address with `.json`.

    What only the drawing needs is a property, so that it is no part of that answer.
    """

    @property
    def title(self) -> str:
        """Its name, as of a tab."""
        raise NotImplementedError

    @property
    def crumbs(self) -> tuple[Crumb, ...]:
        """The way to it, itself left out."""
        return ()

    @property
    def goes_to(self) -> str:
        """Where to go instead, where that is clear."""
        return ""

    @property
    def resume(self) -> str:
        """From where what is added to it is to be sent; nothing: it is not added to."""
        return ""

    @property
    def is_moving(self) -> bool:
        """Whether it shows what no event tells of, such as answers to health checks."""
        return False


class Ask(NamedTuple):
    """What is asked of a page: by whom, when, and what stands in the address."""

    house: House
    names: Mapping[str, str]
    """Of the path: `environment`, `app` and the like."""
    query: Mapping[str, str]
    actor: str
    grant: Grant
    """What who asks may do."""
    now: datetime
    credential: Credential = Credential()
    """What they are known by."""

    @property
    def world(self) -> World:
        """Everything that the control room can reach."""
        return self.house.world

    @property
    def heart(self) -> Heart:
        """Its loops."""
        return self.house.heart


class Appended(NamedTuple):
    """Something that is added at the end of what a page shows."""

    macro: str
    """That draws it, of `parts.html`, from a list of such values."""
    to: str
    """The id of the element that it is added to."""
    value: object
    resume: str
    """Behind what to go on when the stream breaks off here."""


class Anew(NamedTuple):
    """What was added to a page goes, and what comes is another beginning."""

    to: str
    """The id of the element that is emptied."""
    resume: str


Addition = Appended | Anew


class Page(NamedTuple):
    """A page: where, how it is drawn, and how its value comes about."""

    path: str
    """With names in braces: `/envs/{environment}`."""
    template: str
    see: Callable[[Ask], Awaitable[View]]
    is_live: bool = True
    """Whether it has blocks named `live_…`, which are sent again when they change."""
    follow: Callable[[Ask, str], AsyncIterator[Addition]] | None = None
    """What is added to it, from where its view says by `resume`, or from where an earlier stream
    broke off."""


class Plan(View, kw_only=True):
    """An act before it is done: what it is, what it needs to be told, and what it would do."""

    what: str
    """The question, such as `Destroy demo?`."""
    verb: str
    """On the button."""
    sentence: str = ""
    fields: tuple["Field", ...] = ()
    """With what was said of them already, so that nothing has to be said twice."""
    confirm: str = ""
    """What must be typed first, where the act destroys something."""
    back: str = "/"
    command: str = ""
    """What does the same in a terminal."""
    started: Started | None = None
    """What would start, stop and move, by the very code that does it."""
    planned: str = ""
    """Names what that was made for: it is done when the form still says the same."""
    lacking: str = ""
    """What who asks would have to be to do it; empty when they may."""
    refusal: Refusal | None = None
    """Why it cannot be, as things are and as the form says."""

    @property
    def title(self) -> str:
        """Its name."""
        return self.what

    @property
    def crumbs(self) -> tuple[Crumb, ...]:
        """The way back."""
        return (Crumb("Back", self.back),) if self.back != "/" else ()

    @property
    def outline(self) -> tuple[Outlined, ...]:
        """What would change, app by app; none where the steps are few enough to be read."""
        steps = self.started.plan if self.started else ()
        return outline(steps) if len(steps) > _READ_STEPS else ()

    @property
    def is_to_be_pressed(self) -> bool:
        """Whether its plan is shown, and its button does that."""
        is_refused = bool(self.lacking) or self.refusal is not None
        return self.started is not None and not self.started.unchanged and not is_refused

    @property
    def asks(self) -> bool:
        """Whether something can be said, so that what is refused may be mended here."""
        return any(not field.is_hidden for field in self.fields)


class FieldKind(StrEnum):
    """How a field is filled in."""

    LINE = "line"
    TEXT = "text"
    """Several lines."""
    VEILED = "veiled"
    """Several lines that nobody sees, and that are not shown again."""


class Field(Value, kw_only=True):
    """One field of a form."""

    name: str
    label: str
    value: str = ""
    hint: str = ""
    kind: FieldKind = FieldKind.LINE
    choices: tuple[str, ...] = ()
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    """What choices are called that do not speak for themselves."""
    known: tuple[str, ...] = ()
    """What may be said, among others."""
    is_hidden: bool = False
    bears: bool = True
    """Whether the plan depends on it."""


def reason(ask: Ask) -> Field:
    """Ask why something is done."""
    return Field(name="reason", label="Why", value=ask.query.get("reason", ""), bears=False)


class Act(NamedTuple):
    """Something that a page does: GET shows its plan, POST does it."""

    path: str
    on: Callable[[Ask], Awaitable[Deed]]
    """What it is done to, which says who may do it."""
    see: Callable[[Ask], Awaitable[Plan]]
    """The form, for what the query says, and the form when it was sent."""
    do: Callable[[Ask], Awaitable[str]]
    """Do it, and give the address to go on at."""
    rehearse: Callable[[Ask], Awaitable[Started | None]] | None = None
    """Say what it would start, stop and move; what refuses the act refuses this. None: too little
    was said for that."""
