"""Leases: who holds what until when, and who waits in line."""

from headway.control import permission
from headway.control.errors import Invalid
from headway.control.leases import claiming, leases
from headway.control.requests import LeaseRequest
from headway.formats.units import MIB, counted, parse_size
from headway.model.lease import ClaimKind, LeaseState
from headway.model.role import Deed
from headway.model.view.lease import LeaseView
from headway.web import links
from headway.web.commands import begins, command, why
from headway.web.moment import moment
from headway.web.page import Act, Ask, Crumb, Field, Page, Plan, View, reason
from headway.web.typed import LENGTHS, amount, length, number

_LIMIT = 200
_HOUR_S = 3600.0
_KINDS = {
    ClaimKind.LOCK.value: "a lock: a name that one at a time holds",
    ClaimKind.NODE.value: "a node, all of it",
    ClaimKind.CAPACITY.value: "capacity of a pool",
}
_AS_BEFORE = "as long as before"
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
    lease, said = view.lease, ask.query.get("length", _AS_BEFORE)
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
                value=said,
                choices=(_AS_BEFORE, "30m", *LENGTHS),
            ),
        ),
        back=links.lease(lease.id),
        command=command(
            "leases renew", lease.id, options={"--for": "" if said == _AS_BEFORE else said}
        ),
    )


async def _extend(ask: Ask) -> str:
    said = ask.query.get("length", _AS_BEFORE)
    seconds = None if said == _AS_BEFORE else length(said)
    await claiming.renew(ask.world, ask.actor, ask.names["lease"], seconds)
    return links.lease(ask.names["lease"])


async def _see_release(ask: Ask) -> Plan:
    view = await leases.one(ask.world, ask.names["lease"])
    lease = view.lease
    ends = f" With it end: {', '.join(view.holds)}." if view.holds else ""
    left = lease.state is LeaseState.WAITING
    loses = f"{lease.holder} loses it at once, and the next in line gets it.{ends}"
    return Plan(
        what=f"{'Leave the line for' if left else 'Release'} {lease.claim.kind.value} "
        f"{lease.claim.name}",
        verb="Leave the line" if left else "Release it",
        sentence=f"{lease.holder} gives up the place in line." if left else loses,
        fields=(reason(ask),),
        confirm=lease.claim.name,
        back=links.lease(lease.id),
        command=command("leases release", lease.id, options=why(ask.query)),
    )


async def _release(ask: Ask) -> str:
    why = ask.query.get("reason", "")
    await claiming.release(ask.world, ask.actor, ask.names["lease"], why)
    return "/leases"


async def _see_acquire(ask: Ask) -> Plan:
    kind = ask.query.get("kind", ClaimKind.LOCK.value)

    def field(what: str, label: str, hint: str = "") -> Field:
        return Field(name=what, label=label, value=ask.query.get(what, ""), hint=hint)

    return Plan(
        what="Take a lease",
        verb="Take it",
        sentence="It is yours until its time is over, or until you release it. Where others hold "
        "it, it is refused: who waits in line has to stay there, as a command does.",
        fields=(
            Field(name="kind", label="On", value=kind, choices=tuple(_KINDS), labels=_KINDS),
            field("name", "Its name", "of a lock any name, such as `migration`; of a node its id"),
            Field(
                name="length",
                label="For",
                value=ask.query.get("length", "1h"),
                choices=("30m", *LENGTHS),
            ),
            field("places", "A lock: how many may hold it at once", "empty is as it is, else 1"),
            field("cpu", "Capacity: cores"),
            field("memory", "Capacity: memory", "such as 16GiB"),
            field("from", "Capacity: not before", "empty is now; or 2h, or 2026-12-24T18:00Z"),
            reason(ask),
        ),
        back="/leases",
        command=_acquiring(ask, kind),
    )


def _acquiring(ask: Ask, kind: str) -> str:
    said = {name: text.strip() for name, text in ask.query.items()}
    name = said.get("name") or "NAME"
    always: dict[str, str | bool] = {"--for": said.get("length") or "1h", **why(ask.query)}
    if kind == ClaimKind.NODE:
        return command("leases acquire", options={"--node": name, **always})
    if kind == ClaimKind.CAPACITY:
        sizes: dict[str, str | bool] = {
            "--pool": said.get("name", ""),
            "--cores": said.get("cpu", ""),
            "--memory": said.get("memory", ""),
            "--from": begins(said.get("from", ""), ask.now),
        }
        return command("leases acquire", options={**sizes, **always})
    return command("leases acquire", name, options={"--places": said.get("places", ""), **always})


def _wish(ask: Ask) -> LeaseRequest:
    said, memory = ask.query, ask.query.get("memory", "").strip()
    size = parse_size(memory) if memory else 0
    if size is None:
        raise Invalid("size-invalid", f"{memory!r} is no size", hint="such as 512MiB or 16GiB")
    places = said.get("places", "").strip()
    return LeaseRequest(
        kind=_kind(said.get("kind", "")),
        name=said.get("name", "").strip(),
        length_s=length(said.get("length", "")) or _HOUR_S,
        places=number(places, "holders") if places else None,
        cpu=amount(said.get("cpu", ""), "cores"),
        memory_mib=-(-size // MIB),
        from_at=moment(said.get("from", ""), ask.now, ahead=True),
        reason=said.get("reason", ""),
    )


def _kind(text: str) -> ClaimKind:
    if text not in _KINDS:
        raise Invalid("claim-invalid", f"a lease is on {', '.join(_KINDS)}, not {text!r}")
    return ClaimKind(text)


async def _on_acquire(ask: Ask) -> Deed:
    return permission.on_claim(_kind(ask.query.get("kind", ClaimKind.LOCK.value)))


async def _acquire(ask: Ask) -> str:
    view = await claiming.acquire(ask.world, ask.actor, _wish(ask))
    return links.lease(view.lease.id)


OFFERS = (
    Act("/leases/acquire", _on_acquire, _see_acquire, _acquire),
    Page("/leases", "leases.html", _see_all),
    Page(_PATH, "lease.html", _see),
    Act(f"{_PATH}/extend", _on, _see_extend, _extend),
    Act(f"{_PATH}/release", _on, _see_release, _release),
)
