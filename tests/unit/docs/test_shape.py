"""The shape of the code: functions short, modules that can be read at once, a docstring on each public name."""

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.yaml_files import ROOT

ROOMS: Final = ("operator", "bench", "charts", "demo", "docsite", "testbed")
MODULES: Final = [path for room in ROOMS for path in sorted(ROOT.glob(f"{room}/**/*.py"))]
LONGEST_MODULE: Final = 300  # lines
LONGEST_BODY: Final = 15  # lines, of nine functions in ten
MANY: Final = 1_500  # functions: there is something to be measured
Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def definitions(inside: ast.AST) -> list[Definition]:
    return [each for each in ast.iter_child_nodes(inside) if isinstance(each, Definition)]


def interface() -> set[str]:
    """The methods of the ports: what each is for is said there, once."""
    ports = [parsed(path) for path in ROOT.glob("operator/podium/ports/*.py")]
    return {method.name for module in ports for port in definitions(module) for method in definitions(port)}


def without_docstring(inside: ast.AST, place: str, said_elsewhere: set[str]) -> Iterator[str]:
    for each in definitions(inside):
        name = f"{place} {each.name}"
        if each.name.startswith("_") or any(ast.unparse(one).endswith(".setter") for one in each.decorator_list):
            continue
        if ast.get_docstring(each) is None and each.name not in said_elsewhere:
            yield name
        if isinstance(each, ast.ClassDef):
            inherited = {method.name for method in definitions(each)} if each.bases else set()
            yield from without_docstring(each, name, said_elsewhere | inherited)


def body_lines(function: Function) -> int:
    """Lines of the body without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_each_public_name_says_what_it_is() -> None:
    """A method that a port or a base class declares is described there."""
    said = interface()
    assert [
        name for path in MODULES for name in without_docstring(parsed(path), str(path.relative_to(ROOT)), said)
    ] == []


def test_nine_functions_in_ten_are_short() -> None:
    functions = [node for path in MODULES for node in ast.walk(parsed(path)) if isinstance(node, Function)]
    assert len(functions) > MANY
    assert statistics.quantiles(map(body_lines, functions), n=10)[-1] <= LONGEST_BODY


def test_a_module_can_be_read_at_once() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in MODULES}
    assert {path: lines for path, lines in lengths.items() if lines > LONGEST_MODULE} == {}
