"""Which faults do the tests cover? Reads the markers `@pytest.mark.fault("J1", …)` without running a test.

`python -m tools.faults` prints the table, with `--all` also the ids that wait for a later part. With
`--check` it prints what is wrong only, and ends with 1 if a required id is missing or a marker unreadable.
"""

import argparse
import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tools.fault_ids import FAULTS, Fault

TESTS = Path(__file__).resolve().parent.parent / "tests"
NAMES_SHOWN = 3


@dataclass
class Coverage:
    """What the markers of a test folder say."""

    tests: dict[str, list[str]] = field(default_factory=dict)
    """Fault id to the tests that name it, as `file::test`."""
    problems: list[str] = field(default_factory=list)
    """Markers that cannot be counted, each with its place."""

    def add(self, fault_id: str, test: str) -> None:
        """Count `test` for `fault_id`, once."""
        names = self.tests.setdefault(fault_id, [])
        if test not in names:
            names.append(test)

    @property
    def missing(self) -> list[Fault]:
        """Required faults that no test names."""
        return [fault for fault in FAULTS.values() if fault.required and fault.id not in self.tests]


def collect(folder: Path) -> Coverage:
    """Read every test module below `folder`."""
    coverage = Coverage()
    for path in sorted(folder.rglob("*.py")):
        name = path.relative_to(folder).as_posix()
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
        for owner, marker in _markers(tree.body, name):
            _count(coverage, owner, marker, name)
    return coverage


def _count(coverage: Coverage, owner: str, marker: ast.Call, name: str) -> None:
    place = f"{name}:{marker.lineno}"
    if not marker.args or marker.keywords:
        coverage.problems.append(f"{place}: a fault marker takes ids, and nothing else")
    for argument in marker.args:
        if not (isinstance(argument, ast.Constant) and isinstance(argument.value, str)):
            coverage.problems.append(f"{place}: a fault id has to be written out, not computed")
        elif argument.value not in FAULTS:
            coverage.problems.append(f"{place}: {argument.value!r} is not a known fault id")
        else:
            coverage.add(argument.value, owner)


def _markers(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, ast.Call]]:
    """Each fault marker with the name of what it marks: a test, a class, or a table of parameters."""
    for statement in body:
        if isinstance(statement, ast.ClassDef):
            name = f"{prefix}::{statement.name}"
            for decorator in statement.decorator_list:
                yield from ((name, call) for call in _calls(decorator))
            yield from _markers(statement.body, name)
        else:
            owner = _owner(statement)
            name = f"{prefix}::{owner}" if owner else prefix
            yield from ((name, call) for call in _calls(statement))


def _owner(statement: ast.stmt) -> str:
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return name
        case ast.Assign(targets=[target]) | ast.AnnAssign(target=target):
            # `pytestmark = …` marks the whole module or class; `Test.pytestmark = …` marks Test.
            return ast.unparse(target).removesuffix("pytestmark").rstrip(".")
        case _:
            return ""


def _calls(node: ast.AST) -> Iterator[ast.Call]:
    for child in ast.walk(node):
        match child:
            case ast.Call(func=ast.Attribute(attr="fault", value=mark)) if ast.unparse(mark).endswith("mark"):
                yield child
            case _:
                pass


def print_table(coverage: Coverage, *, everything: bool) -> None:
    """One line a fault, then a line that counts."""
    shown = [fault for fault in FAULTS.values() if everything or fault.required or fault.id in coverage.tests]
    width = max(len(fault.title) for fault in shown)
    for fault in shown:
        names = coverage.tests.get(fault.id, [])
        covered = ", ".join(names[:NAMES_SHOWN]) or ("MISSING" if fault.required else "later")
        more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
        print(f"{fault.id:4} {fault.level}  {fault.title:{width}}  {covered}{more}")
    required = [fault for fault in FAULTS.values() if fault.required]
    print(
        f"\n{len(required) - len(coverage.missing)} of {len(required)} required faults are covered; "
        f"{len(coverage.tests)} of all {len(FAULTS)}."
    )


def main(arguments: list[str] | None = None, *, folder: Path = TESTS) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(description="Which faults do the tests cover?")
    parser.add_argument("--all", action="store_true", help="list the ids that wait for a later part, too")
    parser.add_argument("--check", action="store_true", help="print problems only; exit 1 if there is one")
    options = parser.parse_args(arguments)
    coverage = collect(folder)
    if not options.check:
        print_table(coverage, everything=options.all)
    for problem in coverage.problems:
        print(problem, file=sys.stderr)
    if options.check:
        for fault in coverage.missing:
            print(f"no test names {fault.id}: {fault.title}", file=sys.stderr)
        return 1 if coverage.missing or coverage.problems else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
