"""What CONTRIBUTING asks of every file, where a program can tell."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import headway

LINES_MAX, FUNCTION_MAX = 400, 60
_ROOT = Path(headway.__file__).parent
TEXTS = {str(file.relative_to(_ROOT)): file.read_text() for file in sorted(_ROOT.rglob("*.py"))}


def test_files_are_short():
    assert [name for name, text in TEXTS.items() if text.count("\n") > LINES_MAX] == []


def test_functions_are_short():
    assert [
        f"{name}: {function}"
        for name, text in TEXTS.items()
        for function, lines in functions(text)
        if lines > FUNCTION_MAX
    ] == []


def functions(text: str) -> Iterator[tuple[str, int]]:
    """Give each function and how many lines it has without its docstring."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            said = (ast.get_docstring(node, clean=False) or "").count("\n")
            assert node.end_lineno is not None
            yield node.name, node.end_lineno - node.lineno + 1 - said


def test_what_a_file_names_for_itself_it_uses():
    assert [
        f"{name}: {own}"
        for name, text in TEXTS.items()
        for own in private(text)
        if len(re.findall(rf"\b{own}\b", text)) == 1
    ] == []


def private(text: str) -> Iterator[str]:
    """Give what a file defines at its top for itself alone."""
    for node in ast.parse(text).body:
        for found in node.targets if isinstance(node, ast.Assign) else (node,):
            name = found.id if isinstance(found, ast.Name) else getattr(found, "name", "")
            if re.match(r"_[A-Za-z]", name):
                yield name
