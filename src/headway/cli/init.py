"""`init`: a first headway.yaml, from what is there."""

from pathlib import Path

import click

from headway.cli.errors import Failed, fail
from headway.formats.headway_yaml import parse_manifest
from headway.formats.propose import propose
from headway.model.manifest import FILE
from headway.model.problem import render_problem

_BYTES_MAX = 1024 * 1024


@click.command()
@click.argument(
    "directory", type=click.Path(path_type=Path, file_okay=False, exists=True), default="."
)
@click.option("--force", is_flag=True, help="Replace a headway.yaml that is there.")
@click.option("--print", "only_print", is_flag=True, help="Only print it.")
def init(directory: Path, force: bool, only_print: bool) -> None:
    """Write a headway.yaml from a Procfile, Dockerfile or compose file.

    Where there is none of these, from what else is found.
    """
    target = directory / FILE
    if target.exists() and not force and not only_print:
        fail(f"{target} is there already", "headway init --force", "headway docs")
        raise Failed
    proposal = propose(_files(directory), directory.resolve().name)
    problems = parse_manifest(
        proposal.text,
        default_name=directory.resolve().name,
        procfile=_files(directory).get("Procfile"),
    ).problems
    if only_print:
        click.echo(proposal.text, nl=False)
        return
    target.write_text(proposal.text)
    found = ", ".join(proposal.found) or "nothing that says how to run it"
    click.echo(f"found {found} → wrote {target} ({len(proposal.text.splitlines())} lines)")
    for note in proposal.notes:
        click.echo(f"  note: {note}")
    for problem in problems:
        click.echo(f"  to do: {render_problem(problem)}")
    click.echo("next: headway start -e dev")


def _files(directory: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted(directory.iterdir())[:1000]:
        found[path.name] = ""
        if path.is_file() and path.stat().st_size <= _BYTES_MAX:
            found[path.name] = path.read_text(errors="replace")
    return found
