"""Containers: shown, entered, stopped."""

import msgspec

from headway.calculate.rollout.container import is_staying
from headway.control import lookup
from headway.control.errors import Conflict, NotFound, Unavailable
from headway.control.idempotency import answered
from headway.control.orders import WAIT_COMMAND
from headway.control.subjects import event_of
from headway.control.world import World
from headway.model.container import Container, ContainerKind, ContainerState
from headway.model.ids import ContainerId
from headway.model.terminal import TerminalSize
from headway.ports.engine import EngineError, EngineUnavailable, NoSuchContainer, Session
from headway.ports.store import Reader, Writer


async def listing(world: World, name: str) -> list[Container]:
    """List the containers of an environment that are not forgotten.

    Raises:
        NotFound: The environment is not there.
    """

    def question(reader: Reader) -> list[Container]:
        owner = lookup.environment(reader, name)
        rows = reader.find(Container, environment=owner.id, retired=False)
        return sorted(rows, key=lambda row: (row.app, row.process, row.slot, row.created_at))

    return await world.store.read(question)


async def one(world: World, identity: str) -> Container:
    """Give a container.

    Raises:
        NotFound: There is none with this id.
    """
    return await world.store.read(lambda reader: _one(reader, identity))


def _one(reader: Reader, identity: str) -> Container:
    row = reader.get(Container, identity)
    if row is None:
        raise NotFound(
            "container-unknown", f"there is no container {identity}", next=("headway ps",)
        )
    return row


async def stop(world: World, actor: str, identity: str) -> Container:
    """Stop a container. A service's is followed by another: this is how one is restarted.

    Raises:
        NotFound: There is none with this id.
        Conflict: It has ended.
    """
    now = world.clock.now()

    def deed(tx: Writer) -> Container:
        row = _one(tx, identity)
        if row.is_ended:
            raise Conflict("container-ended", f"{identity} has ended already")
        if not is_staying(row):
            return row
        because = f"stopped by {actor}"
        routed = row.kind is ContainerKind.SERVICE and row.state is ContainerState.HEALTHY
        state = ContainerState.DRAINING if routed else ContainerState.STOPPING
        tx.record(event_of(row, f"container.{state.value}", now, because, actor))
        return tx.put(
            msgspec.structs.replace(
                row,
                state=state,
                because=because,
                draining_at=now if routed else None,
                stopping_at=None if routed else now,
            )
        )

    row = await world.store.write(answered(deed))
    world.bell.container(row)
    world.bell.member((row.environment, row.app))
    return row


async def left(world: World, identity: str) -> None:
    """Stop a container that was only there for the command that has just ended in it."""
    row = await one(world, identity)
    if row.kind is ContainerKind.ONE_OFF and row.command == WAIT_COMMAND and is_staying(row):
        await stop(world, "headway", identity)


async def exec(  # noqa: A001 (the word that users know)
    world: World, actor: str, identity: str, argv: tuple[str, ...], terminal: TerminalSize | None
) -> Session:
    """Run a command in a running container.

    Raises:
        NotFound: There is none with this id.
        Conflict: It does not run.
        Unavailable: Its engine does not answer.
    """
    row = await one(world, identity)
    what = argv[0] if argv else "nothing"

    async def tell(kind: str, because: str) -> None:
        event = event_of(row, kind, world.clock.now(), because, actor)
        await world.store.write(lambda tx: tx.record(event))

    # beforehand: who may not run it any more runs nothing
    await tell("container.exec", f"{actor} asked to run {what}")
    try:
        return await world.engine.exec(ContainerId(identity), argv, terminal=terminal)
    except EngineError as error:
        await tell("container.exec_refused", f"{what} was not run: {error}")
        raise _refusal(identity, error) from error


def _refusal(identity: str, error: EngineError) -> Conflict | Unavailable:
    if isinstance(error, NoSuchContainer):
        return Conflict("container-not-running", f"{identity} does not run: {error}")
    if isinstance(error, EngineUnavailable):
        return Unavailable("engine-unavailable", str(error))
    return Conflict("exec-failed", str(error))
