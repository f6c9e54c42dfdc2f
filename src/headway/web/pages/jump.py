"""The quick jump: from a few letters to a page."""

from headway.control.queries.finding import Found, find
from headway.model.value import Value
from headway.web import links
from headway.web.page import Ask, Page, View


class Hit(Value, kw_only=True):
    """One place to go."""

    kind: str
    name: str
    state: str
    url: str


class JumpPage(View, kw_only=True):
    """What fits, the best first."""

    q: str
    hits: tuple[Hit, ...] = ()

    @property
    def title(self) -> str:
        """Its name."""
        return f"Jump to {self.q}" if self.q else "Jump"

    @property
    def goes_to(self) -> str:
        """The one place that fits, or that is named so."""
        sure = len(self.hits) == 1 or (self.hits and self.hits[0].name == self.q)
        return self.hits[0].url if sure else ""


def url_of(found: Found) -> str:
    """Give the page of what was found."""
    if found.kind == "member":
        owner, _, app = found.name.partition("/")
        return links.member(owner, app)
    if found.kind == "container":
        return links.logs(found.environment, container=found.name)
    return {
        "environment": links.environment,
        "app": links.app,
        "deployment": links.deployment,
        "run": links.run,
        "lease": links.lease,
        "node": links.node,
        "pool": links.pool,
    }[found.kind](found.name)


async def _see(ask: Ask) -> JumpPage:
    text = ask.query.get("q", "").strip()[:100]
    found = await find(ask.world, text)
    hits = tuple(
        Hit(kind=row.kind, name=row.name, state=row.state, url=url_of(row)) for row in found
    )
    return JumpPage(q=text, hits=hits)


OFFERS = (Page("/jump", "jump.html", _see, is_live=False),)
