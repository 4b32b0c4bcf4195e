"""The bounds that the documents state are those of the code."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "architecture.md"
ROWS = re.findall(
    r"^\| `([\w.]+)\.([A-Z_]+)` \| (\d+) \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE
)


@pytest.mark.parametrize(("module", "name", "bound"), ROWS, ids=str)
def test_documented_bound(module: str, name: str, bound: str) -> None:
    """The constant is where the table says, and as large."""
    assert getattr(importlib.import_module(f"krakenwire.{module}"), name) == int(bound)


def test_bounds_of_the_handler_are_documented() -> None:
    """Every bound that a module of the handler declares stands in the table."""
    documented = {(module, name) for module, name, _ in ROWS}
    declared = set()
    for module in (
        "counts",
        "routes",
        "turns",
        "delivery",
        "feed",
        "timeout",
        "reports",
        "status",
        "handler",
    ):
        source = importlib.import_module(f"krakenwire.handler.{module}")
        declared |= {
            (f"handler.{module}", name)
            for name in vars(source)
            if re.search(r"^[A-Z_]+(LIMIT|KEPT|SHOWN)$", name)
        }
    own = {(module, name) for module, name in declared if name != "WAITING_LIMIT" or module.endswith("turns")}
    assert own
    assert own <= documented
