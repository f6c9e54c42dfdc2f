"""What a page is: an address, a value that it shows, and the template that shows it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime
from typing import NamedTuple

from headway.control.heart import Heart
from headway.control.world import World
from headway.model.role import Deed, Grant
from headway.model.value import Value
from headway.model.view import Started
from headway.web.house import House


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


class Page(NamedTuple):
    """A page: where, how it is drawn, and how its value comes about."""

    path: str
    """With names in braces: `/envs/{environment}`."""
    template: str
    see: Callable[[Ask], Awaitable[View]]
    is_live: bool = True
    """Whether it has blocks named `live_…`, which are sent again when they change."""
    follow: Callable[[Ask, str], AsyncIterator[Appended]] | None = None
    """Instead of that: what is added to it, from where its view says by `resume`, or from where an
    earlier stream broke off."""


class Plan(View, kw_only=True):
    """What an act would do, shown before it does it, and what it needs to be told."""

    what: str
    """The question, such as `Destroy demo?`."""
    verb: str
    """On the button."""
    sentence: str = ""
    started: Started | None = None
    """What would start, stop and move, by the very code that does it."""
    fields: tuple["Field", ...] = ()
    confirm: str = ""
    """What must be typed first, where the act destroys something."""
    back: str = "/"
    command: str = ""
    """What does the same in a terminal."""
    refused: str = ""
    """Why who asks may not do it."""

    @property
    def title(self) -> str:
        """Its name."""
        return self.what


class Field(Value, kw_only=True):
    """One field of a form."""

    name: str
    label: str
    value: str = ""
    hint: str = ""
    choices: tuple[str, ...] = ()
    is_hidden: bool = False


class Act(NamedTuple):
    """Something that a page does: GET shows its plan, POST does it."""

    path: str
    on: Callable[[Ask], Awaitable[Deed]]
    """What it is done to, which says who may do it."""
    see: Callable[[Ask], Awaitable[Plan]]
    """The plan for what the query says, and the form when it was sent."""
    do: Callable[[Ask], Awaitable[str]]
    """Do it, and give the address to go on at."""
