"""How an app is started when nobody says so: told from its files.

Looked at in this order, the first that fits: a Django project, an ASGI or WSGI app in a well-known
file, a Python script of a well-known name, a `start` script in package.json, a Node script of a
well-known name, a page. Whatever is started must listen on `$PORT`.
"""

import re
from collections.abc import Mapping

import msgspec

_SCRIPTS = ("app.py", "main.py", "server.py", "wsgi.py", "asgi.py", "run.py")
_APPLICATION = re.compile(r"^(app|application|api)\s*(?::[^=]+)?=\s*(\w+)", re.MULTILINE)
_NODE_SCRIPTS = ("server.js", "index.js", "app.js", "main.js", "server.mjs", "index.mjs")
_PAGE = "index.html"


def find_start_command(files: Mapping[str, str]) -> tuple[str, str] | None:
    """Give the command of the process type `web`, and in words what it was told from.

    Args:
        files: Path below the source to content, of the files at its top; contents that are not
            text may be empty.

    >>> find_start_command({"package.json": '{"scripts": {"start": "node ."}}'})
    ('npm start', 'package.json (scripts.start)')
    """
    return _python(files) or _node(files) or _static(files)


def _requirements(files: Mapping[str, str]) -> str:
    return "\n".join(
        files.get(name, "").lower() for name in ("requirements.txt", "pyproject.toml", "uv.lock")
    )


def _python(files: Mapping[str, str]) -> tuple[str, str] | None:
    wanted = _requirements(files)
    if "manage.py" in files:
        return "python manage.py runserver --noreload 127.0.0.1:$PORT", "manage.py (Django)"
    for name in _SCRIPTS:
        if name not in files:
            continue
        module = name.removesuffix(".py")
        application = _APPLICATION.search(files[name])
        target = f"{module}:{application[1]}" if application else ""
        if target and "uvicorn" in wanted:
            command = f"uvicorn {target} --host 127.0.0.1 --port $PORT"
            return command, f"{name} and uvicorn"
        if target and "gunicorn" in wanted:
            return f"gunicorn {target} --bind 127.0.0.1:$PORT", f"{name} and gunicorn"
        if target and "waitress" in wanted:
            return f"waitress-serve --listen=127.0.0.1:$PORT {target}", f"{name} and waitress"
        if target and "flask" in wanted:
            command = f"flask --app {target} run --host 127.0.0.1 --port $PORT"
            return command, f"{name} and Flask"
        return f"python {name}", name
    return None


def _node(files: Mapping[str, str]) -> tuple[str, str] | None:
    if "package.json" in files:
        try:
            package = msgspec.json.decode(files["package.json"])
        except msgspec.DecodeError:
            package = {}
        scripts = package.get("scripts") if isinstance(package, dict) else None
        if isinstance(scripts, dict) and scripts.get("start"):
            return "npm start", "package.json (scripts.start)"
        main = package.get("main") if isinstance(package, dict) else None
        if isinstance(main, str) and main in files:
            return f"node {main}", "package.json (main)"
    for name in _NODE_SCRIPTS:
        if name in files:
            return f"node {name}", name
    return None


def _static(files: Mapping[str, str]) -> tuple[str, str] | None:
    if _PAGE in files:
        return "python3 -m http.server $PORT --bind 127.0.0.1", _PAGE
    return None
