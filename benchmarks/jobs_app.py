"""The jobs that benchmarks deploy: each appends when it was asked for, when it began, and its number.

Times are of CLOCK_MONOTONIC, which is the same for every process of the machine.
"""

import os
import struct
import time

from headway.sdk import job

NONE = {"cpu": 0.01, "memory": "64MiB", "timeout": "60s"}


def line(sent: float, number: int, began: float) -> None:
    """Append 24 bytes, whole."""
    out = os.open("/out/lines", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(out, struct.pack("=ddq", sent, began, number))
    os.close(out)


@job(**NONE)
def clean(sent: float = 0.0, number: int = 0) -> None:
    """Begin in a process of its own."""
    line(sent, number, time.monotonic())


@job(**NONE, reuse=1000, concurrency=256)
def reused(sent: float = 0.0, number: int = 0) -> None:
    """Begin in a process that did others before."""
    line(sent, number, time.monotonic())


@job(**NONE, reuse=1000, queue="held")
def held(sent: float = 0.0, number: int = 0) -> None:
    """Wait in a queue that was paused."""
    line(sent, number, time.monotonic())


@job(**NONE, reuse=1000, queue="shared", concurrency=4)
def shared(sent: float = 0.0, number: int = 0) -> None:
    """Take turns with other teams."""
    line(sent, number, time.monotonic())


@job(**NONE, delivery="at_least_once", retries=10)
def slow(sent: float = 0.0, number: int = 0) -> None:
    """Be in flight for long."""
    line(sent, number, time.monotonic())
    time.sleep(30)
