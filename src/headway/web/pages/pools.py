"""Pools: what each has, what becomes of it next, and why."""

from headway.control.permission import INSTALLATION
from headway.control.pool import pools
from headway.formats.units import counted
from headway.model.role import Deed
from headway.model.view.pool import PoolView
from headway.web import links
from headway.web.commands import command, why
from headway.web.page import Act, Ask, Crumb, Field, Page, Plan, View, reason
from headway.web.typed import number

_PATH = "/pools/{pool}"


class PoolsPage(View, kw_only=True):
    """All pools, those that cannot be as they should first."""

    rows: tuple[PoolView, ...]

    @property
    def title(self) -> str:
        """Its name."""
        return "Pools"


class PoolPage(View, kw_only=True):
    """One pool."""

    view: PoolView

    @property
    def title(self) -> str:
        """Its name."""
        return self.view.pool.name

    @property
    def crumbs(self) -> tuple[Crumb, ...]:
        """The way to it."""
        return (Crumb("Pools", "/pools"),)

    @property
    def can_scale(self) -> bool:
        """Whether it was declared, so that it has bounds."""
        return bool(self.view.pool.version)


def pools_page(views: list[PoolView]) -> PoolsPage:
    """Make the page: what has flags or cannot have what it wants, what changes, then by name."""
    rows = sorted(
        views,
        key=lambda view: (not (view.flags or view.pending), not view.next, view.pool.name),
    )
    return PoolsPage(rows=tuple(rows))


async def _see_all(ask: Ask) -> PoolsPage:
    return pools_page(await pools.listing(ask.world, ask.heart.pools))


async def _see(ask: Ask) -> PoolPage:
    return PoolPage(view=await pools.one(ask.world, ask.heart.pools, ask.names["pool"]))


async def _on(_: Ask) -> Deed:
    return INSTALLATION


async def _see_scale(ask: Ask) -> Plan:
    view = await pools.one(ask.world, ask.heart.pools, ask.names["pool"])
    name, scaling = view.pool.name, view.pool.scaling
    there = counted(view.ready, "node")
    least = ask.query.get("least", str(scaling.nodes_min))
    most = ask.query.get("most", str(scaling.nodes_max))
    return Plan(
        what=f"Change the bounds of pool {name}",
        verb="Change them",
        sentence=f"{there} ready, {view.waiting} wait for room. It grows for what would be late, "
        "and shrinks when nothing needs its nodes, within these.",
        fields=(
            Field(
                name="least",
                label="Nodes at least",
                value=least,
            ),
            Field(
                name="most",
                label="Nodes at most",
                value=most,
            ),
            reason(ask),
        ),
        back=links.pool(name),
        command=command(
            "pools scale", name, options={"--min": least, "--max": most, **why(ask.query)}
        ),
    )


async def _scale(ask: Ask) -> str:
    name = ask.names["pool"]
    await pools.scale(
        ask.world,
        ask.heart.pools,
        ask.actor,
        name,
        nodes_min=number(ask.query.get("least", ""), "nodes"),
        nodes_max=number(ask.query.get("most", ""), "nodes"),
        because=ask.query.get("reason", ""),
    )
    return links.pool(name)


OFFERS = (
    Page("/pools", "pools.html", _see_all),
    Page(_PATH, "pool.html", _see),
    Act(f"{_PATH}/scale", _on, _see_scale, _scale),
)
