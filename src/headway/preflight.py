"""`headway doctor` before `headway up`: what this machine would give a control plane.

`python -m headway.preflight --data DIRECTORY` is what the command line starts; it writes the checks
as JSON. A third composition root: it has an engine for as long as that takes.
"""

import asyncio
import logging
import sys
from pathlib import Path

import click
import msgspec

from headway.api.server import BACKLOG
from headway.builders.jobs import JobsLayer
from headway.control.queries import doctor
from headway.engines.process.brief import brief_data, brief_engine
from headway.machine.listening import PortTaken, listen
from headway.model.view.check import Check
from headway.ports.engine import EngineError
from headway.routers.haproxy.health import program


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True)
@click.option("--host", default="127.0.0.1")
@click.option("--port", default=7070)
@click.option("--bind", default="127.0.0.1")
@click.option("--http-port", default=7080)
@click.option("--allow-host", multiple=True, expose_value=False)
def main(data: Path, host: str, port: int, bind: str, http_port: int) -> None:
    """Look at this machine."""
    logging.disable()  # what is wrong is among the checks
    ports = [_port("api", host, port, "--port"), _port("router", bind, http_port, "--http-port")]
    found = [doctor.disk(data), *ports, *asyncio.run(_engine_and_router())]
    sys.stdout.buffer.write(msgspec.json.encode(found))


async def _engine_and_router() -> list[Check]:
    found = [await program()]
    try:
        with brief_data() as scratch:
            JobsLayer(scratch).publish()
            async with brief_engine(scratch) as engine:
                found += await engine.checks()
    except (EngineError, OSError) as error:
        found.append(Check(name="agent", ok=False, detail=str(error), fix="see what it says"))
    return found


def _port(name: str, host: str, port: int, option: str) -> Check:
    try:
        listen(host, port, option=option, backlog=BACKLOG).close()
    except PortTaken as error:
        fix = f"headway up {option} PORT, or end what has it"
        return Check(name=name, ok=False, detail=str(error), fix=fix)
    return Check(name=name, ok=True, detail=f"{host}:{port} is free")


if __name__ == "__main__":
    main()
