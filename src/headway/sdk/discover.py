"""Finds the jobs of an app: `python discover.py DIRECTORY` prints them and every problem as JSON.

It imports the app's modules, so it is run where the app may run: in its build's container. Needs
the standard library only.

    {"jobs": [{"name": …, "function": "module:name", "parameters": {…}, …}],
     "places": {NAME: {"file": …, "line": …}},
     "problems": [{"file": …, "line": …, "message": …}]}
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

if __name__ == "__main__" and sys.path[0] == str(Path(__file__).resolve().parent):
    sys.path[0] = str(Path(__file__).resolve().parents[2])  # an app's modules may be called as ours

from headway.machine.candidates import candidates, is_src_layout
from headway.sdk.job import Declared, JobError, ParameterError, declared

if TYPE_CHECKING:
    from types import ModuleType

_EXTERNAL_HINT = "config is not there while an app is built: read it inside the job"


class Search:
    """What was found below a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()
        self.found: dict[str, Declared] = {}
        self.functions: dict[str, str] = {}
        """Name of a job → `module:name`."""
        self.problems: list[dict[str, Any]] = []

    def run(self) -> None:
        """Import every candidate and collect its jobs."""
        paths = candidates(self.directory)
        show_modules(self.directory)
        for path in paths:
            module = self._import(path)
            if module is not None:
                self._collect(module, path)

    def listing(self) -> dict[str, Any]:
        """Give everything as JSON values."""
        jobs = []
        for name in sorted(self.found):
            made = self.found[name]
            try:
                parameters = made.schema
            except JobError as error:
                self._problem(error.file, error.line, str(error))
                continue
            jobs.append(
                {
                    "name": name,
                    "function": self.functions[name],
                    "doc": made.doc,
                    **made.options,
                    "parameters": parameters,
                }
            )
        return {"jobs": jobs, "places": self._places(), "problems": self.problems}

    def _places(self) -> dict[str, dict[str, Any]]:
        """Say where each job stands, for what is found out only beside other jobs."""
        places = {}
        for name, made in self.found.items():
            code = made.function.__code__
            places[name] = {
                "file": self._relative(code.co_filename),
                "line": code.co_firstlineno,
            }
        return places

    def _import(self, path: str) -> ModuleType | None:
        name = module_name(path, src=is_src_layout(self.directory))
        if name is None:
            self._problem(path, 0, "its name cannot be imported: use letters, digits and _")
            return None
        try:
            return importlib.import_module(name)
        except JobError as error:
            self._problem(error.file or path, error.line, str(error))
        except (Exception, SystemExit) as error:  # noqa: BLE001 (an app's own)
            file, line = self._place(error, path)
            hint = f" ({_EXTERNAL_HINT})" if isinstance(error, KeyError) else ""
            self._problem(file, line, f"{type(error).__name__}: {error}{hint}")
        return None

    def _collect(self, module: ModuleType, path: str) -> None:
        for name, thing in list(vars(module).items()):
            made = declared(thing)
            if made is None or made.function.__module__ != module.__name__:
                continue  # it came from elsewhere, where it is found
            known = self.found.setdefault(made.name, made)
            if known is made:
                self.functions.setdefault(made.name, f"{module.__name__}:{name}")
                continue
            first = known.function.__code__
            there = f"{self._relative(first.co_filename)}:{first.co_firstlineno}"
            line = made.function.__code__.co_firstlineno
            self._problem(path, line, f"there is a job {made.name!r} already, in {there}")

    def _place(self, error: BaseException, path: str) -> tuple[str, int]:
        """Give the innermost place in the app's own files that an error came through."""
        if isinstance(error, SyntaxError) and error.filename:
            return error.filename, error.lineno or 0
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if self._is_own(frame.filename)]
        return (own[-1].filename, own[-1].lineno or 0) if own else (path, 0)

    def _is_own(self, file: str) -> bool:
        return file.startswith(f"{self.directory}{os.sep}") and "site-packages" not in file

    def _problem(self, file: str, line: int, message: str) -> None:
        row = {"file": self._relative(file), "line": line, "message": message}
        if row not in self.problems:  # one module that others import
            self.problems.append(row)

    def _relative(self, file: str) -> str:
        return os.path.relpath(file, self.directory) if os.path.isabs(file) else file  # noqa: PTH117


def show_modules(directory: Path) -> None:
    """Let an app's modules be imported."""
    places = [str(directory)]
    if is_src_layout(directory):
        places.insert(0, str(directory / "src"))
    sys.path[:0] = [place for place in places if place not in sys.path]


def module_name(path: str, *, src: bool) -> str | None:
    """Name the module of a file; None: it cannot be imported by name.

    >>> module_name("src/shop/jobs.py", src=True), module_name("shop/__init__.py", src=False)
    ('shop.jobs', 'shop')
    """
    parts = path[: -len(".py")].split("/")
    if src and parts[0] == "src" and len(parts) > 1:
        parts = parts[1:]
    if parts[-1] == "__init__":
        parts = parts[:-1]
    return ".".join(parts) if parts and all(part.isidentifier() for part in parts) else None


def discover(directory: Path) -> Search:
    """Import an app's modules and find its jobs."""
    search = Search(directory)
    search.run()
    return search


def check(search: Search, name: str, parameters: str) -> list[str]:
    """Say what is wrong with parameters, given as JSON text, for a job that was found."""
    if name not in search.found:
        known = ", ".join(sorted(search.found)) or "none"
        return [f"there is no job {name!r}; there are: {known}"]
    try:
        search.found[name].bind(json.loads(parameters))
    except json.JSONDecodeError as error:
        return [f"the parameters are not JSON: {error}"]
    except JobError as error:
        return [str(error)]
    except ParameterError as error:
        return error.problems
    return []


def main() -> None:
    """Find the jobs below a directory; what modules print meanwhile goes to standard error."""
    parser = argparse.ArgumentParser(description=inspect.getdoc(main))
    parser.add_argument("directory", type=Path)
    parser.add_argument("--out", type=Path, help="write there, not to standard output")
    parser.add_argument("--job", help="also check parameters for this job")
    parser.add_argument("--parameters", default="{}")
    asked = parser.parse_args()
    answer = os.dup(1)
    os.dup2(2, 1)
    search = discover(asked.directory)
    found = search.listing()
    if asked.job:
        found["refused"] = check(search, asked.job, asked.parameters)
    text = json.dumps(found, ensure_ascii=False)
    sys.stdout.flush()
    if asked.out:
        asked.out.write_text(text, encoding="utf-8")
        return
    with os.fdopen(answer, "w", encoding="utf-8") as out:
        out.write(text + "\n")


if __name__ == "__main__":
    main()
