"""What is to be packed: two public traces, read where they lie, and four mixes that are made up."""

import csv
import os
import random
from dataclasses import dataclass
from pathlib import Path

TRACES = Path(os.environ.get("HEADWAY_TRACES", Path(__file__).parents[3] / "shared" / "traces"))
GIB = 1024


@dataclass(frozen=True, slots=True)
class Item:
    """One container: what it asks for, and from when to when it is there, in seconds."""

    needs: tuple[float, ...]
    begin: float = 0.0
    end: float = 0.0


@dataclass(frozen=True, slots=True)
class Load:
    """Items, and the one kind of node that they are packed onto."""

    name: str
    node: tuple[float, ...]
    """Cores and MiB first, then anything else."""
    items: list[Item]


def missing() -> list[str]:
    """Name the files that are not there."""
    names = ("openb_pod_list_default.csv", "disaggregated_DLRM_trace.csv")
    return [str(TRACES / name) for name in names if not (TRACES / name).exists()]


def openb() -> Load:
    """Pods of a production GPU cluster, 2023, on its largest nodes; shares of GPUs are divisible."""
    items = []
    for row in _rows("openb_pod_list_default.csv"):
        gpus = int(row["num_gpu"]) * int(row["gpu_milli"]) / 1000
        needs = (int(row["cpu_milli"]) / 1000, int(row["memory_mib"]), gpus)
        items.append(Item(needs, float(row["creation_time"]), float(row["deletion_time"])))
    return Load("openb", (128, 768 * GIB, 8), items)


def dlrm() -> Load:
    """Instances of recommendation serving without GPUs, 2025; limits per node are left out."""
    rows = [row for row in _rows("disaggregated_DLRM_trace.csv") if row["role"] == "CN"]
    last = max(float(row["deletion_time"] or 0) for row in rows)
    items = [
        Item(
            (
                float(row["cpu_request"]),
                float(row["memory_request"]) * GIB,
                float(row["disk_request"]),
                float(row["rdma_request"]),
            ),
            float(row["creation_time"] or 0),
            float(row["deletion_time"] or last),
        )
        for row in rows
    ]
    return Load("dlrm", (192, 1024 * GIB, 1200, 100), items)


def denser(load: Load, times: float) -> Load:
    """The same with arrivals so many times as dense, each as long as before."""
    items = [
        Item(row.needs, row.begin / times, row.begin / times + row.end - row.begin)
        for row in load.items
    ]
    return Load(f"{load.name}, {times:g}x as dense", load.node, items)


def _rows(name: str) -> list[dict[str, str]]:
    with (TRACES / name).open(newline="") as file:
        return list(csv.DictReader(file))


def mixes(count: int = 2000, seed: int = 1) -> list[Load]:
    """Uniform, correlated, mostly one resource, and sizes as dynos have them."""
    chance = random.Random(seed)
    node = (64.0, 256.0 * GIB)

    def one(cpu: float, memory: float) -> tuple[float, float]:
        return max(0.01, round(cpu * node[0], 3)), max(1, round(memory * node[1]))

    def uniform() -> tuple[float, float]:
        return one(chance.uniform(0.01, 0.5), chance.uniform(0.01, 0.5))

    def correlated() -> tuple[float, float]:
        size = chance.uniform(0.02, 0.5)
        return one(size, min(0.6, size * chance.uniform(0.7, 1.3)))

    def one_hot() -> tuple[float, float]:
        much, little = chance.uniform(0.2, 0.6), chance.uniform(0.01, 0.1)
        return one(much, little) if chance.random() < 0.5 else one(little, much)

    def dyno() -> tuple[float, float]:
        size = 2.0 ** chance.randint(-5, -1)
        return one(size, size)

    made = {"uniform": uniform, "correlated": correlated, "one-hot": one_hot, "dyno sizes": dyno}
    loads = []
    for name, draw in made.items():
        items, now = [], 0.0
        for _ in range(count):
            now += chance.expovariate(1 / 60)
            length = chance.choice((600, 3600, 6 * 3600, 48 * 3600)) * chance.lognormvariate(0, 0.5)
            items.append(Item(draw(), now, now + length))
        loads.append(Load(name, node, items))
    return loads
