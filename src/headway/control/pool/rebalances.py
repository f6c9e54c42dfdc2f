"""The loop over approved rebalancings: one node after another, each looked at again first."""

import asyncio
from datetime import datetime
from functools import partial

import msgspec

from headway.calculate.rebalancing import Emptying, Verdict, gives_up_at, judge
from headway.control import nodes
from headway.control.errors import NotFound
from headway.control.pool.orders import becoming
from headway.control.pool.rebalance_steps import event, take_back, written
from headway.control.pool.rebalancing import proposed
from headway.control.waiting import rung
from headway.control.world import World
from headway.model.ids import NodeId, RebalancingId
from headway.model.node import Holder, NodeHold
from headway.model.pool_node import PoolNode, PoolNodeState
from headway.model.rebalance import (
    EmptiedNode,
    RebalanceStep,
    Rebalancing,
    RebalancingState,
    StepState,
)
from headway.ports.store import Reader, Writer


class Rebalances:
    """Begins steps and says how they ended. What it knows is in the rows."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._wake = asyncio.Event()
        world.bell.node.calls(self._wake.set)

    async def run(self) -> None:
        """Look whenever something is new about a node, or time is up, for ever."""
        while True:
            self._wake.clear()
            wake_at = await self._beat()
            await rung(self._wake, wake_at, self._world.clock.now())

    async def _beat(self) -> datetime | None:
        await self._give_back()
        state = RebalancingState.RUNNING
        for row in await self._world.store.read(lambda tx: tx.find(Rebalancing, state=state)):
            wake_at = await self._carry_on(row)
            if wake_at is not None:
                return wake_at
        return None

    async def _carry_on(self, row: Rebalancing) -> datetime | None:
        """Do what can be done now; gives when to look again where something is under way."""
        while (step := row.current) is not None:
            if step.state is StepState.WAITING:
                await self._begin(row, step)
            else:
                wake_at = await self._look(row, step)
                if wake_at is not None:
                    return wake_at
            row = await self._world.store.read(partial(_row, identity=row.id))
        await self._finish(row)
        return None

    # --- one step ---------------------------------------------------------------------------------

    async def _begin(self, row: Rebalancing, step: RebalanceStep) -> None:
        """Empty a node if that would be proposed as of now, too."""
        plan = await proposed(self._world, row.churn)
        chosen = next((one for one in plan.nodes if one.node == step.node), None)
        if chosen is None:
            left = next((text for text in plan.left if text.startswith(f"{step.node}: ")), "")
            because = left.partition(": ")[2] or "it would not be proposed any more"
            await self._end(row, step, Verdict(state=StepState.SKIPPED, because=because))
            return
        because = f"{row.approved_by} approved {row.id}, which saves {chosen.saves_hour:g} an hour"
        try:
            view = await nodes.drain(
                self._world,
                row.id,
                step.node,
                None,
                f"{because}: {chosen.because}",
                holder=Holder.REBALANCE,
                also=partial(self._begun, row=row, chosen=chosen, because=because),
            )
        except NotFound:
            because = "there is no such node any more"
            await self._end(row, step, Verdict(state=StepState.SKIPPED, because=because))
            return
        if view.hold is not None and view.hold.by != row.id:
            because = f"{view.hold.owner} has taken it out of use"
            await self._end(row, step, Verdict(state=StepState.SKIPPED, because=because))

    def _begun(self, tx: Writer, *, row: Rebalancing, chosen: EmptiedNode, because: str) -> bool:
        fresh = tx.get(Rebalancing, row.id)
        step = fresh.current if fresh is not None else None
        if fresh is None or step is None or step.node != chosen.node:
            return False  # it was cancelled
        now = self._world.clock.now()
        becoming(chosen.node, PoolNodeState.LEAVING, because, now)(tx)
        step = msgspec.structs.replace(step, moves=chosen.moves, saves_hour=chosen.saves_hour)
        written(tx, fresh, step, StepState.EMPTYING, chosen.because, now)
        return True

    async def _look(self, row: Rebalancing, step: RebalanceStep) -> datetime | None:
        """End a step that is over; gives when to look again at one that is not."""
        world = self._world
        node = await world.store.read(partial(_emptying, node=step.node))
        node = msgspec.structs.replace(node, is_there=world.roster.node(step.node) is not None)
        patience_s = world.settings.drain_s
        verdict = judge(row.id, node, world.clock.now(), patience_s)
        if verdict is None:
            assert node.hold is not None
            return gives_up_at(node.hold, patience_s)
        await self._end(row, step, verdict)
        return None

    async def _end(self, row: Rebalancing, step: RebalanceStep, verdict: Verdict) -> None:
        now = self._world.clock.now()

        def deed(tx: Writer) -> bool:
            fresh = tx.get(Rebalancing, row.id)
            if fresh is None or step not in fresh.steps:
                return False
            written(tx, fresh, step, verdict.state, verdict.because, now)
            return verdict.takes_back and take_back(tx, row.id, step.node, verdict.because, now)

        if await self._world.store.write(deed):
            self._world.roster.released(step.node)
            self._world.bell.node()

    async def _finish(self, row: Rebalancing) -> None:
        now = self._world.clock.now()

        def deed(tx: Writer) -> None:
            fresh = tx.get(Rebalancing, row.id)
            if fresh is None or fresh.state is not RebalancingState.RUNNING:
                return
            ended = msgspec.structs.replace(fresh, state=RebalancingState.FINISHED, ended_at=now)
            tx.put(ended)
            tx.record(event(row.id, "finished", now, f"it saves {ended.saved_hour:g} an hour"))

        await self._world.store.write(deed)

    # --- nodes that are wanted after all ----------------------------------------------------------

    async def _give_back(self) -> None:
        """Let nodes take containers again that their pools called back after they were emptied."""
        holds = await self._world.store.read(_called_back)
        for hold in holds:
            because = "its pool needs it after all"
            now = self._world.clock.now()
            deed = partial(
                take_back,
                rebalancing=RebalancingId(hold.by),
                node=hold.node,
                because=because,
                now=now,
            )
            if await self._world.store.write(deed):
                self._world.roster.released(hold.node)
                self._world.bell.node()


def _row(reader: Reader, identity: RebalancingId) -> Rebalancing:
    row = reader.get(Rebalancing, identity)
    assert row is not None  # one that runs is not forgotten
    return row


def _emptying(reader: Reader, node: NodeId) -> Emptying:
    return Emptying(
        is_there=False, hold=reader.get(NodeHold, node), lent=reader.get(PoolNode, node)
    )


def _called_back(reader: Reader) -> list[NodeHold]:
    current = {
        row.current.node
        for row in reader.find(Rebalancing, state=RebalancingState.RUNNING)
        if row.current is not None
    }
    found = []
    for hold in reader.find(NodeHold):
        lent = reader.get(PoolNode, hold.node)
        if hold.holder is Holder.REBALANCE and lent is not None and lent.is_wanted:
            found += [hold] if hold.node not in current else []
    return found
