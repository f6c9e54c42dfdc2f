"""The task in Celery: acknowledged early, and late with its result kept."""

import os
import struct
import sys
import time

from celery import Celery

app = Celery("celery_app", broker=os.environ["URL"], backend=os.environ["URL"])
app.conf.update(task_ignore_result=True, broker_connection_retry_on_startup=True)
out = os.open(os.environ["OUT"], os.O_WRONLY | os.O_APPEND)


@app.task(name="quick")
def quick(sent, number):
    os.write(out, struct.pack("=ddq", sent, time.monotonic(), number))


@app.task(name="kept", acks_late=True, reject_on_worker_lost=True, ignore_result=False)
def kept(sent, number):
    os.write(out, struct.pack("=ddq", sent, time.monotonic(), number))


def main():
    for line in sys.stdin:
        what, count = line.split()
        at = time.monotonic()
        for number in range(int(count)):
            if what == "latency":
                time.sleep(0.04)
                quick.delay(time.monotonic(), number)
            else:
                kept.delay(time.monotonic(), number)
        print(int(count) / (time.monotonic() - at), flush=True)


if __name__ == "__main__":
    main()
