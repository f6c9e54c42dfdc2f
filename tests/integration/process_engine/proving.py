"""Proves the sandbox of this machine as whoever runs it: `python -m …proving` prints what got out.

With `bare` it tries the attacks in no sandbox at all, to see that they can succeed.
"""

import asyncio
import json
import shutil
import socket
import sys
import tempfile
from pathlib import Path

from headway.engines.process.engine import ProcessEngine
from headway.engines.process.proof import attacks
from headway.engines.process.proof.trial import tried


async def contained() -> dict[str, object]:
    data = Path(tempfile.mkdtemp(prefix="hw-"))
    data.chmod(0o755)
    engine = ProcessEngine(data)
    try:
        await engine.open()
        found = await tried(engine)
        checks = await engine.checks()
        node, *_ = await engine.nodes()
    finally:
        await engine.close(stop=True)
        shutil.rmtree(data, ignore_errors=True)
    told = [[check.name, check.ok, check.detail] for check in checks]
    return {
        "places": found.places,
        "eaten": found.eaten,
        "checks": told,
        "missing": node.limits,
    }


def bare() -> dict[str, str]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        return attacks.run(disk_mib=1, inodes=8, processes=8, port=port, name="headway-nobody")


if __name__ == "__main__":
    result = bare() if sys.argv[1:] == ["bare"] else asyncio.run(contained())
    print(json.dumps(result))
