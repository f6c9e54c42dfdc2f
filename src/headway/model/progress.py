"""How far a run is, as it writes it."""

from typing import Any


def progress_of(line: str) -> dict[str, Any] | None:
    """Read a line of output as progress: `::progress 40% exporting`, or `3/12`; None is no such.

    >>> progress_of("::progress 40% exporting rows")
    {'percent': 40.0, 'text': 'exporting rows'}
    >>> progress_of("::progress 3/12")
    {'percent': 25.0, 'text': '3/12'}
    """
    word, _, rest = line.partition(" ")
    if word != "::progress":
        return None
    share, _, text = rest.strip().partition(" ")
    try:
        if share.endswith("%"):
            return {"percent": max(0.0, min(100.0, float(share[:-1]))), "text": text}
        done, slash, whole = share.partition("/")
        if slash and float(whole) > 0:
            percent = max(0.0, min(100.0, 100 * float(done) / float(whole)))
            return {"percent": round(percent, 1), "text": f"{share} {text}".strip()}
    except ValueError:
        return None
    return None
