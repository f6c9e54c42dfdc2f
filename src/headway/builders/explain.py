"""Why a build failed, as far as its last lines tell."""

from headway.model.build import Build
from headway.model.container import Exit
from headway.model.failure import Failure

_CLUES = (
    ("No matching distribution found", "a package or version in requirements.txt does not exist"),
    ("Temporary failure in name resolution", "the machine cannot reach the package registry"),
    ("Failed to establish a new connection", "the machine cannot reach the package registry"),
    ("EAI_AGAIN", "the machine cannot reach the package registry"),
    ("can only install packages when your package.json", "commit a new package-lock.json"),
    ("File too large", "a file is larger than all may be: raise build.resources.disk"),
    ("No space left on device", "raise build.resources.disk in headway.yaml"),
    ("command not found", "a program that the build runs is not on this machine"),
    (": not found", "a program that the build runs is not on this machine"),
    ("JavaScript heap out of memory", "raise build.resources.max_mem in headway.yaml"),
)


def failed(build: Build, over: Exit, lines: tuple[str, ...]) -> Failure:
    """Explain how a build's container ended."""
    text = "\n".join(lines)
    hints = list(dict.fromkeys(hint for clue, hint in _CLUES if clue in text))
    code = "build-failed"
    if over.oom:
        hints.insert(0, "raise build.resources.max_mem in headway.yaml")
    elif over.reason.startswith("time limit"):
        code = "build-timeout"
        hints.insert(0, "raise build.timeout in headway.yaml, or make the build shorter")
    return Failure(
        code=code,
        because=f"the build of {build.app} failed: {over.sentence}",
        container=build.container,
        exit=over.sentence,
        log=lines,
        hints=tuple(hints),
        next=(f"headway logs --build {build.id}",),
    )
