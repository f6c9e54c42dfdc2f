"""What cannot be of all that an app exposes: each part may be right by itself."""

from collections.abc import Iterable, Sequence
from typing import Any

from headway.model.manifest import BESIDE


def expose_problems(
    processes: Iterable[dict[str, Any]], deploy: dict[str, Any]
) -> Iterable[tuple[str, str, str]]:
    """Give what is wrong: where, what, and a hint."""
    names: set[str] = set()
    for process in processes:
        exposes = process.get("expose", ())
        yield from _host_port_problems(exposes, deploy.get("strategy", "rolling"))
        for name in (expose.get("name", "") for expose in exposes):
            if name and name in names:  # addresses are made of them
                yield "expose", f"two exposed ports are named {name!r}", ""
            names.add(name)


def _host_port_problems(
    exposes: Sequence[dict[str, Any]], strategy: str
) -> Iterable[tuple[str, str, str]]:
    ports = [expose["host_port"] for expose in exposes if "host_port" in expose]
    for port in sorted({port for port in ports if ports.count(port) > 1}):
        yield "expose", f"one copy cannot have port {port} twice", ""
    if ports and strategy in BESIDE:
        what = f"{strategy} runs two releases beside each other, and one machine has port"
        yield "deploy.strategy", f"{what} {ports[0]} once", "rolling or recreate"
