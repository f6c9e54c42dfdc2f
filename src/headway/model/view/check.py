"""What `doctor` looked at."""

from headway.model.value import Value


class Check(Value, kw_only=True):
    """One thing that `doctor` looked at."""

    name: str
    ok: bool
    detail: str
    fix: str = ""
