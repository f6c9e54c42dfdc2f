"""`up` and `down`: the control plane of this machine."""

import os
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import click
import msgspec

from headway import __version__
from headway.cli import render
from headway.cli.errors import INTERRUPTED, Failed, end_as_by_ctrl_c, fail
from headway.cli.left_running import end, left_running
from headway.cli.options import Duration
from headway.formats.units import render_duration
from headway.machine.files import write_whole
from headway.machine.processes import birth
from headway.sdk import Client
from headway.sdk.local import data_directory, running
from headway.sdk.sessions import pages_address

_SERVE = (sys.executable, "-P", "-m", "headway.serve")
"""Modules of the directory it is started in are not headway's: an app may have a `token.py`."""
_LISTENING = "listen.json"
_PORT = click.IntRange(1, 65_535)
_STOP_S = 30.0
_LOG_LINES, _LOG_BYTES = 10, 16_384
"""How much of its log is shown when it is given up."""


class _Listening(msgspec.Struct, frozen=True, kw_only=True):
    """Where this installation listens: apps keep their addresses when it is started again."""

    host: str = "127.0.0.1"
    port: int = 7070
    bind: str = "127.0.0.1"
    http_port: int = 7080
    hosts: tuple[str, ...] = ()

    @property
    def words(self) -> list[str]:
        """The options of the control plane."""
        words = ["--host", self.host, "--port", str(self.port)]
        words += ["--bind", self.bind, "--http-port", str(self.http_port)]
        for name in self.hosts:
            words += ["--allow-host", name]
        return words


def last_time(data: Path) -> _Listening:
    """Give where this installation listened when it was last up."""
    try:
        return msgspec.json.decode((data / _LISTENING).read_bytes(), type=_Listening)
    except (OSError, msgspec.DecodeError):
        return _Listening()


@click.command()
@click.option("-d", "--detach", is_flag=True, help="Run in the background.")
@click.option("--data", type=click.Path(path_type=Path), help="The data directory.")
@click.option("--host", help="Where the API listens. Default: as last time, else 127.0.0.1.")
@click.option("--port", type=_PORT, help="The API's port. Default: as last time, else 7070.")
@click.option("--bind", help="Where the router listens. Default: as last time, else 127.0.0.1.")
@click.option(
    "--http-port", type=_PORT, help="The router's port. Default: as last time, else 7080."
)
@click.option(
    "--nodes",
    type=click.IntRange(1, 16),
    help="How many nodes this machine is, to try things on. Default: as last time, else 1.",
)
@click.option(
    "--lend",
    type=click.IntRange(0, 90),
    metavar="PERCENT",
    help="How much of this machine is kept for nodes that pools ask for. Default: as last time, "
    "else none.",
)
@click.option("--allow-host", multiple=True, help="A name under which the API may be asked.")
@click.option(
    "--within",
    type=Duration(),
    default="30s",
    show_default=True,
    help="How long it may take to answer before it is given up, and ended.",
)
def up(
    detach: bool,
    data: Path | None,
    host: str | None,
    port: int | None,
    bind: str | None,
    http_port: int | None,
    nodes: int | None,
    lend: int | None,
    allow_host: tuple[str, ...],
    within: float,
) -> None:
    """Run headway on this machine.

    Everything it keeps is in the data directory. Containers outlive it: `headway up` again takes
    over what runs.
    """
    place = (data or data_directory()).absolute()
    last = last_time(place)
    listening = _Listening(
        host=host or last.host,
        port=last.port if port is None else port,
        bind=bind or last.bind,
        http_port=last.http_port if http_port is None else http_port,
        hosts=allow_host or last.hosts,
    )
    wanted = ["--nodes", str(nodes)] if nodes else []
    wanted += [] if lend is None else ["--lend", str(lend)]
    _refuse_another(place, wanted)
    place.mkdir(mode=0o711, parents=True, exist_ok=True)
    log = place / "headway.log"
    said_before = log.stat().st_size if log.exists() else 0
    end_as_by_ctrl_c()
    process = _begin(["--data", str(place), *listening.words, *wanted], log, detach=detach)
    tried = _await_answer(process, place, within)
    if tried:
        _stop(process)
        told = f"headway was ended, as after {render_duration(within)} {tried}"
        lines = _last_lines(log, said_before)
        fail("\n".join((told, *lines)), _with_more_time(within), "headway doctor", f"less {log}")
        raise Failed
    write_whole(place / _LISTENING, msgspec.json.encode(listening))
    _say_where(place, listening)
    if detach:
        click.echo("next: headway init · headway start -e dev · headway down")
        return
    click.echo("  Ctrl-C stops it; containers go on until `headway down`")
    _stay(process)


def _refuse_another(data: Path, wanted: list[str]) -> None:
    """Refuse to start a second one; what is wanted of nodes is told as what the first can be."""
    found = running(data)
    if found is None:
        return
    told = f"headway runs already: {found[0]} (pid {found[1]}, data {data})"
    again = (f"headway down && headway up -d {' '.join(wanted)}",) if wanted else ()
    fail(told, "headway status", *again)
    raise Failed


def _begin(words: list[str], log: Path, *, detach: bool) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [*_SERVE, "up", *words, "--log-file", str(log)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL if detach else None,
        stderr=subprocess.PIPE if detach else None,
        start_new_session=True,
        env={**os.environ, "HEADWAY_DATA": str(log.parent)},
    )


def _say_where(data: Path, listening: _Listening) -> None:
    click.echo(f"headway {__version__} · data {data} · engine process · router HAProxy")
    click.echo(f"  api     http://{listening.host}:{listening.port}")
    click.echo(f"  pages   {_pages(data)}")
    click.echo(f"  apps    http://APP.ENVIRONMENT.localhost:{listening.http_port}")


def _pages(data: Path) -> str:
    """Say where the pages are; a person is given a link that signs in, and a journal is not."""
    found = running(data)
    url, secret = found[0] if found else "", (data / "token").read_text().strip()
    if not sys.stdout.isatty():
        return f"{pages_address(url)} (headway dashboard signs a browser in)"
    with Client(url, secret) as client:
        link = client.sessions.link()
    return f"{pages_address(url)}{link.path}  (good once, for 15 minutes)"


def _await_answer(process: "subprocess.Popen[bytes]", data: Path, within_s: float) -> str:
    """Wait until it answers; gives what was tried to the last where it does not in time."""
    try:
        return _poll(process, data, within_s)
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        fail("interrupted; agent and router may run already", "headway up · headway down")
        raise Failed(INTERRUPTED) from None


def _poll(process: "subprocess.Popen[bytes]", data: Path, within_s: float) -> str:
    ends_at = time.monotonic() + within_s
    tried = "it had not begun to listen"
    while time.monotonic() < ends_at:
        found = running(data)
        if found is not None and found[1] == process.pid:
            if _answers(found[0]):
                return ""
            tried = f"{found[0]}/healthz did not answer"
        if process.poll() is not None:
            if process.stderr is not None:
                click.echo(process.stderr.read().decode(errors="replace").rstrip(), err=True)
            raise Failed
        time.sleep(0.05)
    return tried


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _with_more_time(within_s: float) -> str:
    """Give the command that was typed, with four times as long."""
    words = sys.argv[1:]
    if "--within" in words:
        at = words.index("--within")
        del words[at : at + 2]
    words = [word for word in words if not word.startswith("--within=")]
    return shlex.join(("headway", *words, "--within", render_duration(within_s * 4)))


def _last_lines(log: Path, behind: int) -> list[str]:
    """Give the last lines of its log that this start has written."""
    try:
        with log.open("rb") as file:
            file.seek(max(behind, log.stat().st_size - _LOG_BYTES))
            lines = file.read().decode(errors="replace").splitlines()[-_LOG_LINES:]
    except OSError as error:
        return [f"  (its log could not be read: {error})"]
    return [f"  {render.safe(line)}" for line in lines] or ["  (it wrote nothing to its log)"]


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=2) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except OSError:
        return False


def _stay(process: "subprocess.Popen[bytes]") -> None:
    """Wait for the control plane, which ends when this process is told to end."""
    try:
        status = process.wait()
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        click.echo("\nstopped; containers go on. next: headway up · headway down")
        return
    if status:
        raise Failed


@click.command()
@click.option("--data", type=click.Path(path_type=Path), help="The data directory.")
@click.option("--keep", is_flag=True, help="Leave containers and router running.")
def down(data: Path | None, keep: bool) -> None:
    """Stop headway and everything it runs on this machine.

    What it knows stays: `headway up` starts all of it again.
    """
    place = (data or data_directory()).absolute()
    there = left_running(place)
    if not (place.exists() or there):
        click.echo(f"there is nothing to stop: {place} does not exist")
        return
    found = running(place)
    planes = [found[1]] if found else [row.pid for row in there if row.is_plane]
    for pid in planes:
        _end(pid)
        click.echo(f"stopped the control plane (pid {pid})")
    if place.exists() and not keep:
        done = subprocess.run([*_SERVE, "clear", "--data", str(place)], check=False)
        if done.returncode:
            raise Failed
    if not keep:
        _end_left(place)
    click.echo("next: headway up")


def _end_left(data: Path) -> None:
    """End what the data directory does not tell of any more: it was deleted while headway ran."""
    rows = left_running(data)
    if not rows:
        return
    stay = end(rows)
    told = [f"{row.name} (pid {row.pid})" for row in rows if row not in stay]
    if told:
        click.echo(f"ended what {data} tells of no more: {', '.join(told)}")
    if stay:
        told = [f"{row.name} (pid {row.pid})" for row in stay]
        words = "goes on, and may be another user's" if len(told) == 1 else "go on"
        fail(f"{', '.join(told)} {words}", "headway down, as the user who started headway")
        raise Failed


def _end(pid: int) -> None:
    begun = birth(pid)
    os.kill(pid, signal.SIGTERM)
    ends_at = time.monotonic() + _STOP_S
    while begun is not None and birth(pid) == begun:
        if time.monotonic() > ends_at:
            os.kill(pid, signal.SIGKILL)
            return
        time.sleep(0.05)
