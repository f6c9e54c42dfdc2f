"""`headway.yaml`: text in, a `Manifest` and everything wrong with it out."""

from typing import Any

import msgspec

from headway.formats.cron import parse_cron, timezone_problem
from headway.formats.exposes import expose_problems
from headway.formats.fan_in import fanned_in
from headway.formats.floors import floor_of, floor_problems
from headway.formats.gang_troubles import gang_troubles
from headway.formats.job_troubles import job_troubles
from headway.formats.jobs import jobs_of, queues_of, schedules_of
from headway.formats.manifest_schema import MANIFEST
from headway.formats.placement import apart_from_itself, contradiction, placement_of
from headway.formats.procfile import parse_procfile
from headway.formats.resources import resources_of
from headway.formats.schema import MISSING, Reading
from headway.formats.yaml import Place, parse_yaml
from headway.model.ids import AppName, name_from
from headway.model.job import Job
from headway.model.manifest import (
    FILE,
    BuildSpec,
    Canary,
    CanaryStep,
    CheckType,
    Deploy,
    Expose,
    HealthCheck,
    Judgement,
    Manifest,
    Process,
    Protocol,
    RunType,
    Strategy,
    Volume,
)
from headway.model.placement import Placement
from headway.model.problem import Parsed, Problem, in_file
from headway.model.schedule import Schedule

_RESERVED_PATHS = ("/app", "/proc", "/sys", "/dev", "/tmp", "/etc", "/usr", "/layers")  # noqa: S108
_TOP = Place(1, 1)
_RELEASE = "release"
"""In a Procfile: what runs once before a deployment takes traffic, as on Heroku."""


def parse_manifest(
    text: str,
    *,
    file: str = FILE,
    default_name: str | None = None,
    procfile: str | None = None,
) -> Parsed[Manifest]:
    """Read a manifest. Every mistake is reported at once, each with its place.

    Args:
        text: The file's content.
        file: How problems name the file.
        default_name: The app's name where the file gives none, made fit to be one.
        procfile: The content of the Procfile beside it, for process types the file leaves open.
    """
    tree = parse_yaml(text)
    if tree.value is None:
        return Parsed(None, in_file(tree.problems, file))
    reading = Reading(list(tree.problems))
    raw = MANIFEST.read(tree.value, "", reading)
    if raw is MISSING:
        return Parsed(None, in_file(reading.problems, file))
    commands: dict[str, str] = {}
    problems: tuple[Problem, ...] = ()
    if procfile is not None:
        parsed = parse_procfile(procfile)
        commands = parsed.value or {}
        problems = in_file(parsed.problems, "Procfile")
    manifest = _Builder(raw, reading, commands, default_name).build()
    problems = (*in_file(reading.problems, file), *problems)
    return Parsed(None if problems else manifest, problems)


class _Builder:
    """Makes the manifest of values that are right one by one, and checks them together."""

    def __init__(
        self,
        raw: dict[str, Any],
        reading: Reading,
        commands: dict[str, str],
        default_name: str | None,
    ) -> None:
        self._raw = raw
        self._reading = reading
        self._commands = commands
        self._default_name = default_name

    def build(self) -> Manifest:
        raw = self._raw
        volumes = self._volumes()
        return Manifest(
            name=AppName(self._name()),
            run=RunType(raw.get("run", {}).get("type", "process")),
            build=self._build_spec(),
            processes=self._processes(),
            env=self._env(),
            external_hosts=self._hosts(),
            dependencies=self._dependencies(),
            release_command=self._release().get("command"),
            release_timeout_s=self._release().get("timeout", 600.0),
            deploy=self._deploy(volumes),
            volumes=volumes,
            placement=self._placement(),
            team=raw.get("team"),
            shepherds=tuple(raw.get("shepherds", ())),
            jobs=self._jobs(),
            schedules=self._schedules(),
            queues=queues_of(raw.get("queues", {})),
        )

    def _place(self, path: str) -> Place:
        return self._reading.places.get(path, _TOP)

    def _name(self) -> str:
        if "name" in self._raw:
            return str(self._raw["name"])
        name = name_from(self._default_name or "")
        if name is None and "name" not in self._reading.places:
            self._reading.wrong(_TOP, "the app has no name", "add `name: my-app`")
        return name or "unnamed"

    def _build_spec(self) -> BuildSpec:
        raw = self._raw.get("build", {})
        spec = BuildSpec()
        output = raw.get("output", ".")
        if output.startswith("/") or ".." in output.split("/"):
            where = self._place("build.output")
            self._reading.wrong(where, "build.output must be a directory below the source")
        return BuildSpec(
            command=raw.get("command"),
            output=output,
            timeout_s=raw.get("timeout", spec.timeout_s),
            resources=resources_of(raw.get("resources", {}), spec.resources),
            image=self._raw.get("run", {}).get("image"),
        )

    # --- process types ---------------------------------------------------------------------------

    def _processes(self) -> tuple[Process, ...]:
        raw = self._raw
        given: dict[str, Any] = {
            name: {"command": value} if isinstance(value, str) else value
            for name, value in raw.get("processes", {}).items()
        }
        for name, command in self._commands.items():
            if name == _RELEASE:
                continue
            given.setdefault(name, {}).setdefault("command", command)
        top_command = raw.get("run", {}).get("command")
        only_jobs = "jobs" in raw and "run" not in raw
        if top_command or "expose" in raw or not (given or only_jobs or "processes" in raw):
            web = given.setdefault("web", {})
            if top_command:
                web["command"] = top_command
        if "expose" in raw:
            if "expose" in given["web"]:
                self._reading.wrong(
                    self._place("expose"), "web's ports are given here and in processes.web"
                )
            given["web"] = {**given["web"], "expose": raw["expose"]}
        for place, *said in expose_problems(given.values(), raw.get("deploy", {})):
            self._reading.wrong(self._place(place), *said)
        self._check_scale(given)
        names = sorted(given, key=lambda name: name != "web")
        return tuple(self._process(name, given[name]) for name in names)

    def _process(self, name: str, raw: dict[str, Any]) -> Process:
        default = Process(name=name, command="")
        shared = resources_of(self._raw.get("resources", {}), default.resources)
        path = f"processes.{name}"
        check = raw.get("health_check")
        daemon = raw.get("daemon", self._raw.get("placement", {}).get("daemon", False))
        for key, *said in floor_problems(raw, daemon=daemon):
            self._reading.wrong(self._place(f"{path}.{key}"), f"{path}.{key}: {said[0]}", said[1])
        return Process(
            name=name,
            command=raw.get("command", ""),
            scale=self._raw.get("scale", {}).get(name, raw.get("scale", default.scale)),
            expose=tuple(
                self._expose(expose, f"{path}.expose[{number}]")
                for number, expose in enumerate(raw.get("expose", ()))
            ),
            health_check=self._check(check, f"{path}.health_check") if check else None,
            resources=resources_of(raw.get("resources", {}), shared),
            placement=self._placement_of(name, raw),
            daemon=daemon,
            drain_s=raw.get("drain", default.drain_s),
            stop_grace_s=raw.get("stop_grace", default.stop_grace_s),
            floor=floor_of(raw),
        )

    def _expose(self, raw: dict[str, Any], path: str) -> Expose:
        protocol = Protocol(raw.get("protocol", "http"))
        check = self._check(raw.get("health_check", {"type": "tcp"}), f"{path}.health_check")
        return Expose(
            name=raw.get("name", ""),
            port=raw.get("port", 80),
            host_port=raw.get("host_port"),
            protocol=protocol,
            health_check=check,
        )

    def _check(self, raw: dict[str, Any], path: str) -> HealthCheck:
        kind = raw.get("type") or (
            "command" if "command" in raw else "http" if "path" in raw else "tcp"
        )
        default = HealthCheck(type=CheckType(kind))
        place = self._place(path.removeprefix("processes.web."))
        if kind == "command" and "command" not in raw:
            self._reading.wrong(place, "a health check of type command needs a command")
        asked = raw.get("path", default.path)
        if not asked.startswith("/") or any(character.isspace() for character in asked):
            self._reading.wrong(
                place, f"the path {asked!r} of a health check must start with / and have no space"
            )
        return HealthCheck(
            type=CheckType(kind),
            path=asked,
            command=raw.get("command", ""),
            interval_s=raw.get("interval", default.interval_s),
            timeout_s=raw.get("timeout", default.timeout_s),
            healthy_threshold=raw.get("healthy_threshold", default.healthy_threshold),
            unhealthy_threshold=raw.get("unhealthy_threshold", default.unhealthy_threshold),
            grace_s=raw.get("grace", default.grace_s),
        )

    def _check_scale(self, given: dict[str, Any]) -> None:
        for name in self._raw.get("scale", {}):
            if name not in given:
                self._reading.wrong(
                    self._place(f"scale.{name}"),
                    f"scale names {name!r}, which is no process type",
                    f"there is {', '.join(given)}",
                )

    def _placement(self) -> Placement:
        return placement_of(self._raw.get("placement", {}), Placement())

    def _placement_of(self, name: str, raw: dict[str, Any]) -> Placement | None:
        """Give what a process type says of placement, and check what holds for it."""
        own = f"processes.{name}.placement" if "placement" in raw else "placement"
        placement = placement_of(raw.get("placement", {}), self._placement())
        where, wrong = self._place(own), self._reading.wrong
        app = str(self._raw.get("name") or name_from(self._default_name or ""))
        if itself := apart_from_itself(placement, app, name):
            wrong(where, f"{own}.apart: {itself} cannot be apart from itself", "alone: true?")
        if why := contradiction(placement):
            wrong(where, f"{own}.where: no node can ever match: {why}")
        return placement if "placement" in raw else None

    # --- jobs ------------------------------------------------------------------------------------

    def _jobs(self) -> tuple[Job, ...]:
        jobs = jobs_of(self._raw.get("jobs", {}), self._placement())
        for job in jobs:
            for trouble in job_troubles(job, self._raw["jobs"][job.name]):
                path = f"jobs.{job.name}.{trouble.key}"
                self._reading.wrong(self._place(path), f"{path}: {trouble.message}", trouble.hint)
            for wrong in gang_troubles(job, {one.name: one for one in jobs}.get):
                path = f"jobs.{job.name}.gang.{wrong.member}"
                self._reading.wrong(self._place(path), f"{path}: {wrong.message}", wrong.hint)
        return jobs

    def _schedules(self) -> tuple[Schedule, ...]:
        found: list[Schedule] = []
        for schedule in schedules_of(self._raw.get("schedules", {})):
            path = f"schedules.{schedule.name}"
            cron = parse_cron(schedule.cron, name=f"{self._name()}/{schedule.name}")
            for problem in cron.problems if schedule.cron else ():
                self._reading.wrong(self._place(f"{path}.cron"), problem.message, problem.hint)
            zone = timezone_problem(schedule.timezone)
            if zone is not None:
                where = self._place(f"{path}.timezone")
                self._reading.wrong(where, zone.message, zone.hint)
            if cron.value is not None:
                schedule = msgspec.structs.replace(schedule, plain=cron.value.plain)  # noqa: PLW2901
            found.append(schedule)
        schedules, troubles = fanned_in(found)
        for trouble in troubles:
            where = self._place(f"schedules.{trouble.schedule}.after")
            self._reading.wrong(where, trouble.message, trouble.hint)
        return schedules

    # --- the rest --------------------------------------------------------------------------------

    def _env(self) -> dict[str, str | None]:
        raw = self._raw.get("env", [])
        found: dict[str, str | None] = {}
        items = [raw] if isinstance(raw, dict) else raw
        for item in items:
            entries = {item: None} if isinstance(item, str) else item
            for key, value in entries.items():
                if key in found:
                    self._reading.wrong(self._place("env"), f"env names {key} twice")
                if key != "PORT":
                    found[key] = value
        return found

    def _hosts(self) -> tuple[str, ...]:
        raw = self._raw.get("external", {})
        hosts = [raw["host"]] if "host" in raw else []
        return tuple(dict.fromkeys(host.lower() for host in (*hosts, *raw.get("hosts", ()))))

    def _dependencies(self) -> tuple[AppName, ...]:
        found: list[AppName] = []
        for name in self._raw.get("dependencies", ()):
            if name == self._raw.get("name"):
                self._reading.wrong(self._place("dependencies"), f"{name} depends on itself")
            elif name not in found:
                found.append(AppName(name))
        return tuple(found)

    def _release(self) -> dict[str, Any]:
        raw = self._raw.get("release", {})
        given = {"command": raw} if isinstance(raw, str) else raw
        return (
            {"command": self._commands[_RELEASE], **given} if _RELEASE in self._commands else given
        )

    def _volumes(self) -> tuple[Volume, ...]:
        found: list[Volume] = []
        for raw in self._raw.get("volumes", ()):
            if "name" not in raw or "path" not in raw:
                continue
            volume = Volume(name=raw["name"], path=raw["path"].rstrip("/") or "/")
            problem = _volume_problem(volume, found)
            if problem:
                self._reading.wrong(self._place("volumes"), problem)
            found.append(volume)
        return tuple(found)

    def _deploy(self, volumes: tuple[Volume, ...]) -> Deploy:
        raw = self._raw.get("deploy", {})
        default = Deploy()
        own = "recreate" if volumes else "rolling"
        canary = raw.get("canary", {})
        steps = tuple(
            CanaryStep(weight_percent=step["weight"], pause_s=step.get("pause", 60.0))
            for step in canary.get("steps", ())
            if "weight" in step
        )
        weights = [step.weight_percent for step in steps]
        if weights != sorted(set(weights)):
            self._reading.wrong(
                self._place("deploy.canary.steps"), "the weights of a canary must rise"
            )
        policy = default.canary
        return Deploy(
            strategy=Strategy(raw.get("strategy", own)),
            min_healthy_s=raw.get("min_healthy_time", default.min_healthy_s),
            progress_deadline_s=raw.get("progress_deadline", default.progress_deadline_s),
            surge=raw.get("surge", default.surge),
            canary=Canary(
                steps=steps or policy.steps,
                judgement=Judgement(canary.get("judgement", policy.judgement.value)),
                requests_min=canary.get("requests_min", policy.requests_min),
                error_rate_margin_percent=canary.get(
                    "error_rate_margin", policy.error_rate_margin_percent
                ),
                latency_ratio_max=canary.get("latency_ratio_max", policy.latency_ratio_max),
            ),
        )


def _volume_problem(volume: Volume, others: list[Volume]) -> str:
    path = volume.path
    if not path.startswith("/") or path == "/" or ".." in path.split("/"):
        return f"the path of volume {volume.name} must be absolute and not /"
    for top in _RESERVED_PATHS:
        if path == top or path.startswith(f"{top}/"):
            return f"volume {volume.name} cannot be at {path}: {top} is headway's"
    for other in others:
        if other.name == volume.name:
            return f"two volumes are named {volume.name}"
        if f"{path}/".startswith(f"{other.path}/") or f"{other.path}/".startswith(f"{path}/"):
            return f"the volumes {other.name} and {volume.name} lie in one another"
    return ""
