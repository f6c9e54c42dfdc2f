"""`headway run --local`: one run of a job of a directory, in a sandbox, without a control plane.

`python -m headway.local_run DIRECTORY JOB PARAMETERS` is what the command line starts. A second
composition root: it has an engine for as long as the run takes. The job's log goes to standard
error, its result to standard output.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any, NamedTuple

import click
import msgspec

from headway.builders.jobs import PLACE, JobsLayer, untrusted
from headway.engines.process.brief import brief_data, brief_engine
from headway.engines.process.engine import ProcessEngine
from headway.formats.headway_yaml import parse_manifest
from headway.machine.candidates import is_src_layout
from headway.machine.processes import SYSTEM_PATH
from headway.model.build import Mount
from headway.model.container import ContainerKind, Exit
from headway.model.ids import AppName, ContainerId, name_from
from headway.model.job import Job, JobNetwork
from headway.model.manifest import FILE
from headway.model.order import Network, Order
from headway.model.problem import Problem, render_problem
from headway.model.progress import progress_of
from headway.model.run import RunFailure
from headway.ports.engine import EngineError

_ANSWERS = "/answer"
_ANSWER = "run.json"
_WITH_INPUT = (
    'printf %s "$HEADWAY_PARAMETERS" > /tmp/.parameters && exec /bin/sh -c "$0" < /tmp/.parameters'
)
"""Gives a command its parameters on standard input."""
_SEARCH_S = 120.0
_INTERRUPTED = 130


class _Found(msgspec.Struct):
    jobs: tuple[Job, ...] = ()
    problems: tuple[Problem, ...] = ()
    refused: tuple[str, ...] = ()


class _Answer(msgspec.Struct):
    result: Any = None
    failure: RunFailure | None = None


class Python(NamedTuple):
    """An interpreter as a sandbox sees it."""

    program: str
    mounts: tuple[Mount, ...] = ()


class Refused(Exception):
    """The run cannot begin; the text says why."""


class LocalRun:
    """One run, and what it is run with."""

    def __init__(self, directory: Path, data: Path, engine: ProcessEngine) -> None:
        self._directory = directory
        self._engine = engine
        self._data = data
        self._layer = JobsLayer(data)
        self._layer.publish()
        self._python = python_of(directory)
        self.app, self._config, self._commands = _manifest(directory)
        self._running: ContainerId | None = None
        self._grace_s = 10.0
        self._stopping: asyncio.Future[None] | None = None
        self.interrupted = False

    async def run(self, name: str, parameters: str) -> int:
        """Find the job, check its parameters, run it and show what came of it.

        Raises:
            Refused: There is no such job, or it does not take these parameters.
        """
        command = next((job for job in self._commands if job.name == name), None)
        job = command or await self._find(name, parameters)
        order = self._of_command(job, parameters) if command else self._of_function(job, parameters)
        self._grace_s = job.grace_s
        network = Network.NONE if job.network is JobNetwork.NONE else Network.HOST
        order = msgspec.structs.replace(
            order, resources=job.resources, network=network, stop_grace_s=job.grace_s
        )
        ended = await self._to_the_end(order, show=True)
        return self._show_command(ended) if command else self._show(ended)

    def _of_function(self, job: Job, parameters: str) -> Order:
        words = ("-m", "headway.sdk.once", job.function, parameters, f"{_ANSWERS}/{_ANSWER}")
        return self._order("run", words, job.timeout_s)

    def _of_command(self, job: Job, parameters: str) -> Order:
        from headway.formats.parameters import parameter_problems

        if problems := parameter_problems(job.parameters, parameters.encode()):
            raise Refused("; ".join(problems))
        order = self._order("run", (), job.timeout_s)
        variables = {
            **order.variables,
            "HEADWAY_PARAMETERS": parameters,
            "HEADWAY_RESULT": f"{_ANSWERS}/{_ANSWER}",
        }
        argv = ("/bin/sh", "-c", _WITH_INPUT, job.command)
        return msgspec.structs.replace(order, argv=argv, variables=variables)

    def interrupt(self) -> None:
        """Have the run end, as a cancelled one does; a second time, at once."""
        grace_s = 0.0 if self.interrupted else self._grace_s
        self.interrupted = True
        if self._running is not None:
            self._stopping = asyncio.ensure_future(self._engine.stop(self._running, grace_s))

    async def _find(self, name: str, parameters: str) -> Job:
        out = f"{_ANSWERS}/found.json"
        asked = ("--job", name, "--parameters", parameters)
        words = ("-m", "headway.sdk.discover", ".", "--out", out, *asked)
        order = self._order("search", words, _SEARCH_S)
        ended = await self._to_the_end(order, show=False)
        try:
            found = msgspec.json.decode(self._answer("found.json"), type=_Found)
        except (OSError, msgspec.DecodeError):
            async for line in self._engine.logs(order.id, tail=30):
                click.echo(line.text, err=True)
            raise Refused(f"the search for jobs failed: {ended.sentence}") from None
        for problem in found.problems:
            click.echo(f"  {render_problem(problem)}", err=True)
        if found.refused:
            raise Refused("; ".join(found.refused))
        return next(job for job in found.jobs if job.name == name)

    def _order(self, step: str, words: tuple[str, ...], timeout_s: float) -> Order:
        src = "/app/src:" if is_src_layout(self._directory) else ""
        folder = str(Path(self._python.program).parent)
        variables = {
            **self._config,
            "PATH": f"{folder}:{SYSTEM_PATH}",
            "PYTHONPATH": f"{src}{PLACE}",
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "HEADWAY_APP": self.app,
            "HEADWAY_ENVIRONMENT": "local",
            "HEADWAY_RUN": "local",
            "HEADWAY_ATTEMPT": "1",
        }
        answers = str(self._data / _ANSWERS.strip("/"))
        return Order(
            id=ContainerId(f"local-{step}"),
            kind=ContainerKind.ONE_OFF,
            app=self.app,
            name=f"local/{self.app}",
            argv=(self._python.program, *words),
            variables=variables,
            mounts=(
                *self._python.mounts,
                Mount(source=str(self._directory), path="/app"),
                Mount(source=str(self._layer.path), path=PLACE),
                Mount(source=answers, path=_ANSWERS, writable=True),
            ),
            network=Network.NONE,
            timeout_s=timeout_s,
            stop_grace_s=self._grace_s,
        )

    async def _to_the_end(self, order: Order, *, show: bool) -> Exit:
        if self.interrupted:
            raise Refused("it was interrupted before it began")
        node = (await self._engine.nodes())[0].id
        self._running = order.id
        await self._engine.start(order, node)
        async for line in self._engine.logs(order.id, follow=True):
            if show:
                click.echo(_shown(line.text), err=True, nl=not line.partial)
        async for heard in self._engine.observe():
            for fact in heard.facts:
                if fact.id == order.id and fact.exit is not None:
                    self._running = None
                    return fact.exit
        raise AssertionError("an engine's facts end only with an error")

    def _show(self, ended: Exit) -> int:
        try:
            answer = msgspec.json.decode(self._answer(_ANSWER), type=_Answer)
        except (OSError, msgspec.DecodeError):
            click.echo(f"✗ it ended without a result: {ended.sentence}", err=True)
            return 1
        if answer.failure is not None:
            failure = answer.failure
            if ended.reason:  # it ended as it did because of this
                click.echo(f"✗ {ended.reason}", err=True)
            said = failure.traceback.rstrip() or f"{failure.type}: {failure.message}"
            click.echo(said if ended.reason else f"✗ {said}", err=True)
            return 1
        _show_result(answer.result)
        return 0

    def _show_command(self, ended: Exit) -> int:
        if ended.status != 0 or ended.reason:
            click.echo(f"✗ {ended.sentence}", err=True)
            return 1
        try:
            _show_result(msgspec.json.decode(self._answer(_ANSWER)))
        except FileNotFoundError:
            return 0
        except (OSError, msgspec.DecodeError) as error:
            click.echo(f"✗ its result cannot be used: {error}", err=True)
            return 1
        return 0

    def _answer(self, name: str) -> bytes:
        return untrusted(self._data / _ANSWERS.strip("/") / name)


def _show_result(result: Any) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(result), indent=2))


def python_of(directory: Path) -> Python:
    """Give the interpreter of a directory's `.venv`, else the one that runs this."""
    venv = directory / ".venv"
    if (venv / "pyvenv.cfg").is_file():
        return Python("/app/.venv/bin/python", _outside(_base(venv)))
    prefix = Path(sys.prefix)
    return Python(sys.executable, _outside(prefix) if sys.prefix != sys.base_prefix else ())


def _base(venv: Path) -> Path:
    """Give the installation that an environment was made of."""
    for line in (venv / "pyvenv.cfg").read_text().splitlines():
        key, _, value = line.partition("=")
        if key.strip() == "home":
            return Path(value.strip()).parent
    return Path("/usr")


def _outside(prefix: Path) -> tuple[Mount, ...]:
    """Show a directory, under each of its names, unless sandboxes see it anyway."""
    places = dict.fromkeys((str(prefix), str(prefix.resolve())))
    return tuple(
        Mount(source=place, path=place)
        for place in places
        if place != "/" and not f"{place}/".startswith("/usr/")
    )


def _manifest(directory: Path) -> tuple[AppName, dict[str, str], tuple[Job, ...]]:
    """Give the app's name, the config that its manifest names as it is set here, and its jobs."""
    fallback = name_from(directory.name) or "app"
    try:
        text = (directory / FILE).read_text()
    except OSError:
        return AppName(fallback), {}, ()
    parsed = parse_manifest(text, default_name=fallback)
    if parsed.value is None or parsed.problems:
        raise Refused("; ".join(render_problem(problem) for problem in parsed.problems))
    manifest = parsed.value
    config = {key: os.environ.get(key, default) for key, default in manifest.env.items()}
    given = {key: value for key, value in config.items() if value is not None}
    return manifest.name, given, manifest.jobs


def _shown(text: str) -> str:
    said = progress_of(text)
    return f"{said['percent']:3.0f} % {said['text']}".rstrip() if said else text


async def _run(directory: Path, data: Path, name: str, parameters: str) -> int:
    async with brief_engine(data) as engine:
        local = LocalRun(directory, data, engine)
        await engine.hand_over(data / _ANSWERS.strip("/"), f"build/{local.app}")
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, local.interrupt)
        status = await local.run(name, parameters)
        return _INTERRUPTED if local.interrupted else status


def main(directory: str, job: str, parameters: str) -> int:
    """Run a job once; gives the exit status."""
    try:
        with brief_data() as data:
            (data / _ANSWERS.strip("/")).mkdir(mode=0o700)
            return asyncio.run(_run(Path(directory), data, job, parameters))
    except (Refused, EngineError) as error:
        click.echo(f"✗ {error}", err=True)
        return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
