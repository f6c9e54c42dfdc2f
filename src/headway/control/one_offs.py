"""One-off containers: a command run once in the live release of an app."""

from functools import partial

from headway.calculate.demand import of_command
from headway.control import lookup
from headway.control.errors import Conflict, Invalid, NotFound
from headway.control.idempotency import answered
from headway.control.orders import WAIT_COMMAND
from headway.control.requests import RunRequest
from headway.control.subjects import event_of
from headway.control.world import World
from headway.machine.chance import drawn_hex
from headway.model.container import Container, ContainerKind
from headway.model.ids import ContainerId
from headway.model.manifest import Process
from headway.model.release import Release
from headway.ports.store import Reader, Writer

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
    release, process = await world.store.read(partial(_found, name=name, app=app, request=request))
    now = world.clock.now()
    demand = world.where_leased(of_command(release, process), release.environment)
    placed = world.fleet.place(demand, now)
    if placed.node is None:
        raise Conflict("no-room", f"no node takes it: {placed.because}")
    row = Container(
        id=ContainerId(f"{app}-run-{drawn_hex(5)}"),
        environment=release.environment,
        app=release.app,
        kind=ContainerKind.ONE_OFF,
        process=process.name,
        release=release.number,
        command=WAIT_COMMAND if request.wait_for_exec else request.command,
        timeout_s=request.timeout_s,
        node=placed.node,
        because=f"run by {actor}; on {placed.node}: {placed.because}",
        resources=demand.resources,
        demand=demand,
        created_at=now,
    )
    world.note(row)  # before it is written down, so that nothing else is placed there meanwhile
    deed = partial(_put, row=row, actor=actor, name=name)
    try:
        row = await world.store.write(answered(deed))
    except BaseException:
        world.give_up(row)
        raise
    world.bell.container(row)
    return row


def _found(reader: Reader, name: str, app: str, request: RunRequest) -> tuple[Release, Process]:
    owner = lookup.environment(reader, name)
    member = lookup.member(reader, owner, app)
    release = lookup.live(reader, member)
    if release is None:
        raise Conflict(
            "nothing-live",
            f"{app} has no live release in {name} to run it in",
            next=(f"headway start -e {name} {app}",),
        )
    if not release.manifest.processes:
        raise Conflict(
            "only-jobs",
            f"{app} has jobs only, and no process whose resources a command would get",
            next=(f"headway jobs ls -e {name}",),
        )
    wanted = request.process or release.manifest.processes[0].name
    process = release.manifest.process(wanted)
    if process is None:
        raise NotFound("process-unknown", f"{app} has no process {wanted}")
    return release, process


def _put(tx: Writer, row: Container, actor: str, name: str) -> Container:
    lookup.environment(tx, name)  # it may have ended meanwhile
    tx.record(event_of(row, "container.requested", row.created_at, row.because, actor))
    return tx.put(row)


def _check(request: RunRequest) -> None:
    if not request.command.strip() and not request.wait_for_exec:
        raise Invalid("no-command", "no command was given", next=("headway run -a APP -- CMD",))
    if len(request.command.encode()) > _COMMAND_BYTES:
        raise Invalid("command-too-long", f"a command has at most {_COMMAND_BYTES} bytes")
    if request.timeout_s is not None and not 0 < request.timeout_s <= _TIMEOUT_MAX_S:
        raise Invalid("timeout-invalid", "a one-off runs at most 24 hours")
