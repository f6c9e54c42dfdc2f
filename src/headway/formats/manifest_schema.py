"""`headway.yaml`, key by key. The validator, `headway docs` and the reference page are all this."""

from headway.formats.job_schema import JOB, QUEUE, SCHEDULE
from headway.formats.kinds import (
    COMMAND,
    COUNT,
    DURATION,
    NAME,
    PERCENT,
    PROCESS_RESOURCES,
    RESOURCES,
    env_problem,
    host_problem,
    name_problem,
)
from headway.formats.placement_schema import PLACEMENT
from headway.formats.schema import (
    Choice,
    Either,
    Flag,
    Key,
    ListOf,
    MapOf,
    Quantity,
    Record,
    Text,
    whole,
)
from headway.formats.units import parse_percent

_BUILD_RESOURCES = RESOURCES.by_default({"cpu": "1", "max_mem": "2GiB"})
HEALTH_CHECK = Record(
    (
        Key(
            "type",
            Choice(("http", "tcp", "command")),
            "How health is asked for: a GET that must answer 200 to 399, a connection, "
            "or a command in the container that must end with status 0.",
            "http with a path, command with a command, else tcp",
        ),
        Key("path", Text(words="a path"), "For http: what is asked for.", "/"),
        Key("command", COMMAND, "For command: run by /bin/sh -c inside the container."),
        Key("interval", DURATION, "Between two probes of a healthy container.", "5s"),
        Key("timeout", DURATION, "How long an answer may take.", "2s"),
        Key("healthy_threshold", whole(1, 100), "Good answers in a row to be healthy.", "1"),
        Key("unhealthy_threshold", whole(1, 100), "Bad answers in a row to be unhealthy.", "3"),
        Key("grace", DURATION, "A container not healthy this long after its start failed.", "30s"),
    )
)
EXPOSE = Record(
    (
        Key("name", NAME, "Names the port in addresses and variables.", required=True),
        Key(
            "port",
            whole(1, 65535),
            "The port inside a docker container. A process listens on $PORT, or "
            "$PORT_<NAME>, which headway chooses.",
            "80",
        ),
        Key(
            "host_port",
            whole(1, 65535),
            "The port of its machine at which each copy is, for who must find it there: $PORT is "
            "this one. No two copies are ever on one machine.",
            "any that is free",
        ),
        Key("protocol", Choice(("http", "tcp")), "What the router speaks.", "http"),
        Key("health_check", HEALTH_CHECK, "How health is asked for.", "a connection (tcp)"),
    )
)
PROCESS = Record(
    (
        Key("command", COMMAND, "Run by /bin/sh -c in /app.", "what the build finds"),
        Key("scale", COUNT, "How many copies.", "1"),
        Key("expose", ListOf(EXPOSE, most=20), "Ports on which it can be reached."),
        Key(
            "health_check",
            HEALTH_CHECK,
            "For a process type that exposes nothing. Without one it is healthy while it runs, and "
            "good once the first copy of the release has run for 10s, or deploy.min_healthy_time.",
        ),
        Key("resources", PROCESS_RESOURCES, "What a copy may use.", "the app's resources"),
        Key("placement", PLACEMENT, "Which nodes run it, beside what the app says.", "the app's"),
        Key(
            "floor",
            COUNT,
            "Healthy copies that stay, where its own placement is `preemptible`: the others may "
            "give way to what has more priority and fits nowhere.",
            "1",
        ),
        Key("daemon", Flag(), "Runs once on each matching node.", "false"),
        Key("drain", DURATION, "How long requests may take to end before it is stopped.", "10s"),
        Key("stop_grace", DURATION, "From SIGTERM to SIGKILL.", "10s"),
    )
)
CANARY = Record(
    (
        Key(
            "steps",
            ListOf(
                Record(
                    (
                        Key(
                            "weight",
                            Quantity(parse_percent, "a share such as 10%", 1, 99, integer=True),
                            "Requests for the new release.",
                            required=True,
                        ),
                        Key("pause", DURATION, "How long the step lasts.", "60s"),
                    )
                ),
                most=20,
            ),
            "Shares in rising order.",
            "10% and 50%, 60s each",
        ),
        Key(
            "judgement",
            Choice(("timed", "manual", "automatic")),
            "Whether a step ends by time alone, by `headway promote`, or when its time is over "
            "and the router counted no more errors and no slower answers than the old release's.",
            "automatic",
        ),
        Key("requests_min", whole(1, 1_000_000), "Requests needed to judge a step.", "100"),
        Key("error_rate_margin", PERCENT, "Points by which its errors may exceed.", "1%"),
        Key(
            "latency_ratio_max",
            Quantity(parse_percent, "a ratio such as 1.5", 1, 100),
            "Its mean response time against the old release's.",
            "1.5",
        ),
    )
)
DEPLOY = Record(
    (
        Key(
            "strategy",
            Choice(("rolling", "blue_green", "canary", "recreate")),
            "Container by container; all at once beside the old; a share first; or stop, then "
            "start.",
            "rolling, or recreate where there are volumes",
        ),
        Key(
            "min_healthy_time",
            DURATION,
            "Healthy this long counts as good: a copy that ends before fails its deployment.",
            "500ms; for the first copy without a health check 10s",
        ),
        Key("progress_deadline", DURATION, "No progress this long has failed.", "10m"),
        Key("surge", whole(1, 100), "For rolling: containers started ahead.", "1"),
        Key("canary", CANARY, "For canary."),
    )
)
MANIFEST = Record(
    (
        Key("name", NAME, "The app's name.", "the directory's"),
        Key(
            "run",
            Record(
                (
                    Key("type", Choice(("process", "docker")), "How it is run.", "process"),
                    Key("command", COMMAND, "Command of the process type web."),
                    Key("image", Text(words="an image"), "For docker: run this image."),
                )
            ),
            "How the app is run.",
        ),
        Key(
            "build",
            Record(
                (
                    Key("command", COMMAND, "Run in the source; what it leaves is deployed."),
                    Key("output", Text(words="a directory"), "The part that is deployed.", "."),
                    Key("timeout", DURATION, "How long a build may take.", "15m"),
                    Key("resources", _BUILD_RESOURCES, "What a build may use.", "1 core, 2GiB"),
                )
            ),
            "How a source becomes what is run. Without it, headway looks for requirements.txt, "
            "pyproject.toml, uv.lock or package.json.",
        ),
        Key(
            "env",
            Either(
                ListOf(
                    Either(Text(env_problem, "a key"), MapOf(Text(any_scalar=True), env_problem)),
                    most=500,
                ),
                MapOf(Text(any_scalar=True), env_problem, most=500),
            ),
            "Config keys. A name alone is required and set by `headway config set`; a name with "
            "a value has that default. PORT is always given.",
        ),
        Key("resources", RESOURCES, "What a container may use."),
        Key("expose", ListOf(EXPOSE, most=20), "Ports of the process type web."),
        Key(
            "external",
            Record(
                (
                    Key("host", Text(host_problem, "a host name"), "A public host name."),
                    Key("hosts", ListOf(Text(host_problem, "a host name")), "Several."),
                )
            ),
            "Host names that lead here from outside: in production, else in the oldest "
            "environment.",
        ),
        Key("dependencies", ListOf(NAME, most=100), "Apps that must be healthy first."),
        Key("team", Text(), "Who owns it."),
        Key("shepherds", ListOf(Text(), most=50), "Whom to ask."),
        Key(
            "processes",
            MapOf(Either(COMMAND, PROCESS), name_problem, most=100),
            "Process types, each a command or a mapping. A Procfile says the same.",
        ),
        Key("scale", MapOf(COUNT, name_problem), "Copies of each process type.", "1"),
        Key("deploy", DEPLOY, "How another release takes over."),
        Key(
            "release",
            Either(
                COMMAND,
                Record(
                    (
                        Key("command", COMMAND, "The command.", required=True),
                        Key("timeout", DURATION, "How long it may take.", "10m"),
                    )
                ),
            ),
            "Run once, in a container of the new release, before it takes requests: a migration.",
        ),
        Key(
            "volumes",
            ListOf(
                Record(
                    (
                        Key("name", NAME, "The volume's name.", required=True),
                        Key("path", Text(words="an absolute path"), "Where.", required=True),
                    )
                ),
                most=20,
            ),
            "Directories kept across releases of an environment, deleted with it.",
        ),
        Key(
            "jobs",
            MapOf(Either(COMMAND, JOB), name_problem, most=500),
            "Jobs in any language, each a command or a mapping. Python functions with `@job` are "
            "found by the build and need no line here.",
        ),
        Key("schedules", MapOf(SCHEDULE, name_problem, most=500), "When jobs run by the clock."),
        Key("queues", MapOf(QUEUE, name_problem, most=100), "How runs of jobs take turns."),
        Key("placement", PLACEMENT, "Which nodes run it."),
    ),
    later=("workflows", "ci"),
    elsewhere={
        "command": "run.command",
        "cmd": "run.command",
        "start": "run.command",
        "image": "run.image, with run.type docker",
        "port": "expose",
        "ports": "expose",
        "replicas": "scale",
        "instances": "scale",
        "environment": "env, and headway config set",
        "config": "env, and headway config set",
        "secrets": "env, and headway config set --secret",
        "depends_on": "dependencies",
        "healthcheck": "expose.health_check",
        "health_check": "expose.health_check",
        "strategy": "deploy.strategy",
        "migrate": "release",
        "domain": "external.host",
        "memory": "resources.max_mem",
        "cpu": "resources.cpu",
        "mounts": "volumes",
        "cron": "schedules",
        "tasks": "jobs",
    },
)
