"""The rooms of the package: who may import whom, what the core may not know, and what is public."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "src" / "krakenwire"

RANK = {
    "errors": 0,
    "text": 0,
    "wire": 1,
    "state": 2,
    "events": 3,
    "session": 4,
    "handler": 5,
    "net": 6,
    "capture": 7,
    "sim": 7,
    "relay": 7,
    "logs": 8,
    "metrics": 8,
    "tui": 8,
    "manager": 9,
    "cli": 9,
}
"""A room imports from lower ranks and from itself; rooms of one rank do not know each other."""

FACE = {"__init__", "__main__"}
"""Modules of the package itself. They belong to no room, and no room may import them."""

CORE = 4
"""Rooms up to this rank have no socket, clock, lock, randomness or log: the caller hands in the time."""

FORBIDDEN_IN_CORE = frozenset({"asyncio", "concurrent", "logging", "multiprocessing", "random", "secrets"})
FORBIDDEN_IN_CORE |= {"select", "selectors", "signal", "socket", "ssl", "subprocess"}
FORBIDDEN_IN_CORE |= {"threading", "time", "uuid"}

THIRD_PARTY = {
    "msgspec": 0,
    "aiohttp": RANK["net"],
    "prometheus_client": RANK["metrics"],
    "cryptography": RANK["sim"],
    "pytest": RANK["sim"],
    "textual": RANK["tui"],
    "rich": RANK["tui"],
    "click": RANK["cli"],
}
"""Installed packages with the lowest rank that may import them."""


def modules() -> list[Path]:
    """Every module of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def module_id(path: Path) -> str:
    """How a test names the module."""
    return path.relative_to(PACKAGE).as_posix()


def room_of(path: Path) -> str:
    """The folder, or the file directly below the package, that a module belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> Iterator[tuple[str, int]]:
    """Each imported module with its line, wherever in the file the import stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), filename=str(path))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}:{node.lineno} imports by a relative name"
            if node.module == "krakenwire":
                yield from ((f"krakenwire.{alias.name}", node.lineno) for alias in node.names)
            elif node.module is not None:
                yield node.module, node.lineno


@pytest.mark.parametrize("path", modules(), ids=module_id)
def test_imports_go_down(path: Path) -> None:
    """A module imports from rooms of a lower rank or from its own room, and nothing else of the package."""
    room = room_of(path)
    if room in FACE:
        return
    assert room in RANK, f"{room} has no rank"
    for name, line in imports_of(path):
        if name.split(".")[0] != "krakenwire":
            continue
        target = name.split(".")[1]
        assert target in RANK, f"line {line}: {name} is no room"
        assert target == room or RANK[target] < RANK[room], f"line {line}: {room} may not know {target}"


@pytest.mark.parametrize("path", modules(), ids=module_id)
def test_core_has_no_socket_and_no_clock(path: Path) -> None:
    """Up to the session, nothing opens a socket, reads a clock, takes a lock, rolls dice or writes a log."""
    if room_of(path) in FACE or RANK[room_of(path)] > CORE:
        return
    found = [(name, line) for name, line in imports_of(path) if name.split(".")[0] in FORBIDDEN_IN_CORE]
    assert not found


@pytest.mark.parametrize("path", modules(), ids=module_id)
def test_installed_packages_are_declared(path: Path) -> None:
    """What comes from outside is the standard library, or a dependency in a room that may use it."""
    rank = RANK.get(room_of(path), 0)
    for name, line in imports_of(path):
        root = name.split(".")[0]
        if root == "krakenwire" or root in sys.stdlib_module_names:
            continue
        assert root in THIRD_PARTY, f"line {line}: {root} is no dependency of the package"
        assert rank >= THIRD_PARTY[root], f"line {line}: {root} belongs higher up"


def test_core_clock_in_datetime_is_not_read() -> None:
    """`datetime` serves the core for arithmetic only: nothing asks it for the present moment."""
    for path in modules():
        if room_of(path) in FACE or RANK[room_of(path)] > CORE:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(attr="now" | "today" | "utcnow", value=owner)):
                    asks_clock = ast.unparse(owner).endswith(("date", "datetime"))
                    assert not asks_clock, f"{module_id(path)}:{node.lineno}"
                case _:
                    pass


def test_face_only_names() -> None:
    """`krakenwire/__init__.py` holds imports, the version and the list of public names: no logic."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    for node in tree.body[1:]:
        match node:
            case ast.Import() | ast.ImportFrom():
                continue
            case ast.Assign(targets=[ast.Name(id="__all__" | "__version__")]):
                ast.literal_eval(node.value)
            case _:
                pytest.fail(f"line {node.lineno}: {ast.unparse(node)[:60]}")


def test_public_names_sorted() -> None:
    """`__all__` is sorted, has no name twice, and names nothing that does not exist."""
    import krakenwire

    assert list(krakenwire.__all__) == sorted(set(krakenwire.__all__))
    assert [name for name in krakenwire.__all__ if not hasattr(krakenwire, name)] == []
