"""Why a container failed, as far as it can be told from what was seen."""

import re

from headway.calculate.rollout.draft import Draft
from headway.model.container import Container, ContainerKind, ContainerState
from headway.model.failure import Failure
from headway.model.release import Release

_NOT_FOUND = 127
_NOT_EXECUTABLE = 126
_KILLED = 9
_REFUSED = "connection refused"


def explain_container(draft: Draft, container: Container, release: Release) -> Failure:
    """Say how a container failed, what is likely, and what to run next."""
    name = f"{draft.member.app}/{container.label}"
    environment = draft.environment.name
    nexts = [f"headway logs -e {environment} {container.id}"]
    live = draft.release(draft.member.live)
    if live is not None and _marks(live) != _marks(release):
        nexts.append(
            f"headway config diff -e {environment} -a {draft.member.app} "
            f"{live.label} {release.label}"
        )
    return Failure(
        code=_code(container),
        because=f"{name} ({release.label}) {_because(container)}",
        container=container.id,
        probe=container.probe if not container.is_ended else None,
        exit=container.exit.sentence if container.exit else None,
        hints=tuple(_hints(container)),
        next=tuple(nexts),
    )


def _marks(release: Release) -> dict[str, str]:
    """Give what tells one config from another: equal marks mean equal values."""
    return {key: setting.mark for key, setting in release.config.items()}


_CLUES = (
    (
        re.compile(r"ModuleNotFoundError: No module named '([\w.]+)'"),
        "{} is not installed: add its package to requirements.txt",
    ),
    (
        re.compile(r"Cannot find (?:module|package) '([^./'][^']*)'"),
        "{} is not installed: npm install {}, and commit package-lock.json",
    ),
    (
        re.compile(r"(?:EADDRINUSE|[Aa]ddress already in use)()"),
        "it listens on a port that is taken: listen on $PORT",
    ),
    (
        re.compile(r"(?:EROFS|Read-only file system)()"),
        "an app's files are read-only: write to /tmp, or to a volume",
    ),
    (
        re.compile(r"^(\S+ cannot be started: .+)$", re.MULTILINE),
        "{}",
    ),
    (
        re.compile(r"(?:sh|exec): (?:\d+: )?([^:\s]+): not found"),
        "there is no program {} in the sandbox: is it installed by the build?",
    ),
)


def likely_causes(log: tuple[str, ...]) -> tuple[str, ...]:
    """Say what the last lines of a container tell, for what is seen most.

    >>> likely_causes(("ModuleNotFoundError: No module named 'flask'",))
    ('flask is not installed: add its package to requirements.txt',)
    """
    text = "\n".join(log)
    found = [(clue.search(text), words) for clue, words in _CLUES]
    return tuple(words.replace("{}", match[1]) for match, words in found if match)


def _code(container: Container) -> str:
    if container.kind is ContainerKind.RELEASE:
        return "release-failed"
    return "exited" if container.is_ended else "probe-failed"


def _because(container: Container) -> str:
    if container.is_ended:
        how = container.exit.sentence if container.exit else "its end is unknown"
        if container.kind is ContainerKind.RELEASE:
            return f"ran `{container.command}`, which failed: {how}"
        return f"ended: {how}"
    probe = container.probe
    asked = f": {probe.asked} answered {probe.answer}" if probe else ""
    if container.state is ContainerState.UNHEALTHY:
        return f"became unhealthy{asked}"
    return f"{container.because.removeprefix('it ')}{asked}"


def _hints(container: Container) -> list[str]:
    hints: list[str] = []
    if container.exit is not None:
        if container.exit.oom:
            hints.append("raise resources.max_mem in headway.yaml, or let it use less")
        elif container.exit.status == _NOT_FOUND:
            hints.append("its command was not found: is it installed by the build?")
        elif container.exit.status == _NOT_EXECUTABLE:
            hints.append("its command was found, and could not be started: its last lines say why")
        elif container.exit.signal == _KILLED and not container.exit.reason:
            hints.append("something killed it with SIGKILL: the machine may be short of memory")
        elif container.exit.status == 0 and container.kind is ContainerKind.SERVICE:
            hints.append("a service must keep running: does the command put itself in background?")
            hints.append("what is done and ends is a job: see jobs in headway.yaml")
    if not container.is_ended and container.probe and container.probe.listening:
        ports = ", ".join(container.probe.listening)
        wanted = ", ".join(str(port) for port in container.ports.values())
        hints.append(f"it listens on {ports}, not on port {wanted}: listen on $PORT")
    elif not container.is_ended and container.probe and container.probe.answer == _REFUSED:
        wanted = ", ".join(str(port) for port in container.ports.values())
        hints.append(f"nothing listens on port {wanted}: is it still starting, or not a server?")
    return hints
