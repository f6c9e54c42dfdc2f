"""One node of this machine: the line to its agent, its part of the machine, and its end."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from headway.engines.process.ending import end_agent, have_end, signal_to
from headway.engines.process.link import AgentLink
from headway.engines.process.messages import Request
from headway.engines.process.spool import Spool
from headway.model.ids import ContainerId, NodeId
from headway.model.node import Node
from headway.model.order import NodeReading
from headway.ports.engine import EngineError

_CONTAINER_ENDS_S = 10.0
"""From SIGTERM until SIGKILL."""
_GRACE_S = 5.0


class Place:
    """A node that this machine is."""

    def __init__(self, link: AgentLink, node: Callable[[Node], Node]) -> None:
        self.link = link
        self.node = node
        """Gives its part of the machine."""
        self.is_up = False
        """Whether its agent has answered, once."""

    def prepare(self) -> None:
        """Make its directory. Where that vanishes later, no agent is started there any more."""
        self.link.folder.mkdir(mode=0o711, parents=True, exist_ok=True)

    async def ensure(self) -> None:
        """Make sure that its agent runs.

        Raises:
            EngineUnavailable: It does not start, or one runs and does not answer.
        """
        await self.link.ensure()
        self.is_up = True

    async def measure(self) -> NodeReading | None:
        """Read what its containers use; None where its agent does not answer.

        One that an older headway started does not know the question.
        """
        try:
            reading = (await self.link.at_once(Request(verb="measure"))).reading
        except EngineError:
            return None
        return reading and msgspec.structs.replace(reading, node=NodeId(self.link.name))


def alive(folder: Path) -> list[Spool]:
    """List the containers of an agent's directory whose supervisors live."""
    containers = folder / "containers"
    paths = sorted(containers.iterdir()) if containers.is_dir() else []
    spools = [Spool(containers, ContainerId(path.name)) for path in paths]
    return [spool for spool in spools if spool.is_held()]


async def end(folder: Path) -> None:
    """End an agent, then all that it has started, whether any of them answer or not.

    The agent first: it would start what it was asked for a moment ago.
    """
    await end_agent(folder)

    def stop(number: int) -> None:
        for spool in alive(folder):
            spool.write_stop(_GRACE_S)
            status = spool.status()
            if status is not None:
                signal_to(status.shim, number)

    await have_end(lambda: bool(alive(folder)), stop, _CONTAINER_ENDS_S)
