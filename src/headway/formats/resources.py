"""Makes resources of values that are right one by one."""

from typing import Any

from headway.model.resources import MIB, Resources


def resources_of(raw: dict[str, Any], default: Resources) -> Resources:
    """Fill what is not given with the default."""
    memory = raw.get("max_mem", raw.get("memory"))
    return Resources(
        cpu=raw.get("cpu", default.cpu),
        memory_mib=round(memory / MIB) if memory is not None else default.memory_mib,
        gpus=raw.get("gpus", default.gpus),
        custom=raw.get("custom", default.custom),
        processes=raw.get("processes", default.processes),
        open_files=raw.get("open_files", default.open_files),
        disk_mib=round(raw["disk"] / MIB) if "disk" in raw else default.disk_mib,
        disk_reserved_mib=(
            round(raw["disk"] / MIB) if "disk" in raw else default.disk_reserved_mib
        ),
        log_mib=round(raw["log"] / MIB) if "log" in raw else default.log_mib,
    )
