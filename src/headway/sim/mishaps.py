"""What goes wrong in a simulated world, at moments drawn from its seed."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

from headway.model.ids import NodeId
from headway.model.machine import Machine, MachineState
from headway.model.pool import Pool
from headway.model.scenario import Faults
from headway.sim.agent import Agent
from headway.sim.engine import SimulatedEngine
from headway.sim.provider import SimulatedProvider

_HOUR_S = 3600.0
_JUMP_S = 300.0
_NOTICE_S = (30.0, 120.0)


class Mishaps:
    """Strikes the world around the control plane, and the control plane itself."""

    def __init__(
        self,
        faults: Faults,
        seed: int,
        engine: SimulatedEngine,
        agent: Agent,
        told: Counter[str],
        provider: SimulatedProvider,
        pools: tuple[Pool, ...],
    ) -> None:
        self._faults = faults
        self._engine = engine
        self._agent = agent
        self._told = told
        self._provider = provider
        self._pools = pools
        self._strangers = 0
        self.silent: Callable[[NodeId], None] = lambda _node: None
        """Told of nodes that go silent, and once more when they are heard again."""
        self._chances = random.Random(f"{seed}/mishaps")  # noqa: S311 (no secret)
        self._nodes_away: dict[NodeId, None] = {}
        self._is_away = False
        self.kill_plane: Callable[[], None] = lambda: None
        self.clock_offset_s = 0.0
        self.calm_since = 0.0
        """Since when the engine has answered."""

    def all(self) -> list[Coroutine[Any, Any, None]]:
        """Give each kind of mishap that may come, for ever."""
        deeds: dict[str, Callable[[random.Random], None]] = {
            "plane_kills": lambda _chance: self.kill_plane(),
            "runner_kills": self._kill_runner,
            "container_kills": self._kill_container,
            "engine_cuts": self._cut_engine,
            "line_cuts": self._cut_line,
            "node_deaths": self._kill_node,
            "clock_jumps": self._set_clock,
            "spot_notices": self._take_back,
            "machine_losses": self._lose_machine,
            "strangers": self._foist,
            "provider_cuts": self._cut_provider,
        }
        found = []
        for name, deed in deeds.items():
            rate: float = getattr(self._faults, f"{name}_hour")
            chance = random.Random(self._chances.getrandbits(64))  # noqa: S311
            if rate > 0:
                found.append(self._strike(name, deed, rate, chance))
        return found

    async def _strike(
        self,
        name: str,
        deed: Callable[[random.Random], None],
        rate: float,
        chance: random.Random,
    ) -> None:
        while True:
            await asyncio.sleep(chance.expovariate(rate / _HOUR_S))
            self._told[name] += 1
            deed(chance)

    @property
    def nodes_away(self) -> int:
        """How many nodes are away."""
        return len(self._nodes_away)

    def heal(self) -> None:
        """Let everything be there again."""
        for node in list(self._nodes_away):
            self._node_returns(node)
        self._is_away = False
        self._provider.answers = True
        self._say()

    def _kill_runner(self, chance: random.Random) -> None:
        if self._engine.runners:
            self._engine.kill(chance.choice(list(self._engine.runners)))

    def _kill_container(self, chance: random.Random) -> None:
        live = [fact.id for fact in self._engine.containers.values() if fact.exit is None]
        if live:
            self._engine.kill(chance.choice(live))

    def _cut_line(self, chance: random.Random) -> None:
        if self._engine.runners:
            self._engine.runners[chance.choice(list(self._engine.runners))].cut()

    def _cut_engine(self, chance: random.Random) -> None:
        self._is_away = True
        self._say()
        self._agent.cut()
        self._engine.cut_lines()
        asyncio.get_running_loop().call_later(self._away_s(chance), self._return)

    def _return(self) -> None:
        self._is_away = False
        self._say()

    def _kill_node(self, chance: random.Random) -> None:
        away = [row.id for row in self._engine.known_nodes if row.id not in self._nodes_away]
        if not away:
            return
        node = chance.choice(away)
        self._nodes_away[node] = None
        self.silent(node)
        self._say()
        self._engine.go_away(node)
        self._engine.lose(node)
        loop = asyncio.get_running_loop()
        loop.call_later(self._away_s(chance), self._node_returns, node)

    def _node_returns(self, node: NodeId) -> None:
        if node in self._nodes_away:
            del self._nodes_away[node]
            self.silent(node)
            if any(row.id == node for row in self._engine.known_nodes):
                self._engine.come_back(node)
            self._say()

    # --- what a provider does ---------------------------------------------------------------------

    def _take_back(self, chance: random.Random) -> None:
        spot = [row.id for row in self._provider.lent() if self._provider.is_spot(row)]
        if spot:
            self._provider.announce(chance.choice(spot), chance.uniform(*_NOTICE_S))

    def _lose_machine(self, chance: random.Random) -> None:
        lent = self._provider.lent()
        if lent:
            self._provider.vanish(chance.choice(lent).id)

    def _foist(self, chance: random.Random) -> None:
        pools = [pool for pool in self._pools if pool.types]
        if not pools:
            return
        pool = chance.choice(pools)
        self._strangers += 1
        self._provider.foist(
            Machine(
                id=NodeId(f"stranger-{self._strangers}"),
                pool=pool.name,
                type=chance.choice(pool.types).name,
                state=MachineState.RUNNING,
                since=self._engine.now(),
            )
        )

    def _cut_provider(self, chance: random.Random) -> None:
        self._provider.cut()
        self._say()
        asyncio.get_running_loop().call_later(self._away_s(chance), self._provider_returns)

    def _provider_returns(self) -> None:
        self._provider.answers = True
        self._say()

    # --- what the machine does --------------------------------------------------------------------

    def _set_clock(self, chance: random.Random) -> None:
        self.clock_offset_s += chance.uniform(-_JUMP_S, _JUMP_S)

    def _away_s(self, chance: random.Random) -> float:
        return chance.uniform(0.1, self._faults.away_s)

    def _say(self) -> None:
        self.calm_since = asyncio.get_running_loop().time()
        self._agent.is_away = self._is_away
