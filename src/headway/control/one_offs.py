"""One-off containers: a command run once in the live release of an app."""

from headway.calculate.placement import place
from headway.control import lookup
from headway.control.errors import Conflict, Invalid, NotFound
from headway.control.idempotency import answered
from headway.control.orders import WAIT_COMMAND
from headway.control.requests import RunRequest
from headway.control.world import World
from headway.machine.chance import drawn_hex
from headway.model.container import Container, ContainerKind
from headway.model.event import Event
from headway.model.ids import ContainerId
from headway.ports.store import Writer

_COMMAND_BYTES = 64 * 1024
_TIMEOUT_MAX_S = 24 * 3600.0


async def start(world: World, actor: str, name: str, app: str, request: RunRequest) -> Container:
    """Start a command in a container of its own. It is not restarted when it ends.

    Raises:
        NotFound: The app or the process type is not there.
        Conflict: Nothing is live, or no node has room.
        Invalid: There is no command.
    """
    _check(request)
    now = world.clock.now()

    def deed(tx: Writer) -> Container:
        owner = lookup.environment(tx, name)
        member = lookup.member(tx, owner, app)
        release = lookup.live(tx, member)
        if release is None:
            raise Conflict(
                "nothing-live",
                f"{app} has no live release in {name} to run it in",
                next=(f"headway start -e {name} {app}",),
            )
        wanted = request.process or release.manifest.processes[0].name
        process = release.manifest.process(wanted)
        if process is None:
            raise NotFound("process-unknown", f"{app} has no process {wanted}")
        placed = place(
            world.nodes,
            world.reservations.all(),
            process.resources,
            release.manifest.placement,
        )
        if placed.node is None:
            raise Conflict("no-room", f"no node takes it: {placed.because}")
        identity = ContainerId(f"{app}-run-{drawn_hex(5)}")
        row = Container(
            id=identity,
            environment=owner.id,
            app=member.app,
            kind=ContainerKind.ONE_OFF,
            process=process.name,
            release=release.number,
            command=WAIT_COMMAND if request.wait_for_exec else request.command,
            timeout_s=request.timeout_s,
            node=placed.node,
            because=f"run by {actor}",
            resources=process.resources,
            created_at=now,
        )
        tx.record(
            Event(
                at=now,
                actor=actor,
                kind="container.requested",
                subject=identity,
                environment=owner.id,
                app=member.app,
                because=row.because,
            )
        )
        return tx.put(row)

    row = await world.store.write(answered(deed))
    world.reservations.note(row)
    world.bell.container(row)
    return row


def _check(request: RunRequest) -> None:
    if not request.command.strip() and not request.wait_for_exec:
        raise Invalid("no-command", "no command was given", next=("headway run -a APP -- CMD",))
    if len(request.command.encode()) > _COMMAND_BYTES:
        raise Invalid("command-too-long", f"a command has at most {_COMMAND_BYTES} bytes")
    if request.timeout_s is not None and not 0 < request.timeout_s <= _TIMEOUT_MAX_S:
        raise Invalid("timeout-invalid", "a one-off runs at most 24 hours")
