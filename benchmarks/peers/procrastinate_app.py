"""The task in Procrastinate."""

import asyncio
import os
import struct
import sys
import time

from procrastinate import App, PsycopgConnector, SyncPsycopgConnector

BATCH = 500
is_worker = sys.argv[1] == "worker"
url = os.environ["URL"]
app = App(connector=(PsycopgConnector if is_worker else SyncPsycopgConnector)(conninfo=url))
out = os.open(os.environ["OUT"], os.O_WRONLY | os.O_APPEND)


@app.task(name="quick")
def quick(sent, number):
    os.write(out, struct.pack("=ddq", sent, time.monotonic(), number))


async def work(concurrency):
    async with app.open_async():
        if not await app.check_connection_async():
            await app.schema_manager.apply_schema_async()
        await app.run_worker_async(concurrency=concurrency)


def ask():
    while not ready():
        time.sleep(0.1)
    with app.open():
        for line in sys.stdin:
            what, count = line.split()[0], int(line.split()[1])
            at = time.monotonic()
            if what == "latency":
                for number in range(count):
                    time.sleep(0.04)
                    quick.defer(sent=time.monotonic(), number=number)
            else:
                for first in range(0, count, BATCH):
                    sent = time.monotonic()
                    numbers = range(first, min(count, first + BATCH))
                    quick.batch_defer(*({"sent": sent, "number": number} for number in numbers))
            print(count / (time.monotonic() - at), flush=True)


def ready():
    with app.open():
        return app.check_connection()


if is_worker:
    asyncio.run(work(int(sys.argv[2])))
else:
    ask()
