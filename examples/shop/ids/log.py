"""One event, one line: `request method=GET path=/ status=200`."""

import json


def log(event: str, **fields: object) -> None:
    """Print an event with its fields; values that are not plain words are quoted."""
    words = [event]
    for name, value in fields.items():
        text = str(value)
        plain = text.isprintable() and text and not set(text) & set(' "=')
        words.append(f"{name}={text if plain else json.dumps(text)}")
    print(" ".join(words), flush=True)
