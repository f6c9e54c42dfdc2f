"""What of the network a run reaches. Tried as a plain user, too."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from headway.engines.process.engine import ProcessEngine
from headway.model.job import JobNetwork, StartMode
from tests import plain_user
from tests.contract.engine.orders import eventually
from tests.integration.process_engine import behind
from tests.integration.process_engine.runs import Trial, job, started

# An agent outlives the engine that started it, on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")

JOBS = """
import os, socket, threading
def answers(port, text="hello"):
    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        line.sendall(text.encode())
        line.shutdown(socket.SHUT_WR)
        found = b""
        while part := line.recv(65536): found += part
        return found.decode()
def much(port, size):
    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        def send():
            line.sendall(bytes(size)); line.shutdown(socket.SHUT_WR)
        sending = threading.Thread(target=send); sending.start()
        found = 0
        while part := line.recv(65536): found += len(part)
        sending.join()
        return found
def many(port):
    lines = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(50)]
    for n, line in enumerate(lines): line.sendall(b"%d" % n); line.shutdown(socket.SHUT_WR)
    return [int(line.recv(64)) for line in lines]
def refused(port, name):
    found = []
    for family, place in ((socket.AF_INET, ("127.0.0.1", port)), (socket.AF_INET, ("1.1.1.1", 53)),
                          (socket.AF_INET6, ("::1", port)), (socket.AF_UNIX, "\\0" + name)):
        with socket.socket(family) as trying:
            trying.settimeout(5)
            try: trying.connect(place); found.append(str(place))
            except OSError as error: pass
    return found
def devices(): return [line.split(":")[0].strip() for line in open("/proc/net/dev")][2:]
def floods(port):
    lines = []
    while len(lines) < 600: lines.append(socket.create_connection(("127.0.0.1", port), timeout=30))
def hangs(port):
    line = socket.create_connection(("127.0.0.1", port), timeout=30)
    os.write(1, b"connected\\n")
    line.recv(1)
"""


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while part := await reader.read(65536):
            writer.write(part)
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()


@pytest.fixture
async def ports() -> AsyncIterator[tuple[int, int]]:
    """Two that listen on the loopback: one that may be reached, and another."""
    servers = [await asyncio.start_server(echo, "127.0.0.1", 0) for _ in range(2)]
    one, two = (server.sockets[0].getsockname()[1] for server in servers)
    yield one, two
    for server in servers:
        server.close()


async def with_jobs(engine: ProcessEngine, data: Path, reach: tuple[int, ...]) -> Trial:
    near = {"network": JobNetwork.DEPENDENCIES}
    names = ("answers", "much", "many", "refused", "devices", "floods", "hangs")
    anew = [
        job(f"{name}-anew", function=f"tasks:{name}", start=StartMode.COLD, **near)
        for name in ("answers", "refused", "devices")
    ]
    command = (
        'python3 -c \'import os, json, sys; sys.path.insert(0, "/app"); import tasks; '
        'print(json.dumps(tasks.answers(**json.load(sys.stdin))), file=os.fdopen(3, "w"))\''
    )
    jobs = [*(job(name, **near) for name in names), *anew, job("shell", command=command, **near)]
    alone = job("alone", function="tasks:answers")
    return await started(engine, data, JOBS, *jobs, alone, reach=reach)


async def test_what_an_app_depends_on_is_reached_and_nothing_else(
    engine: ProcessEngine, data: Path, ports: tuple[int, int]
) -> None:
    near, other = ports
    trial = await with_jobs(engine, data, (near,))
    for name in ("answers", "answers-anew", "shell"):
        assert await trial.value(name, port=near) == "hello", name
    for name in ("refused", "refused-anew"):
        assert await trial.value(name, port=other, name="headway-nobody") == [], name
    for name in ("devices", "devices-anew"):
        assert await trial.value(name) == ["lo"], name
    fact = await trial.run("alone", port=near)
    assert fact.failure.type == "ConnectionRefusedError"


async def test_much_is_carried_both_ways_and_by_many(
    engine: ProcessEngine, data: Path, ports: tuple[int, int]
) -> None:
    near, _ = ports
    trial = await with_jobs(engine, data, (near,))
    assert await trial.value("much", port=near, size=3_000_000) == 3_000_000
    assert await trial.value("many", port=near) == list(range(50))


async def test_what_nobody_listens_at_is_the_end_of_a_connection(
    engine: ProcessEngine, data: Path
) -> None:
    trial = await with_jobs(engine, data, (1,))
    fact = await trial.run("answers", port=1)
    assert (fact.exit.status, fact.failure.type) == (1, "ConnectionResetError")


async def test_connections_end_with_their_run(
    engine: ProcessEngine, data: Path, ports: tuple[int, int]
) -> None:
    near, _ = ports
    trial = await with_jobs(engine, data, (near,))
    task = trial.send("hangs", port=near)
    await trial.began(task)
    shim = behind.processes(data, trial.id)["shim"]

    def carriers() -> int:
        children = Path(f"/proc/{shim}/task/{shim}/children").read_text().split()
        return sum(_is_fork_of(int(child), shim) for child in children)

    await eventually(lambda: carriers() == 1, "its connections are carried")
    trial.line.cancel(task.run, 0.1)
    await trial.ended(task)
    await eventually(lambda: carriers() == 0, "nobody carries any more")
    fact = await trial.run("floods", timeout_s=3, port=near)
    assert fact.exit.status != 0
    assert await trial.value("answers", port=near) == "hello"


async def test_nothing_but_what_listens_can_be_handed_out(
    engine: ProcessEngine, data: Path
) -> None:
    code = (
        "import os, socket\n"
        "from headway_zygote import sandbox\n"
        "def greet(control, reach):\n"
        "  held = socket.socket()\n"
        "  kinds = [os.open('/dev/null', 0), held.fileno(), os.pipe()[0]]\n"
        "  with socket.socket(fileno=os.dup(control)) as line:\n"
        "    socket.send_fds(line, [b'H'], kinds[: max(1, len(reach))])\n"
        "sandbox.greet = greet\n"
        "def runs(): pass\n"
    )
    near = job("near", function="tasks:runs", network=JobNetwork.DEPENDENCIES)
    trial = await started(engine, data, code, job("runs"), near, reach=(1, 2, 3))
    shim = behind.processes(data, trial.id)["shim"]
    fact = await trial.run("near")
    assert (fact.exit.status, fact.failure.type) == (1, "SandboxError")
    assert "something else than what listens" in fact.failure.message
    assert await trial.value("runs") is None
    before = len(os.listdir(f"/proc/{shim}/fd"))
    for name in ("near", "runs") * 3:
        await trial.run(name)
    await eventually(
        lambda: len(os.listdir(f"/proc/{shim}/fd")) <= before + 2, "nothing of it is kept"
    )


def _is_fork_of(pid: int, shim: int) -> bool:
    try:
        return (
            Path(f"/proc/{pid}/cmdline").read_bytes() == Path(f"/proc/{shim}/cmdline").read_bytes()
        )
    except OSError:
        return False


@plain_user.possible
@pytest.mark.skipif(os.geteuid() != 0, reason="the tests above were a plain user's")
@pytest.mark.timeout(plain_user.TRIES_S + 20)
def test_it_is_the_same_for_a_plain_user() -> None:
    plain_user.try_again(__file__, "depends or much")
