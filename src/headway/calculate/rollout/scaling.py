"""Whether the copies that are asked for can be."""

from collections.abc import Mapping

from headway.model.manifest import Manifest

_COPIES_MAX = 1000


def scale_problems(manifest: Manifest, scale: Mapping[str, int]) -> tuple[str, ...]:
    """Say what is wrong with numbers of copies for an app as it is.

    >>> from headway.model.ids import AppName
    >>> scale_problems(Manifest(name=AppName("shop"), processes=()), {"web": 2})
    ('shop has no process web: it has none',)
    """
    problems: list[str] = []
    for name, count in scale.items():
        process = manifest.process(name)
        if process is None:
            known = ", ".join(other.name for other in manifest.processes) or "none"
            problems.append(f"{manifest.name} has no process {name}: it has {known}")
        elif process.daemon:
            problems.append(f"{name} is a daemon: one on each node, whatever the scale")
        elif not 0 <= count <= _COPIES_MAX:
            problems.append(f"{name}={count}: from 0 to {_COPIES_MAX} copies")
    return tuple(problems)
