"""`jobs`, `schedules` and `queues` of `headway.yaml`, key by key."""

from headway.formats.kinds import COMMAND, DURATION, NAME, RESOURCES, SIZE, name_problem
from headway.formats.lock_names import LOCKS_MAX, lock_problem
from headway.formats.placement_schema import PLACEMENT
from headway.formats.schema import (
    Choice,
    Either,
    Flag,
    Free,
    Key,
    ListOf,
    MapOf,
    Quantity,
    Record,
    Text,
    whole,
)
from headway.formats.units import parse_rate, parse_signed
from headway.model.gang import GANG_MAX
from headway.model.job import OneFails

_RESOURCES = RESOURCES.by_default({"cpu": "1", "max_mem": "1GiB"})
_PRIORITY = Quantity(parse_signed, "a whole number", least=-100, most=100, integer=True)

JOB = Record(
    (
        Key(
            "command",
            COMMAND,
            "Run by /bin/sh -c in /app. The parameters are JSON on standard input and in "
            "$HEADWAY_PARAMETERS; what it writes to $HEADWAY_RESULT as JSON is the result.",
            required=True,
        ),
        Key("doc", Text(), "What it does."),
        Key("resources", _RESOURCES, "Reserved for each run, and its limits.", "1 core, 1GiB"),
        Key("placement", PLACEMENT, "Which nodes run it, beside what the app says.", "the app's"),
        Key("expected", DURATION, "How long a run is thought to take.", "its timeout"),
        Key("timeout", DURATION, "How long an attempt may take.", "10m"),
        Key("cpu_time", DURATION, "Processor time of an attempt, all processes together."),
        Key(
            "output",
            SIZE,
            "What an attempt may write to its output; resources.log says how much is kept.",
            "256MiB",
        ),
        Key("grace", DURATION, "From SIGTERM to SIGKILL, when it is cancelled or late.", "10s"),
        Key(
            "delivery",
            Choice(("at_most_once", "at_least_once")),
            "at_most_once never starts a second attempt once a first may have begun; "
            "at_least_once tries again until one succeeds or the retries are used up.",
            "at_most_once",
        ),
        Key(
            "retries",
            Either(
                whole(0, 100),
                Record(
                    (
                        Key("most", whole(0, 100), "Attempts after the first.", "3"),
                        Key("delay", DURATION, "Before the first; later ones double.", "1s"),
                        Key("delay_max", DURATION, "The longest delay.", "5m"),
                    )
                ),
            ),
            "For at_least_once: how failed attempts are followed by others.",
            "3",
        ),
        Key("queue", NAME, "The queue in which its runs wait.", "default"),
        Key("priority", _PRIORITY, "Higher ones start first within their queue.", "0"),
        Key("concurrency", whole(1, 100_000), "Runs of it at one time.", "no limit"),
        Key("key_concurrency", whole(1, 100_000), "Runs of it at one time by `unique` key."),
        Key(
            "gang",
            MapOf(whole(1, GANG_MAX - 1), name_problem, most=8),
            "Jobs of the app, and how many runs of each start together with a run of this one or "
            f"not at all, and end with it; {GANG_MAX} in all.",
        ),
        Key(
            "when_one_fails",
            Choice(tuple(word.value for word in OneFails)),
            "Of a gang: all of it ends when one does not succeed, or the others go on.",
            "end",
        ),
        Key(
            "lock",
            ListOf(Text(lock_problem, "a lock"), most=LOCKS_MAX, single=True),
            "Locks that a run holds while it runs, all or none: `migration`, or "
            "`account-{account}` with one of its parameters, {app} or {environment} in it.",
        ),
        Key(
            "network",
            Choice(("none", "dependencies", "internet")),
            "What a run reaches: nothing; the router, by it the app's dependencies, and headway; "
            "or all that the node does.",
            "none",
        ),
        Key(
            "isolation",
            Choice(("standard", "strict")),
            "strict is refused where a limit cannot be enforced.",
            "standard",
        ),
        Key("parameters", Free(), "JSON Schema of its parameters, an object.", "any object"),
    )
)
SCHEDULE = Record(
    (
        Key("job", NAME, "What runs.", "the job of the schedule's name"),
        Key("cron", Text(words="a cron expression"), "When, in five fields.", required=True),
        Key("timezone", Text(words="a time zone"), "Where the clock hangs.", "UTC"),
        Key("parameters", Free(), "Parameters of each run."),
        Key(
            "catch_up",
            Choice(("skip", "one", "all")),
            "What happens to times that passed while headway was down.",
            "one",
        ),
        Key(
            "overlap",
            Choice(("skip", "queue", "replace")),
            "What happens when the run before has not ended.",
            "skip",
        ),
        Key("jitter", DURATION, "Each run starts up to so much later.", "0s"),
        Key(
            "after",
            ListOf(NAME, most=200, single=True),
            "Schedules, or jobs that have some, whose runs of the same period succeed first.",
        ),
    )
)
QUEUE = Record(
    (
        Key("concurrency", whole(1, 100_000), "Runs at one time.", "no limit"),
        Key("rate", Quantity(parse_rate, "a rate such as 10/s, 100/m or 5/h", 1e-9), "Starts."),
        Key("length_max", whole(1, 10_000_000), "Runs that may wait.", "1000000"),
        Key(
            "fair_by",
            Text(name_problem, "a tag"),
            "Values of this tag take turns, so that one's many runs do not hold up another's few.",
            "team",
        ),
        Key("lazy", Flag(), "Its runs never have a pool grow.", "false"),
    )
)
