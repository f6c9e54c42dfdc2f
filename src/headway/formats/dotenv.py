"""`KEY=VALUE` files."""

from headway.formats.config_key import key_problem, shortened
from headway.model.problem import Parsed, Problem


def parse_dotenv(text: str, *, file: str = ".env") -> Parsed[dict[str, str]]:
    """Read lines of `KEY=VALUE`; `#` begins a comment line, quotes around a value are taken off.

    >>> parse_dotenv("A=1").value
    {'A': '1'}
    """
    found: dict[str, str] = {}
    problems: list[Problem] = []
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip().removeprefix("export ")
        if not line or line.startswith("#"):
            continue
        key, given, value = line.partition("=")
        key, value = key.strip(), value.strip()
        problem = None if given else "a line must be KEY=VALUE"
        problem = problem or key_problem(key)
        if problem is not None:
            # What is no key may be a secret.
            shown = shortened(key) if given else "this line"
            problems.append(
                Problem(file=file, line=number, column=1, message=f"{shown}: {problem}")
            )
            continue
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        found[key] = value
    return Parsed(found, tuple(problems))
