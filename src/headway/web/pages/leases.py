"""Leases: who holds what until when, and who waits in line."""

from headway.control import leases, permission
from headway.control.errors import Invalid
from headway.formats.units import counted, parse_duration
from headway.model.lease import ClaimKind, LeaseState
from headway.model.role import Deed
from headway.model.view import LeaseView
from headway.web import links
from headway.web.page import Act, Ask, Crumb, Field, Page, Plan, View

_LIMIT = 200
_LENGTHS = ("", "30m", "1h", "2h", "4h", "8h", "1d", "2d", "7d")
_PATH = "/leases/{lease}"
_ORDER = (LeaseState.HELD, LeaseState.WAITING, LeaseState.BOOKED, LeaseState.ENDED)


class LeasesPage(View, kw_only=True):
    """Leases, those that end first in front."""

    rows: tuple[LeaseView, ...]

    @property
    def title(self) -> str:
        """Its name."""
        return "Leases"


class LeasePage(View, kw_only=True):
    """One lease, and the line that it is in."""

    view: LeaseView
    line: tuple[LeaseView, ...] = ()
    """All on the same thing, in order."""

    @property
    def title(self) -> str:
        """What it is on."""
        return f"{self.view.lease.claim.kind.value} {self.view.lease.claim.name}"

    @property
    def crumbs(self) -> tuple[Crumb, ...]:
        """The way to it."""
        return (Crumb("Leases", "/leases"),)

    @property
    def is_of_environment(self) -> bool:
        """Whether it ends with an environment, and is no other claim."""
        return self.view.lease.claim.kind is ClaimKind.ENVIRONMENT

    @property
    def can_renew(self) -> bool:
        """Whether it may be kept for longer."""
        return self.view.lease.state is LeaseState.HELD and self.view.lease.run is None

    @property
    def can_release(self) -> bool:
        """Whether it may be given up: that of an environment or of a run ends with it."""
        lease = self.view.lease
        return not (self.is_of_environment or lease.is_ended or lease.run is not None)


def leases_page(views: list[LeaseView]) -> LeasesPage:
    """Make the page: what is held by when it ends, then lines in order, then what is booked."""
    order = {id(view): number for number, view in enumerate(views)}

    def rank(view: LeaseView) -> tuple[int, float, int]:
        lease = view.lease
        until = lease.until.timestamp() if lease.until else float("inf")
        by_end = until if lease.state is LeaseState.HELD else 0.0
        return _ORDER.index(lease.state), by_end, order[id(view)]

    return LeasesPage(rows=tuple(sorted(views, key=rank)))


async def _see_all(ask: Ask) -> LeasesPage:
    return leases_page(await leases.listing(ask.world, limit=_LIMIT))


async def _see(ask: Ask) -> LeasePage:
    view = await leases.one(ask.world, ask.names["lease"])
    claim = view.lease.claim
    if claim.kind is ClaimKind.ENVIRONMENT:
        return LeasePage(view=view)
    known = await leases.listing(ask.world, claim.name, limit=_LIMIT)
    return LeasePage(
        view=view, line=tuple(one for one in known if one.lease.claim.key == claim.key)
    )


async def _on(ask: Ask) -> Deed:
    return await permission.on_lease(ask.world, ask.actor, ask.names["lease"])


async def _see_extend(ask: Ask) -> Plan:
    view = await leases.one(ask.world, ask.names["lease"])
    lease = view.lease
    until = f"until {lease.until:%Y-%m-%d %H:%M} UTC" if lease.until else "without end"
    return Plan(
        what=f"Extend the lease on {lease.claim.kind.value} {lease.claim.name}",
        verb="Extend it",
        sentence=f"{lease.holder} holds it {until}. "
        f"{counted(view.waiting, 'other')} in line would wait for longer.",
        fields=(
            Field(
                name="length",
                label="From now on for",
                value="1h",
                choices=_LENGTHS,
                hint="empty: as long as it was taken for",
            ),
        ),
        back=links.lease(lease.id),
        command=f"headway leases renew {lease.id} --for 1h",
    )


async def _extend(ask: Ask) -> str:
    text = ask.query.get("length", "").strip()
    seconds = parse_duration(text) if text else None
    if text and seconds is None:
        raise Invalid("length-invalid", f"{text!r} is no length of time", hint="such as 2h or 1d")
    await leases.renew(ask.world, ask.actor, ask.names["lease"], seconds)
    return links.lease(ask.names["lease"])


async def _see_release(ask: Ask) -> Plan:
    view = await leases.one(ask.world, ask.names["lease"])
    lease = view.lease
    ends = f" With it end: {', '.join(view.holds)}." if view.holds else ""
    left = lease.state is LeaseState.WAITING
    return Plan(
        what=f"{'Leave the line for' if left else 'Release'} {lease.claim.kind.value} "
        f"{lease.claim.name}",
        verb="Leave it" if left else "Release it",
        sentence=f"{lease.holder} loses it at once, and the next in line gets it.{ends}",
        fields=(Field(name="reason", label="Why", value=ask.query.get("reason", "")),),
        confirm=lease.claim.name,
        back=links.lease(lease.id),
        command=f"headway leases release {lease.id}",
    )


async def _release(ask: Ask) -> str:
    reason = ask.query.get("reason", "")
    await leases.release(ask.world, ask.actor, ask.names["lease"], reason)
    return "/leases"


OFFERS = (
    Page("/leases", "leases.html", _see_all),
    Page(_PATH, "lease.html", _see),
    Act(f"{_PATH}/extend", _on, _see_extend, _extend),
    Act(f"{_PATH}/release", _on, _see_release, _release),
)
