"""The kinds of values that the dialects of headway's own files share."""

from headway.formats.config_key import key_problem
from headway.formats.schema import Key, MapOf, Quantity, Record, Text, whole
from headway.formats.units import (
    parse_cores,
    parse_duration,
    parse_number,
    parse_percent,
    parse_size,
    render_duration,
)
from headway.model.ids import is_name
from headway.model.length import LENGTH_MAX_S
from headway.model.resources import MIB

_GIB = 1024 * MIB


def name_problem(text: str) -> str | None:
    """Say why a text cannot be a name."""
    if is_name(text):
        return None
    return (
        f"{text!r} cannot be a name: lower-case letters, digits and single hyphens, "
        "a letter first, at most 40"
    )


def host_problem(text: str) -> str | None:
    """Say why a text cannot be a host name."""
    labels = text.lower().split(".")
    fine = len(text) <= 253 and all(
        label and len(label) <= 63 and label.replace("-", "a").isalnum() and label.isascii()
        for label in labels
    )
    return None if fine else f"{text!r} is no host name, such as shop.example.com"


def command_problem(text: str) -> str | None:
    """Say why a text cannot be a command."""
    return None if text.strip() else "a command must not be empty"


def env_problem(text: str) -> str | None:
    """Say why a text cannot be declared as a config key; `PORT` may be, and is always given."""
    return None if text == "PORT" else key_problem(text)


NAME = Text(name_problem, "a name")
COMMAND = Text(command_problem, "a command")
DURATION = Quantity(
    parse_duration,
    f"a length of time up to {render_duration(LENGTH_MAX_S)}, such as 30s, 10m or 1h30m",
    most=LENGTH_MAX_S,
    show=render_duration,
)
MEMORY = Quantity(
    lambda text: parse_size(text, plain=_GIB),
    "a size such as 512MiB; a plain number is GiB",
    least=16 * MIB,
    most=1024 * _GIB,
)
SIZE = Quantity(parse_size, "a size such as 512MiB", least=MIB, most=1024 * _GIB)
CORES = Quantity(parse_cores, "cores such as 0.2 or 200m", least=0.001, most=1024)
PERCENT = Quantity(parse_percent, "a share such as 10%", most=100)
COUNT = whole(0, 1000)
_APPS = "the app's"
RESOURCES = Record(
    (
        Key("cpu", CORES, "Cores reserved; idle ones may be used beyond.", "0.1"),
        Key("max_mem", MEMORY, "Memory reserved, and its hard limit.", "256MiB"),
        Key("memory", MEMORY, "The same as max_mem."),
        Key("gpus", whole(0, 64), "GPUs reserved; the engine counts them.", "0"),
        Key(
            "custom",
            MapOf(Quantity(parse_number, "an amount", least=1e-6, most=1e6), name_problem, most=8),
            "Anything else that nodes have so many of, by name, such as licences.",
        ),
        Key("processes", whole(1, 100_000), "Processes and threads at most.", "256"),
        Key("open_files", whole(16, 1_000_000), "Open files of one process at most.", "4096"),
        Key(
            "disk",
            SIZE,
            "Space in /tmp, /home and /dev/shm together, at most. What is asked for is reserved of "
            "the machine, the default is not. The process engine has it in memory, where what is "
            "there counts towards max_mem.",
            "at most 512MiB, none reserved",
        ),
        Key("log", SIZE, "Log kept of one container.", "16MiB"),
    )
)
PROCESS_RESOURCES = RESOURCES.by_default(dict.fromkeys((key.name for key in RESOURCES.keys), _APPS))
