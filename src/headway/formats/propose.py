"""A first `headway.yaml`, written from what a directory holds."""

import re
from collections.abc import Mapping

from headway.formats.procfile import parse_procfile
from headway.formats.start_command import find_start_command
from headway.formats.yaml import Mapping as TreeMapping
from headway.formats.yaml import Scalar, Tree, parse_yaml
from headway.model.ids import name_from
from headway.model.value import Value

_COMPOSE = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_EXPOSE = re.compile(r"^\s*EXPOSE\s+(\d+)", re.MULTILINE | re.IGNORECASE)
_CMD = re.compile(r"^\s*(?:CMD|ENTRYPOINT)\s+(.+)$", re.MULTILINE | re.IGNORECASE)


class Proposal(Value, kw_only=True):
    """A manifest, and what it was made from."""

    text: str
    found: tuple[str, ...]
    """What was recognised, in words."""
    notes: tuple[str, ...] = ()
    """What a person should look at."""


def propose(files: Mapping[str, str], directory: str) -> Proposal:
    """Write a manifest for what is in a directory.

    Args:
        files: Names at the top of the directory, with the content of those that are text.
        directory: Its name.
    """
    found: list[str] = []
    notes: list[str] = []
    processes, serves = _processes(files, found, notes)
    lines = [
        "# What headway needs to know of this app. Every key: headway docs, or docs/reference.",
        f"name: {_quoted(name_from(directory) or 'my-app')}",
        "",
    ]
    lines += processes
    if serves:
        lines += [
            "expose:",
            "- name: http            # the command listens on $PORT",
            "  health_check: {type: http, path: /}",
            "",
        ]
    _note_neighbours(files, found, notes)
    lines += [
        "# env: [SESSION_SECRET]   # required; headway config set SESSION_SECRET=…",
        "# resources: {cpu: 0.2, max_mem: 256MiB}",
        "# scale: {web: 2}",
        "# deploy: {strategy: blue_green}",
    ]
    return Proposal(text="\n".join(lines) + "\n", found=tuple(found), notes=tuple(notes))


def _processes(
    files: Mapping[str, str], found: list[str], notes: list[str]
) -> tuple[list[str], bool]:
    """Give the lines that say what runs, and whether something serves."""
    if "Procfile" in files:
        commands = parse_procfile(files["Procfile"]).value or {}
        found.append(f"Procfile ({', '.join(commands)})")
        if "release" in commands:
            notes.append("`release` of the Procfile runs once before a deployment takes traffic")
        return ["# Process types are those of the Procfile.", ""], "web" in commands
    started = find_start_command(files)
    if started is not None:
        command, told_from = started
        found.append(told_from)
        return ["run:", "  type: process", f"  command: {_quoted(command)}", ""], True
    if "Dockerfile" in files:
        found.append("Dockerfile")
        return _from_dockerfile(files["Dockerfile"], notes)
    notes.append("say how it is started, in run.command")
    return ["run:", "  type: process", "  # command: ./serve   # must listen on $PORT", ""], True


def _from_dockerfile(text: str, notes: list[str]) -> tuple[list[str], bool]:
    notes.append("the Dockerfile is not built: headway builds from the files of Python or Node")
    commands = _CMD.findall(text)
    command = _plain(commands[-1]) if commands else ""
    if not command:
        notes.append("the Dockerfile has no CMD: say how it is started, in run.command")
        return [
            "run:",
            "  type: process",
            "  # command: ./serve   # must listen on $PORT",
            "",
        ], True
    if _EXPOSE.search(text):
        notes.append("the Dockerfile exposes a fixed port: make the app listen on $PORT")
    return ["run:", "  type: process", f"  command: {_quoted(command)}", ""], True


def _plain(command: str) -> str:
    """Write the list form of a command as a line."""
    command = command.strip()
    if command.startswith("["):
        return " ".join(re.findall(r'"((?:[^"\\]|\\.)*)"', command))
    return command


def _note_neighbours(files: Mapping[str, str], found: list[str], notes: list[str]) -> None:
    """Tell databases and the like in a compose file, which are apps of their own here."""
    name = next((name for name in _COMPOSE if name in files), None)
    if name is None:
        return
    tree = parse_yaml(files[name]).value
    services = _child(tree, "services")
    if not isinstance(services, TreeMapping):
        return
    found.append(f"{name} ({', '.join(entry.key for entry in services.entries)})")
    for entry in services.entries:
        image = _child(entry.value, "image")
        if isinstance(image, Scalar):
            notes.append(
                f"{entry.key} ({image.text}) is an app of its own here: give it a directory with "
                f"a headway.yaml, then add `dependencies: [{entry.key}]`"
            )


def _child(tree: Tree | None, key: str) -> Tree | None:
    if not isinstance(tree, TreeMapping):
        return None
    return next((entry.value for entry in tree.entries if entry.key == key), None)


def _quoted(text: str) -> str:
    """Write a text so that YAML reads it as it is, and as a text."""
    read = parse_yaml(text).value
    if isinstance(read, Scalar) and (read.kind, read.text) == ("str", text):
        return text
    return "'" + text.replace("'", "''") + "'"
