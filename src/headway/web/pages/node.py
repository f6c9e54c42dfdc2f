"""One node: what is there, what is free, and taking it out of use and back."""

from headway.control import nodes
from headway.control.permission import INSTALLATION
from headway.control.queries import events
from headway.control.rollout import drain_plans
from headway.model.figures import Subject
from headway.model.happening import Happening, happenings
from headway.model.ids import EnvironmentName
from headway.model.node import NodeState
from headway.model.role import Deed
from headway.model.view.change import Started
from headway.model.view.node import NodeView
from headway.web import links
from headway.web.commands import command, why
from headway.web.lately import Lately, lately
from headway.web.page import Act, Ask, Crumb, Field, Page, Plan, View, reason
from headway.web.pages.nodes import node_note, packed
from headway.web.pictures.packing import Packed
from headway.web.typed import length

_EVENTS = 12
_PATH = "/nodes/{node}"


class NodePage(View, kw_only=True):
    """One node."""

    view: NodeView
    note: str
    """Why it takes nothing; empty where it takes containers."""
    lately: Lately | None = None
    happened: tuple[Happening, ...] = ()
    """The newest first."""

    @property
    def title(self) -> str:
        """Its id."""
        return self.view.node.id

    @property
    def crumbs(self) -> tuple[Crumb, ...]:
        """The way to it."""
        return (Crumb("Nodes", "/nodes"),)

    @property
    def packed(self) -> tuple[Packed, ...]:
        """It, as it is drawn."""
        return (packed(self.view),)

    @property
    def can_cordon(self) -> bool:
        """Whether it takes containers and may be told not to."""
        return self.view.hold is None

    @property
    def can_drain(self) -> bool:
        """Whether it does not drain yet."""
        hold = self.view.hold
        return hold is None or hold.state is not NodeState.DRAINING


async def _see(ask: Ask) -> NodePage:
    view = await nodes.one(ask.world, ask.names["node"])
    newest = await events.page(ask.world, subject=view.node.id, limit=_EVENTS, newest_first=True)
    return NodePage(
        view=view,
        note=node_note(view),
        lately=lately(ask, Subject(node=view.node.id), node=view.node.id),
        happened=happenings(newest, _EVENTS),
    )


async def _on(_: Ask) -> Deed:
    return INSTALLATION


async def _see_cordon(ask: Ask) -> Plan:
    view = await nodes.one(ask.world, ask.names["node"])
    return _plan(ask, view, "cordon", "It takes nothing new. What runs there stays.")


async def _cordon(ask: Ask) -> str:
    node = ask.names["node"]
    await nodes.cordon(ask.world, ask.actor, node, ask.query.get("reason", ""))
    return links.node(node)


async def _see_uncordon(ask: Ask) -> Plan:
    view = await nodes.one(ask.world, ask.names["node"])
    return _plan(ask, view, "uncordon", "It takes containers again, also where it drained.")


async def _uncordon(ask: Ask) -> str:
    node = ask.names["node"]
    await nodes.uncordon(ask.world, ask.actor, node)
    return links.node(node)


async def _see_drain(ask: Ask) -> Plan:
    view = await nodes.one(ask.world, ask.names["node"])
    sentence = "Services move before they leave, runs may end by themselves within the time given."
    return _plan(ask, view, "drain", sentence)


async def _rehearse_drain(ask: Ask) -> Started:
    changes = await drain_plans.plan(ask.world, ask.names["node"], _within(ask))
    return Started(environment=EnvironmentName(""), plan=tuple(changes))


def _within(ask: Ask) -> float | None:
    return length(ask.query.get("within", ""))


async def _drain(ask: Ask) -> str:
    node = ask.names["node"]
    why = ask.query.get("reason", "")
    await nodes.drain(ask.world, ask.actor, node, _within(ask), why)
    return links.node(node)


def _plan(ask: Ask, view: NodeView, verb: str, sentence: str) -> Plan:
    node = view.node.id
    fields = [reason(ask)]
    if verb == "drain":
        hint = "such as 10m; empty is the installation's drain_s"
        within = ask.query.get("within", "")
        fields.append(Field(name="within", label="Runs may go on for", value=within, hint=hint))
    return Plan(
        what=f"{verb.capitalize()} {node}",
        verb=verb.capitalize(),
        sentence=f"{sentence} {len(view.there)} things are there."
        if view.there
        else f"{sentence} Nothing is there.",
        fields=() if verb == "uncordon" else tuple(fields),
        confirm=node if verb == "drain" else "",
        back=links.node(node),
        command=command(
            f"nodes {verb}",
            node,
            options={"--within": ask.query.get("within", "").strip(), **why(ask.query)},
        ),
    )


OFFERS = (
    Page(_PATH, "node.html", _see),
    Act(f"{_PATH}/cordon", _on, _see_cordon, _cordon),
    Act(f"{_PATH}/uncordon", _on, _see_uncordon, _uncordon),
    Act(f"{_PATH}/drain", _on, _see_drain, _drain, _rehearse_drain),
)
