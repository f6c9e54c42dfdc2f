"""The documentation of `headway.yaml`, written from its schema."""

from collections.abc import Iterator

from headway.formats.manifest_schema import MANIFEST
from headway.formats.schema import Either, Key, Kind, ListOf, MapOf, Record
from headway.formats.settings_yaml import SETTINGS

_SETTINGS_INTRODUCTION = """\
# settings.yaml

What an operator may set, in `settings.yaml` in the data directory; all of it may be left out.
`headway up` reads it, and refuses it with line and column where it has a mistake. `headway
settings` shows what holds.
"""
_INTRODUCTION = """\
# headway.yaml

One file describes one app: how it is built, run, checked, reached and deployed. Every key has a
default or may be left out. Unknown keys, wrong types and impossible values are refused, all at
once, with line, column and a hint.

`headway docs KEY` shows the same in a terminal, such as `headway docs expose.health_check.grace`.
`health_check` may be written `health check` or `health-check`; so may every key with an underscore.
"""


def paths() -> list[str]:
    """List all keys by dotted path, in the order of the schema."""
    return [path for path, _ in _walk(MANIFEST, "")]


def summary() -> list[tuple[str, str]]:
    """Give each top key with the first sentence of what it is."""
    return [(key.name, key.doc.split(". ")[0].rstrip(".")) for key in MANIFEST.keys]


def describe(path: str) -> str | None:
    """Explain a key, and name the keys below it; None when there is no such key."""
    wanted = path.strip().replace("-", "_").replace(" ", "_")
    for found, key in _walk(MANIFEST, ""):
        if found != wanted:
            continue
        lines = [found, "", f"  {key.doc}", "", f"  what: {key.kind.describe()}"]
        if key.default:
            lines.append(f"  default: {key.default}")
        if key.required:
            lines.append("  required")
        below = [name for name, _ in _walk(MANIFEST, "") if name.startswith(f"{found}.")]
        if below:
            lines += ["", "  keys below:", *(f"    {name}" for name in below)]
        return "\n".join(lines)
    return None


def page() -> str:
    """Write the reference page, in Markdown."""
    parts = [_INTRODUCTION]
    for key in MANIFEST.keys:
        parts.append(f"## {key.name}\n\n{_paragraph(key)}")
        rows = list(_walk_kind(key.kind, key.name))
        if rows:
            parts.append(
                "| key | what | default | |\n|---|---|---|---|\n"
                + "\n".join(
                    f"| `{path.removeprefix(key.name + '.')}` | {row.kind.describe()} | "
                    f"{row.default or ('*required*' if row.required else '')} | {row.doc} |"
                    for path, row in rows
                )
            )
    later = ", ".join(f"`{name}`" for name in MANIFEST.later)
    parts.append(f"## Later\n\n{later} are known names that this version does not support yet.")
    return "\n\n".join(parts) + "\n"


def settings_page() -> str:
    """Write the reference page of the settings, in Markdown."""
    parts = [_SETTINGS_INTRODUCTION.rstrip()]
    rows = [
        f"| `{path}` | {key.default} | {key.doc} |"
        for path, key in _walk(SETTINGS, "")
        if not isinstance(key.kind, Record)
    ]
    parts.append("| key | default | |\n|---|---|---|\n" + "\n".join(rows))
    return "\n\n".join(parts) + "\n"


def _paragraph(key: Key) -> str:
    default = f" Default: {key.default}." if key.default else ""
    nested = list(_walk_kind(key.kind, key.name))
    what = "" if nested else f" ({key.kind.describe()})"
    return f"{key.doc}{what}{default}"


def _walk(record: Record, path: str) -> Iterator[tuple[str, Key]]:
    for key in record.keys:
        dotted = f"{path}.{key.name}" if path else key.name
        yield dotted, key
        yield from _walk_kind(key.kind, dotted)


def _walk_kind(kind: Kind, path: str) -> Iterator[tuple[str, Key]]:
    if isinstance(kind, Record):
        yield from _walk(kind, path)
    elif isinstance(kind, ListOf):
        yield from _walk_kind(kind.item, path)
    elif isinstance(kind, MapOf):
        yield from _walk_kind(kind.value, f"{path}.NAME")
    elif isinstance(kind, Either):
        yield from _walk_kind(kind.plain, path)
        yield from _walk_kind(kind.mapping, path)
