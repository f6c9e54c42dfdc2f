"""What is in docs/screenshots: every page and every act, and how some of them look at other times.

`make screenshots` takes what is listed here, and tests/docs checks that it is all there.
"""

from collections.abc import Iterator
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from headway.web.navigation import navigation
from headway.web.page import Act, Page
from headway.web.pages import ACTS, PAGES

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
SIZES = {"desktop": 300, "phone": 92}
"""How wide the pictures of each window are in the index."""
SCHEMES = ("light", "dark")


class Scene(StrEnum):
    """By whom a page is looked at, and where."""

    SHOP = "the shop: something is well, something broken, something moves, something waits"
    VIEWER = "the same, seen by somebody who may only look"
    DOOR = "the same, seen by nobody in particular"
    FRESH = "a headway that has just been installed"


class Picture(NamedTuple):
    """Something pictured, in each size and scheme."""

    name: str
    says: str
    """Under which it stands in the index."""
    address: str
    """With names in braces that the scene fills."""
    section: str
    scene: Scene = Scene.SHOP
    status: int = 200
    """What the answer is that shows it."""

    def file(self, size: str, scheme: str) -> str:
        """Name the file of one of its pictures."""
        return f"{self.name}-{size}-{scheme}.png"

    def files(self) -> Iterator[str]:
        """Name the files of all of them."""
        return (self.file(size, scheme) for size in SIZES for scheme in SCHEMES)


_JOB, _QUEUE = "/jobs/{environment}/post/{job}", "/queues/{environment}/post/{queue}"
_MEMBER, _SCHEDULE = "/envs/{environment}/apps/{app}", "/schedules/{environment}/{app}/{schedule}"
_OF_JOB, _OF_QUEUE = "/jobs/{environment}/{app}/{job}", "/queues/{environment}/{app}/{queue}"
_SERVED = "/envs/{environment}/apps/{served}"
_DEAD = "?environment={environment}&job=post/charge"

ADDRESSES = {
    "/start": "/start?environment=festival&apps=web",
    "/envs/{environment}/copy": "/envs/{environment}/copy?to=festival",
    f"{_MEMBER}/deploy": f"{_SERVED}/deploy",
    f"{_MEMBER}/rollback": f"{_SERVED}/rollback",
    f"{_MEMBER}/scale": f"{_SERVED}/scale?scale.web=3",
    f"{_MEMBER}/config": "/envs/{environment}/apps/{configured}/config",
    f"{_MEMBER}/config/{{number}}": "/envs/{environment}/apps/{configured}/config/{number}",
    f"{_MEMBER}/config/set": "/envs/{environment}/apps/{configured}/config/set?key=CURRENCY",
    f"{_MEMBER}/config/unset": "/envs/{environment}/apps/{configured}/config/unset?key=CURRENCY",
    "/deployments/{deployment}/promote": "/deployments/{canary}/promote",
    "/deployments/{deployment}/abort": "/deployments/{canary}/abort",
    _OF_JOB: _JOB,
    f"{_OF_JOB}/invoke": "/jobs/{environment}/post/newsletter/invoke",
    "/runs/{run}/log": "/runs/{running}/log",
    "/runs/{run}/cancel": "/runs/{running}/cancel",
    "/runs/{run}/again": "/runs/{succeeded}/again",
    "/dead/replay": f"/dead/replay{_DEAD}",
    "/dead/empty": f"/dead/empty{_DEAD}",
    _OF_QUEUE: _QUEUE,
    f"{_OF_QUEUE}/pause": "/queues/{environment}/post/default/pause",
    f"{_OF_QUEUE}/drain": "/queues/{environment}/post/default/drain",
    f"{_OF_QUEUE}/resume": f"{_QUEUE}/resume",
    f"{_SCHEDULE}/run": "/schedules/{environment}/post/{schedule}/run",
    f"{_SCHEDULE}/pause": "/schedules/{environment}/post/nightly-export/pause",
    f"{_SCHEDULE}/resume": "/schedules/{environment}/post/{schedule}/resume",
    "/nodes/{node}/cordon": "/nodes/{busy}/cordon",
    "/nodes/{node}/drain": "/nodes/{busy}/drain",
    "/why": "/why?thing={broken}&environment={environment}",
    "/jump": "/jump?q=or",
}
"""Where a page shows what it is for, when not by the names that all pages have."""

_OTHERWISE = (
    ("app-broken", "An app that does not do as it should", "/envs/{environment}/apps/{broken}"),
    ("deployment-canary", "A deployment under way: a canary", "/deployments/{canary}"),
    ("deployment-probing", "One whose first container is not well yet", "/deployments/{probing}"),
    ("deployment-succeeded", "One that succeeded", "/deployments/{succeeded_deployment}"),
    ("envs-ended", "Environments that have ended", "/envs?show=ended"),
    ("run-running", "A run at its second attempt", "/runs/{running}"),
    ("run-succeeded", "A run with its result", "/runs/{succeeded}"),
    ("run-waiting", "A run that can never start", "/runs/{waiting}"),
    ("logs-app", "The lines of one app", "/envs/{environment}/logs?app={broken}"),
)
_NOT = "What cannot be"
_REFUSED = (
    ("missing", "What is not there", "/envs/nowhere", _NOT, Scene.SHOP, 404),
    ("refused", "What is refused", "/envs/{environment}/copy?to={second}", _NOT, Scene.SHOP, 200),
    (
        "not-allowed",
        "What only others may do",
        f"{_SERVED}/scale?scale.web=3",
        _NOT,
        Scene.VIEWER,
        200,
    ),
)
_AT_THE_DOOR = (
    ("sign-in", "Signing in with a token", "/sign-in"),
    ("sign-in-link", "With the link that a command printed", "{link}"),
    ("sign-in-used", "With one that was used", "/sign-in?link=used"),
)


def name(path: str) -> str:
    """What the picture of a page is called: /envs/{environment}/logs is envs-environment-logs."""
    plain = path.strip("/").replace("/", "-").replace("~", "-")
    return plain.translate({ord(one): None for one in "{}"}) or "now"


def _of(what: Page | Act) -> Picture:
    address = ADDRESSES.get(what.path, what.path)
    section = "Acts" if isinstance(what, Act) else "Pages"
    return Picture(name(what.path), f"`{what.path}`", address, section)


def _fresh() -> Iterator[Picture]:
    """Look at whatever the navigation leads to before there is anything."""
    paths = [*(page.path for page in PAGES if "{" not in page.path)]
    for section in navigation(paths):
        for entry in section.entries:
            called = f"fresh-{name(entry.url)}"
            yield Picture(called, entry.text, entry.url, "Before anything runs", Scene.FRESH)


PICTURES = (
    *map(_of, PAGES),
    *map(_of, ACTS),
    *(Picture(*one, "At other times") for one in _OTHERWISE),
    *(Picture(*one) for one in _REFUSED),
    *(Picture(*one, "At the door", Scene.DOOR) for one in _AT_THE_DOOR),
    *_fresh(),
)


def index() -> str:
    """Write the page that shows them all."""
    head = (
        "# What the pages look like\n\n"
        "Made by `make screenshots`, of a headway with something healthy, something broken,\n"
        "something moving and something waiting. [What each page is for](../web.md).\n"
    )
    parts = [head]
    for section, pictures in groupby(PICTURES, key=lambda one: one.section):
        parts.append(f"## {section}\n")
        parts += [_shown(one) for one in pictures]
    return "\n".join(parts)


def _shown(picture: Picture) -> str:
    images = "\n".join(
        f'<img src="{picture.file(size, scheme)}" width="{width}" align="top"'
        f' alt="{picture.name}, {size}, {scheme}">'
        for size, width in SIZES.items()
        for scheme in SCHEMES
    )
    return f"### {picture.says}\n\n{images}\n"
